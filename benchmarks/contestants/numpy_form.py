"""The closed form in NumPy, its gradient by hand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from shapes import Batch, Float32, Shape
from timing import Contestant, Key, python_timer

from .products import one_thread


def contestants(batch: Batch) -> Iterator[Contestant]:
    """From unit rows, and from raw rows."""
    for normalize, function in (("none", of_unit_rows), ("l2", of_raw_rows)):
        call = partial(function, batch.features(normalize), batch.shape)
        yield Contestant(Key("numpy", normalize), python_timer(call, one_thread), call)


def of_unit_rows(x: Float32, shape: Shape) -> tuple[float, Float32]:
    """Loss and gradient with respect to the rows."""
    k, p = shape.samples_per_id, shape.identities
    positive, negative = shape.positive_pairs, shape.negative_pairs
    rows = x.reshape(p, k, -1)
    sums, total = rows.sum(1), rows[:, 0].sum(0)
    loss = (p * k * k - np.vdot(sums, sums)) / positive + (np.vdot(total, total) - p) / negative
    gradient = np.empty_like(rows)
    gradient[:] = (sums * np.float32(-2 / positive))[:, None]
    gradient[:, 0] += total * np.float32(2 / negative)
    return float(loss), gradient.reshape(x.shape)


def of_raw_rows(raw: Float32, shape: Shape) -> tuple[float, Float32]:
    """Loss and gradient with respect to rows that l2 is to normalise."""
    norms = np.maximum(np.sqrt(np.einsum("bd,bd->b", raw, raw)), np.float32(1e-12))[:, None]
    x = raw / norms
    loss, gradient = of_unit_rows(x, shape)
    gradient -= x * np.einsum("bd,bd->b", x, gradient)[:, None]
    gradient /= norms
    return loss, gradient
