"""Who is timed must compute the same thing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pullpush
from numpy.typing import NDArray
from shapes import Batch
from timing import Contestant

# Relative, in norm for the gradient: float32 sums in any order, and hinges whose rounding decides whether they count.
TOLERANCE = 1e-4

Reference = tuple[float, NDArray[np.float64]]


class DisagreementError(Exception):
    """A contestant's loss or gradient is not that of the others."""


def check(contestants: Iterable[Contestant], batch: Batch) -> None:
    """Compare each outcome with PullPush's in float64, raising DisagreementError."""
    reference = functools.cache(_reference_of(batch))
    for contestant in contestants:
        if contestant.outcome is None:
            continue
        loss, gradient = contestant.outcome()
        key = contestant.key
        name = key.name if key.name in ("labels", "squared", "hinge") else "linear"
        expected_loss, expected = reference(name, key.normalize)
        off = abs(loss - expected_loss) / abs(expected_loss)
        if not off < TOLERANCE:
            raise DisagreementError(f"{key} at {batch.shape}: loss {loss!r}, expected {expected_loss!r}")
        off = float(np.linalg.norm(np.asarray(gradient) - expected) / np.linalg.norm(expected))
        if not off < TOLERANCE:
            raise DisagreementError(f"{key} at {batch.shape}: gradient off by {off:.1e} of its norm")


def _reference_of(batch: Batch) -> Callable[[str, str], Reference]:
    def reference(name: str, normalize: str) -> Reference:
        options: dict[str, Any] = {"normalize": normalize}
        if name in ("squared", "hinge"):
            options["push"] = name
        if name == "labels":
            options["labels"] = batch.labels
        else:
            options["samples_per_id"] = batch.shape.samples_per_id
        loss, gradient = pullpush.value_and_grad(batch.features(normalize).astype(np.float64), **options)
        return float(loss), gradient

    return reference
