"""The closed form in careful C, compiled with gcc -O3 -march=native: see `c/careful.c`."""

from __future__ import annotations

from collections.abc import Iterator

from native import CallOptions, contestant
from shapes import Batch
from timing import Contestant


def contestants(batch: Batch) -> Iterator[Contestant]:
    """From unit rows, and from raw rows with the normalisation fused."""
    for normalize in ("none", "l2"):
        yield contestant("careful C", f"call_careful_{normalize}", batch, CallOptions(normalize))
