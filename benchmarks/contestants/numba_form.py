"""The closed form as loops that numba compiles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numba  # type: ignore[import-not-found,unused-ignore]
import numpy as np
from shapes import Batch, Float32
from timing import Contestant, Key, python_timer


def contestants(batch: Batch) -> Iterator[Contestant]:
    """From unit rows, and from raw rows; the gradient is allocated as in every call from Python."""
    k = batch.shape.samples_per_id
    for normalize, function in (("none", of_unit_rows), ("l2", of_raw_rows)):
        call = partial(function, batch.features(normalize), k)
        yield Contestant(Key("numba", normalize), python_timer(call), call)


@numba.njit(fastmath=True)  # type: ignore[untyped-decorator,unused-ignore]
def of_unit_rows(x: Float32, k: int) -> tuple[float, Float32]:
    """Loss and gradient with respect to the rows."""
    rows, dim = x.shape
    p = rows // k
    positive, negative = p * k * (k - 1) or np.inf, p * (p - 1) or np.inf
    pull, push = np.float32(-2 / positive), np.float32(2 / negative)
    gradient = np.empty_like(x)
    total = np.zeros(dim, np.float32)
    for c in range(p):
        for d in range(dim):
            total[d] += x[c * k, d]
    sums = np.empty(dim, np.float32)
    sums_squared = 0.0
    for c in range(p):
        for d in range(dim):
            sums[d] = x[c * k, d]
        for a in range(c * k + 1, c * k + k):
            for d in range(dim):
                sums[d] += x[a, d]
        squared = np.float32(0)
        for d in range(dim):
            squared += sums[d] * sums[d]
        sums_squared += float(squared)
        for d in range(dim):
            gradient[c * k, d] = pull * sums[d] + push * total[d]
        for a in range(c * k + 1, c * k + k):
            for d in range(dim):
                gradient[a, d] = pull * sums[d]
    total_squared = 0.0
    for d in range(dim):
        total_squared += float(total[d] * total[d])
    return (p * k * k - sums_squared) / positive + (total_squared - p) / negative, gradient


@numba.njit(fastmath=True)  # type: ignore[untyped-decorator,unused-ignore]
def of_raw_rows(raw: Float32, k: int) -> tuple[float, Float32]:
    """Loss and gradient with respect to rows that l2 is to normalise."""
    rows, dim = raw.shape
    p = rows // k
    positive, negative = p * k * (k - 1) or np.inf, p * (p - 1) or np.inf
    pull, push = np.float32(-2 / positive), np.float32(2 / negative)
    gradient = np.empty_like(raw)
    total = np.zeros(dim, np.float32)
    for c in range(p):
        scale = inverse_norm(raw[c * k])
        for d in range(dim):
            total[d] += scale * raw[c * k, d]
    sums = np.empty(dim, np.float32)
    scales = np.empty(k, np.float32)
    sums_squared = 0.0
    for c in range(p):
        sums[:] = 0
        for a in range(k):
            scales[a] = inverse_norm(raw[c * k + a])
            for d in range(dim):
                sums[d] += scales[a] * raw[c * k + a, d]
        squared = np.float32(0)
        for d in range(dim):
            squared += sums[d] * sums[d]
        sums_squared += float(squared)
        for a in range(k):
            row, scale = c * k + a, scales[a]
            on_total = push if a == 0 else np.float32(0)
            along = np.float32(0)
            for d in range(dim):
                along += raw[row, d] * (pull * sums[d] + on_total * total[d])
            along *= scale * scale
            for d in range(dim):
                gradient[row, d] = scale * (pull * sums[d] + on_total * total[d] - along * raw[row, d])
    total_squared = 0.0
    for d in range(dim):
        total_squared += float(total[d] * total[d])
    return (p * k * k - sums_squared) / positive + (total_squared - p) / negative, gradient


@numba.njit(fastmath=True)  # type: ignore[untyped-decorator,unused-ignore]
def inverse_norm(row: Float32) -> np.float32:
    """1 / max(norm, 1e-12)."""
    squared = np.float32(0)
    for d in range(len(row)):
        squared += row[d] * row[d]
    return np.float32(1 / max(np.sqrt(squared), np.float32(1e-12)))
