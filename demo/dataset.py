"""The handwritten digits of scikit-learn: 1797 images of 8 x 8 pixels, half to train on, half held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits  # type: ignore[import-untyped]
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Split:
    """Pixels ``(images, 64)`` in float32 between 0 and 1, and the digit each image shows."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]


def load(seed: int = 0) -> tuple[Split, Split]:
    """Training and held-out halves, each with its share of every digit."""
    digits = load_digits()
    pixels = (digits.data / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    parts = train_test_split(pixels, labels, test_size=0.5, stratify=labels, random_state=seed)
    return Split(parts[0], parts[2]), Split(parts[1], parts[3])
