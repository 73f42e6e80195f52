"""What the machine can do at most: copy the features into the gradient, and multiply and add."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from native import native
from shapes import Batch
from timing import Contestant, Key

VECTOR_BYTES = (16, 32, 64)


def contestants(batch: Batch) -> Iterator[Contestant]:
    """``memcpy(gradient, features)``, one of rows in fours, and multiply-adds in every width the machine has."""
    widest = native().fma_widest()
    if batch.shape.rows % 4 == 0:
        yield Contestant(Key("copy fours"), partial(copy_fours, batch))
    for threads in (1, 2):
        yield Contestant(Key("copy", threads=threads), partial(copy, batch, threads))
        for width in VECTOR_BYTES:
            if width <= widest:
                key, operations = Key(f"fma {8 * width}", threads=threads), threads * native().fma_operations(width)
                yield Contestant(key, partial(multiply_add, width, threads), operations=operations)


def copy(batch: Batch, threads: int, loops: int) -> int:
    """The nanoseconds of so many copies."""
    addresses = batch.gradient.ctypes.data, batch.unit.ctypes.data
    return _checked(native().copy_time(*addresses, batch.shape.size, threads, loops))


def copy_fours(batch: Batch, loops: int) -> int:
    """The nanoseconds of so many copies of four rows side by side."""
    addresses = batch.gradient.ctypes.data, batch.unit.ctypes.data
    return int(native().copy_fours_time(*addresses, batch.shape.rows, batch.shape.dim, loops))


def multiply_add(width: int, threads: int, loops: int) -> int:
    """The nanoseconds of so many blocks of multiply-adds on each thread, in vectors of so many bytes."""
    return _checked(native().fma_time(width, threads, loops))


def _checked(nanoseconds: int) -> int:
    if nanoseconds < 0:
        raise OSError("a second thread could not be started")
    return nanoseconds
