"""The oracle itself: its gradient against central differences, its value against the original's own loop."""

from __future__ import annotations

import cases
import numpy as np
import oracle
import pytest
import torch


@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_gradient_is_the_slope_of_the_value(options: cases.Options) -> None:
    features = cases.rows(7, 3, "float64", seed=3)
    labels = np.array([4, 4, 1, 4, 0, 1, 9])
    step = 1e-6
    expected = oracle.evaluate(features, labels=labels, **options).gradient
    slope = np.zeros_like(features)
    shifted = torch.tensor(features)
    for index in np.ndindex(*features.shape):
        ends = []
        for sign in (1, -1):
            shifted[index] = float(features[index]) + sign * step
            ends.append(oracle.loss_parts(shifted, torch.tensor(labels), **options)["loss"].item())
            shifted[index] = float(features[index])
        slope[index] = (ends[0] - ends[1]) / (2 * step)
    assert np.linalg.norm(slope) > 1e-3
    assert np.linalg.norm(slope - expected) <= 1e-8 * np.linalg.norm(slope) + 1e-9


@pytest.mark.parametrize("norm", [1.0, 2e-5, 0.5e-5])
def test_defaults_are_the_original_loop(norm: float) -> None:
    features = cases.rows(12, 5, "float64") * norm
    value, gradient = oracle.original(features, 4)
    outcome = oracle.evaluate(features, samples_per_id=4)
    assert outcome.loss == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(outcome.gradient, gradient, rtol=1e-10, atol=1e-13 / norm)


def test_a_worked_example() -> None:
    features = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    outcome = oracle.evaluate(features, samples_per_id=2, normalize="none")
    assert outcome.pull == 0.5  # two pairs at 1, two at 0, and four self pairs at 0, over N+ = 4
    assert outcome.push == 1.0  # both ordered pairs of representatives at 1
    assert (outcome.positive_pairs, outcome.negative_pairs, outcome.active_pairs) == (4, 2, 2)
    assert (outcome.mean_positive, outcome.mean_negative) == (0.5, 1.0)
    np.testing.assert_array_equal(outcome.gradient, [[1.5, -0.5], [-0.5, -0.5], [1, 0], [-1, 0]])
