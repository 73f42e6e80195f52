"""The two matrix products of a hinge push by OpenBLAS: all inner products of the representatives, and their weights."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from shapes import Batch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
from timing import Contestant, Key, python_timer


def contestants(batch: Batch) -> Iterator[Contestant]:
    """S = R Rᵀ and G = S R on one thread: 4 P² D operations."""
    shape = batch.shape
    representatives = np.ascontiguousarray(batch.unit[:: shape.samples_per_id])
    others = representatives.copy()  # of a matrix with itself NumPy computes one half
    products = np.empty((shape.identities, shape.identities), np.float32)
    gradient = np.empty_like(representatives)

    def multiply() -> None:
        np.dot(representatives, others.T, out=products)
        np.dot(products, others, out=gradient)

    yield Contestant(Key("sgemm"), python_timer(multiply, one_thread), operations=4 * shape.identities**2 * shape.dim)


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> None:
    """Keep OpenBLAS on the calling thread; left alone, its helpers spin long after their work is done."""
    _controller().limit(limits=1, user_api="blas")
