"""What holds for every batch: laws that need no oracle, and the oracle on batches nobody chose."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullpush

seeds = st.integers(0, 2**32 - 1)
pushes = st.sampled_from(cases.every_push())


@given(
    ids=st.integers(1, 9),
    samples_per_id=st.integers(1, 9),
    dim=st.integers(2, 70),
    options=st.sampled_from(cases.every_options()),
    dtype=st.sampled_from(["float32", "float64"]),
    exponent=st.integers(-3, 3),
    seed=seeds,
)
def test_any_shape_and_scale(
    ids: int, samples_per_id: int, dim: int, options: cases.Options, dtype: str, exponent: int, seed: int
) -> None:
    scale = 1.0 if options["normalize"] == "none" else 10.0**exponent
    features = (cases.rows(ids * samples_per_id, dim, "float64", seed) * scale).astype(dtype)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=samples_per_id, **options)
    expected = oracle.evaluate(features, samples_per_id=samples_per_id, **options)
    cases.assert_matches(loss, gradient, expected, dtype, floor=3 * cases.GRADIENT_TOLERANCE[dtype] / scale)


@given(count=st.integers(1, 40), dim=st.integers(1, 40), options=pushes, seed=seeds)
def test_renaming_labels_changes_nothing(count: int, dim: int, options: cases.Options, seed: int) -> None:
    features = cases.rows(count, dim, seed=seed)
    labels = cases.mixed_labels(count, seed)
    renamed = np.unique(labels, return_inverse=True)[1] * -12345 + 67
    loss, gradient = pullpush.value_and_grad(features, labels=labels, **options)
    other_loss, other_gradient = pullpush.value_and_grad(features, labels=renamed, **options)
    for part, value in loss.parts().items():
        assert getattr(other_loss, part) == pytest.approx(value, rel=1e-6, abs=1e-7)
    np.testing.assert_allclose(other_gradient, gradient, rtol=1e-5, atol=1e-7 * max(1.0, np.abs(gradient).max()))


@given(ids=st.integers(1, 8), samples_per_id=st.integers(1, 8), dim=st.integers(1, 40), options=pushes, seed=seeds)
def test_labels_in_identity_order_are_samples_per_id(
    ids: int, samples_per_id: int, dim: int, options: cases.Options, seed: int
) -> None:
    """The same bits whichever way the same batch is told."""
    features = cases.rows(ids * samples_per_id, dim, seed=seed)
    labels = np.repeat(np.random.default_rng(seed).permutation(ids), samples_per_id)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=samples_per_id, **options)
    other_loss, other_gradient = pullpush.value_and_grad(features, labels=labels, **options)
    assert other_loss.parts() == loss.parts()
    np.testing.assert_array_equal(other_gradient, gradient)


@given(count=st.integers(2, 40), options=pushes, normalize=st.sampled_from(["none", "l2", "renorm"]), seed=seeds)
def test_permuting_rows_permutes_the_gradient(count: int, options: cases.Options, normalize: str, seed: int) -> None:
    """As long as every identity keeps its first row first, for that row represents it."""
    features = cases.rows(count, 12, "float64", seed)
    labels = cases.mixed_labels(count, seed)
    order = np.random.default_rng(seed).permutation(count)
    if options["push_between"] == "representatives":
        for label in np.unique(labels):
            places = np.flatnonzero(labels[order] == label)
            first = places[np.argmin(order[places])]
            order[places[0]], order[first] = order[first], order[places[0]]
    changed: dict[str, Any] = options | {"normalize": normalize}
    loss, gradient = pullpush.value_and_grad(features, labels=labels, **changed)
    other_loss, other_gradient = pullpush.value_and_grad(features[order], labels=labels[order], **changed)
    assert float(other_loss) == pytest.approx(float(loss), rel=1e-12, abs=1e-13)
    np.testing.assert_allclose(other_gradient, gradient[order], rtol=1e-9, atol=1e-12)


@given(scale=st.floats(1e-3, 1e3), options=pushes, seed=seeds)
def test_the_l2_loss_does_not_see_the_length_of_rows(scale: float, options: cases.Options, seed: int) -> None:
    features = cases.rows(18, 10, "float64", seed)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=3, **{**options, "normalize": "l2"})
    scaled, slope = pullpush.value_and_grad(features * scale, samples_per_id=3, **{**options, "normalize": "l2"})
    assert float(scaled) == pytest.approx(float(loss), rel=1e-11, abs=1e-12)
    np.testing.assert_allclose(slope * scale, gradient, rtol=1e-9, atol=1e-12)
    # and so the gradient stands at a right angle to its row
    np.testing.assert_allclose((gradient * features).sum(axis=1), 0, atol=1e-13)


def test_the_squared_push_tells_apart_what_the_linear_push_cannot() -> None:
    """r1 = r2 = -r3 = -r4: their sum is 0, so the linear push is at rest although two identities coincide."""
    features = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    features = np.hstack([features, np.zeros((4, 1))])
    linear, _ = pullpush.value_and_grad(features, samples_per_id=1, self_pairs="exclude", normalize="l2")
    squared, _ = pullpush.value_and_grad(features, samples_per_id=1, push="squared", normalize="l2")
    assert linear.push == pytest.approx(-1 / 3)  # the least that 4 unit vectors can have
    assert squared.push == pytest.approx(1.0)
