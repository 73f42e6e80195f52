"""Everyone who is timed computes the same loss and gradient."""

from __future__ import annotations

import dataclasses

import agreement
import contestants
import numpy as np
import pytest
from shapes import Batch, Shape
from timing import Contestant, Key

MODULES, _ = contestants.load()
SHAPES = (Shape(12, 5, 3), Shape(16, 33, 4), Shape(24, 64, 8), Shape(6, 17, 1), Shape(10, 16, 2))


def everyone(batch: Batch, module: str) -> list[Contestant]:
    # Compiling takes seconds and a compiler; the run itself checks what it has compiled.
    return [c for c in MODULES[module](batch) if c.key.name != "torch compiled"]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("module", MODULES)
def test_outcomes_agree(module: str, shape: Shape) -> None:
    batch = Batch.random(shape, seed=3)
    agreement.check(everyone(batch, module), batch)


def test_the_peers_of_every_checkout_are_there() -> None:
    names = {c.key.name for module in MODULES for c in everyone(Batch.random(SHAPES[0]), module)}
    assert {"copy", "sgemm", "plain", "general", "careful C", "numpy", "torch loop", "torch matrix"} <= names


@pytest.mark.parametrize("wrong", ["loss", "gradient", "loss is NaN", "gradient is NaN"])
def test_a_disagreement_is_found(wrong: str) -> None:
    batch = Batch.random(SHAPES[0])
    right = next(c for c in everyone(batch, "ours") if c.key == Key("plain"))
    assert right.outcome is not None
    loss, gradient = right.outcome()
    gradient = np.array(gradient)
    if wrong == "loss":
        loss *= 1.001
    elif wrong == "gradient":
        gradient[3] *= 1.01
    elif wrong == "loss is NaN":
        loss = float("nan")
    else:
        gradient[0, 0] = np.nan
    liar = dataclasses.replace(right, outcome=lambda: (loss, gradient))
    with pytest.raises(agreement.DisagreementError, match=wrong.split()[0]):
        agreement.check([liar], batch)


@pytest.mark.parametrize("module", MODULES)
def test_timers_count_nanoseconds_for_any_number_of_calls(module: str) -> None:
    for contestant in everyone(Batch.random(SHAPES[0]), module):
        assert contestant.timer(1) > 0
        assert contestant.timer(3) > 0


def test_random_batches_are_what_they_say() -> None:
    batch = Batch.random(Shape(12, 5, 3))
    np.testing.assert_allclose(np.linalg.norm(batch.unit, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(batch.unit * np.linalg.norm(batch.raw, axis=1, keepdims=True), batch.raw, rtol=1e-5)
    assert np.bincount(batch.labels).tolist() == [3, 3, 3, 3]
    assert (np.diff(batch.labels) < 0).any()
    for matrix in (batch.raw, batch.unit, batch.gradient):
        assert matrix.shape == (12, 5)
        assert matrix.ctypes.data % 64 == 0
