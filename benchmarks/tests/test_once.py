"""Calls in a process of their own."""

from __future__ import annotations

import numpy as np
import once
import pytest
from shapes import Batch, Shape
from timing import Contestant, Key

MEGABYTE = 10**6


def test_memory_of_a_call_in_a_child() -> None:
    shape = Shape(4096, 256, 4)
    # NumPy keeps one normalised copy of the rows beside the gradient; the plain call keeps a few sums.
    assert once.memory("numpy_form", Key("numpy", "l2"), shape) > 4096 * 256 * 4
    assert once.memory("ours", Key("plain"), shape) < MEGABYTE


@pytest.mark.parametrize("in_place", [True, False])
def test_peak_leaves_out_the_gradient_itself(in_place: bool) -> None:
    batch = Batch.random(Shape(4096, 1024, 4))

    def outcome() -> tuple[float, np.ndarray]:
        scratch = np.ones(50 * MEGABYTE, np.uint8)
        gradient = batch.gradient if in_place else np.ones_like(batch.gradient)
        return float(scratch[0]), gradient

    contestant = Contestant(Key("fake"), lambda loops: loops, outcome)
    assert once.peak_of(contestant, batch) == pytest.approx(50 * MEGABYTE, abs=5 * MEGABYTE)


def test_patience() -> None:
    key, shape = Key("numpy", "l2"), Shape(4096, 512, 4)
    seconds = once.seconds("numpy_form", key, shape, 60)
    assert seconds is not None
    assert 0 < seconds < 60
    assert once.seconds("numpy_form", key, shape, 1e-5) is None
