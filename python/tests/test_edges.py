"""Degenerate batches, zero and tiny rows, and numbers that are not finite."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import oracle
import pytest

import pullpush


@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_lonely_rows_are_pushed_but_not_pulled(options: cases.Options) -> None:
    features = cases.rows(6, 9, "float64")
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=1, **options)
    cases.assert_matches(loss, gradient, oracle.evaluate(features, samples_per_id=1, **options), "float64")
    assert (loss.pull, loss.mean_positive, loss.positive_pairs) == (0, 0, 0)


@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_one_identity_is_pulled_but_not_pushed(options: cases.Options) -> None:
    features = cases.rows(6, 9, "float64")
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=6, **options)
    cases.assert_matches(loss, gradient, oracle.evaluate(features, samples_per_id=6, **options), "float64")
    assert (loss.push, loss.mean_negative, loss.negative_pairs, loss.active_pairs) == (0, 0, 0, 0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_a_single_row_has_nothing_to_say(options: cases.Options, dtype: str) -> None:
    loss, gradient = pullpush.value_and_grad(cases.rows(1, 9, dtype), samples_per_id=1, **options)
    assert set(loss.parts().values()) == {0}
    assert not np.any(gradient)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_zero_rows_stay_zero(options: cases.Options, dtype: str) -> None:
    features = cases.rows(12, 5, dtype)
    features[[0, 3, 4, 5]] = 0  # a representative, and an identity whole
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=3, **options)
    expected = oracle.evaluate(features, samples_per_id=3, **options)
    assert np.isfinite(gradient.astype(np.float64)).all() or dtype == "float16"
    cases.assert_parts(loss, expected, dtype)
    if dtype != "float16":  # whose largest number is below the 1e12 that divides a zero row
        cases.assert_gradient(gradient, expected.gradient, dtype)


@pytest.mark.parametrize("normalize", ["none", "l2", "renorm"])
def test_a_batch_of_zeros(normalize: Any) -> None:
    features = np.zeros((8, 16), np.float32)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=2, normalize=normalize, self_pairs="exclude")
    assert (loss.pull, loss.push) == (1, 0)
    assert not np.any(gradient)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=2, normalize=normalize, self_pairs="include")
    assert (loss.pull, loss.push) == (2, -4 / 12)  # each self pair adds 1 - 0 to the pull and takes 1 from the push
    assert not np.any(gradient)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("normalize", "norms"),
    [("renorm", (1e-7, 9.9e-6, 1.01e-5, 1e-3)), ("l2", (1e-15, 9.9e-13, 1.01e-12, 1e-10))],
)
def test_norms_around_the_threshold(normalize: Any, norms: tuple[float, ...], dtype: str) -> None:
    """Row by row, since the gradients of rows so small differ by many powers of ten."""
    features = cases.rows(12, 17, "float64")
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    features[:, :] *= np.resize((*norms, 1.0), 12)[:, None]
    features = features.astype(dtype)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=3, normalize=normalize)
    expected = oracle.evaluate(features, samples_per_id=3, normalize=normalize)
    cases.assert_parts(loss, expected, dtype)
    for row in range(12):
        cases.assert_gradient(gradient[row : row + 1], expected.gradient[row : row + 1], dtype)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_comes_through(bad: float, dtype: str) -> None:
    """A bad number spoils the loss and its own identity's gradient in every option; nothing is hidden."""
    features = cases.rows(12, 9, dtype)
    features[4, 8] = bad
    for options in cases.every_options():
        loss, gradient = pullpush.value_and_grad(features, samples_per_id=3, **options)
        assert not np.isfinite(loss.pull), options
        assert not np.isfinite(float(loss)), options
        assert not np.isfinite(gradient[4].astype(np.float64)).all(), options


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("layout", ["samples_per_id", "labels"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_check_finite_names_the_first_bad_row(bad: float, layout: str, dtype: str) -> None:
    features = cases.rows(40, 9, dtype)
    features[23, 8] = bad
    features[31, 0] = bad
    identities = cases.identities_of(layout, 40, 4)
    out = np.full_like(features, 7)
    with pytest.raises(pullpush.NotFinite, match=r"\b23\b"):
        pullpush.value_and_grad(features, check_finite=True, out=out, **identities)
    assert np.all(out == 7)
    features[[23, 31]] = 1
    pullpush.value(features, check_finite=True, **identities)


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [("float32", 1e18), ("float32", 1e30), ("float64", 1e155), ("float64", 1e250), ("bfloat16", 2.0**100)],
)
@pytest.mark.parametrize("normalize", ["l2", "renorm"])
def test_squares_that_overflow_do_not(normalize: Any, scale: float, dtype: str) -> None:
    """A row of any finite length has a direction. What renorm adds to such a length is beyond rounding."""
    features = cases.rows(12, 9, dtype)
    expected = oracle.evaluate(features, samples_per_id=3, normalize="l2", upstream=256.0)
    large = (features * np.asarray(scale).astype(features.dtype)).astype(features.dtype)
    loss, gradient = pullpush.value_and_grad(large, samples_per_id=3, normalize=normalize, upstream=256.0)
    tolerance = 1e-12 if dtype == "float64" else 1e-6
    assert float(loss) == pytest.approx(expected.loss, rel=tolerance)
    error = gradient.astype(np.float64) * scale - expected.gradient
    rounding = cases.ROUNDING.get(dtype, (0.0,))[0]
    assert np.linalg.norm(error) <= (tolerance + rounding) * np.linalg.norm(expected.gradient)
