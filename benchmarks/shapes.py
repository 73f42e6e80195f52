"""The batches that are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


class Shape(NamedTuple):
    """A P×K batch: B = `rows` of D = `dim` numbers, K = `samples_per_id` rows of each identity."""

    rows: int
    dim: int
    samples_per_id: int

    @property
    def identities(self) -> int:
        """P."""
        return self.rows // self.samples_per_id

    @property
    def positive_pairs(self) -> float:
        """N₊; infinite without a pair, so that a mean over the pairs is 0."""
        return self.rows * (self.samples_per_id - 1) or math.inf

    @property
    def negative_pairs(self) -> float:
        """N₋, likewise."""
        return self.identities * (self.identities - 1) or math.inf

    @property
    def size(self) -> int:
        """B·D, the numbers that are read and the numbers that are written."""
        return self.rows * self.dim

    def __str__(self) -> str:
        """The dimensions alone, for tables."""
        return f"{self.rows}×{self.dim}×{self.samples_per_id}"


SHAPES = (
    Shape(64, 128, 4),
    Shape(256, 512, 4),
    Shape(1024, 100, 4),
    Shape(1024, 512, 4),
    Shape(1024, 769, 4),
    Shape(4096, 1024, 8),
    Shape(32768, 512, 8),
)
QUICK_SHAPES = (Shape(64, 128, 4), Shape(1024, 512, 4))

# What grows while the rest stays. P grows at one row an identity: pushes between identities are all there is.
SWEEPS: dict[str, tuple[Shape, ...]] = {
    "B": tuple(Shape(rows, 256, 4) for rows in (64, 256, 1024, 4096, 16384)),
    "D": tuple(Shape(1024, dim, 4) for dim in (16, 64, 256, 1024, 4096)),
    "K": tuple(Shape(1024, 256, k) for k in (2, 4, 8, 16, 32, 64)),
    "P": tuple(Shape(rows, 256, 1) for rows in (16, 64, 256, 1024, 4096)),
}
QUICK_SWEEPS = {name: shapes[:4] for name, shapes in SWEEPS.items()}

MEMORY_SHAPE = Shape(4096, 1024, 8)


@dataclass(frozen=True)
class Batch:
    """Random rows of a shape, and one gradient buffer that all who can write into it share."""

    shape: Shape
    raw: Float32
    unit: Float32
    labels: NDArray[np.int64]
    gradient: Float32

    @classmethod
    def random(cls, shape: Shape, seed: int = 0) -> Batch:
        """Normally distributed rows, the same as unit rows, and the identities in random order."""
        rng = np.random.default_rng(seed)
        raw, unit, gradient = (aligned(shape.rows, shape.dim) for _ in range(3))
        rng.standard_normal(out=raw, dtype=np.float32)
        np.divide(raw, np.linalg.norm(raw, axis=1, keepdims=True), out=unit)
        gradient.fill(0)
        labels = rng.permutation(np.repeat(np.arange(shape.identities), shape.samples_per_id))
        return cls(shape, raw, unit, labels, gradient)

    def features(self, normalize: str) -> Float32:
        """The rows that a loss with this option is meant for."""
        return self.unit if normalize == "none" else self.raw


def aligned(rows: int, dim: int) -> Float32:
    """An uninitialised matrix that starts on a cache line, as PyTorch's and JAX's do."""
    line = 64
    memory = np.empty(rows * dim * 4 + line, np.uint8)
    start = -memory.ctypes.data % line
    return memory[start : start + rows * dim * 4].view(np.float32).reshape(rows, dim)
