"""The loss object, its backward, and the original module's call."""

from __future__ import annotations

import copy
import pickle

import cases
import numpy as np
import oracle
import pytest

import pullpush


def test_a_loss_is_a_number_with_parts() -> None:
    features = cases.rows(12, 9)
    loss = pullpush.PullPushLoss(pull_weight=2, push_weight=3)(features, samples_per_id=3)
    assert float(loss) == loss.loss == pytest.approx(2 * loss.pull + 3 * loss.push, rel=1e-12)
    assert (loss.positive_pairs, loss.negative_pairs, loss.active_pairs) == (4 * 3 * 2, 4 * 3, 4 * 3)
    assert f"{loss:.3f}" == f"{float(loss):.3f}"
    assert f"{loss}" == repr(loss)
    assert repr(loss).startswith(f"Loss(loss={float(loss):.6g}, pull=")
    assert list(loss.parts()) == [
        "loss", "pull", "push", "mean_positive", "mean_negative", "positive_pairs", "negative_pairs", "active_pairs",
    ]  # fmt: skip
    for twin in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert twin.parts() == loss.parts()
        np.testing.assert_array_equal(twin.backward(), loss.backward())
    with pytest.raises(AttributeError):
        loss.pull = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("upstream", [0.0, 1.0, 2.0, -0.3, 1 / 3])
def test_backward_scales_and_rounds_once(upstream: float, dtype: str) -> None:
    features = cases.rows(12, 9, dtype)
    loss = pullpush.PullPushLoss()(features, samples_per_id=3)
    gradient = loss.backward().copy()
    scaled = loss.backward(upstream)
    assert scaled.dtype == features.dtype
    np.testing.assert_array_equal(scaled, (gradient.astype(np.float64) * upstream).astype(features.dtype))
    np.testing.assert_array_equal(loss.backward(), gradient)
    if upstream != 1:
        assert not np.shares_memory(scaled, loss.backward())


def test_backward_keeps_the_gradient() -> None:
    loss = pullpush.PullPushLoss()(cases.rows(12, 9), samples_per_id=3)
    assert loss.backward() is loss.backward()


def test_backward_equals_value_and_grad() -> None:
    features = cases.rows(12, 9, "float64")
    for loss_fn in (pullpush.PullPushLoss(), pullpush.PullPushLoss.preset("orthogonal")):
        loss = loss_fn(features, samples_per_id=3)
        for upstream in (-2.5, 2.0):
            value, gradient = loss_fn.value_and_grad(features, samples_per_id=3, upstream=upstream)
            assert value.parts() == loss.parts()
            np.testing.assert_allclose(gradient, loss.backward(upstream), rtol=1e-12, atol=1e-16)
        np.testing.assert_array_equal(loss_fn.value_and_grad(features, samples_per_id=3)[1], loss.backward())


def test_upstream_is_applied_before_rounding() -> None:
    """Loss scaling: what float16 would round to zero survives when the factor comes first."""
    features = (cases.rows(64, 8, "float64") * 10000).astype(np.float16)
    expected = oracle.evaluate(features, samples_per_id=2, upstream=2.0**15)
    _, gradient = pullpush.value_and_grad(features, samples_per_id=2, upstream=2.0**15)
    cases.assert_gradient(gradient, expected.gradient, "float16")
    late = pullpush.PullPushLoss()(features, samples_per_id=2).backward(2.0**15).astype(np.float64)
    assert np.linalg.norm(late - expected.gradient) > 0.01 * np.linalg.norm(expected.gradient)


@pytest.mark.parametrize("upstream", [np.nan, np.inf, "1", None])
def test_backward_refuses_what_is_not_a_number(upstream: object) -> None:
    loss = pullpush.PullPushLoss()(cases.rows(4, 2), samples_per_id=2)
    with pytest.raises(pullpush.InvalidArgument, match="upstream must be a finite number, got"):
        loss.backward(upstream)  # type: ignore[arg-type]


def test_a_value_alone_has_no_gradient() -> None:
    features = cases.rows(4, 2)
    for loss in (
        pullpush.value(features, samples_per_id=2),
        pullpush.PullPushLoss().value(features, samples_per_id=2),
        pullpush.value_and_grad(features, samples_per_id=2)[0],
    ):
        with pytest.raises(pullpush.NoGradient, match="computed without its gradient"):
            loss.backward()


def test_the_original_call() -> None:
    raw = cases.rows(20, 6, "float64")
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    loss = pullpush.PullPushFeaturesLoss()(unit, 20, 4)
    expected = oracle.evaluate(unit, samples_per_id=4, normalize="none")
    cases.assert_matches(loss, loss.backward(), expected, "float64")
    assert float(loss) == pytest.approx(oracle.original(raw, 4)[0], rel=1e-6)
    assert repr(pullpush.PullPushFeaturesLoss()) == "PullPushFeaturesLoss(normalize='none')"
    changed = pullpush.PullPushFeaturesLoss(normalize="renorm", push_weight=0.5)
    assert float(changed(raw, batch_size=20, person_num=4)) == pytest.approx(
        float(pullpush.PullPushLoss(push_weight=0.5)(raw, samples_per_id=4))
    )


def test_the_original_call_checks_its_sizes() -> None:
    features = cases.rows(20, 6)
    with pytest.raises(
        pullpush.InvalidArgument, match=r"batch_size must be the number of rows .* got 5 for .*\(20, 6\)"
    ):
        pullpush.PullPushFeaturesLoss()(features, 5, 4)
    with pytest.raises(pullpush.InvalidArgument, match="samples_per_id"):
        pullpush.PullPushFeaturesLoss()(features, 20, 3)


def test_exceptions_are_the_built_in_ones_too() -> None:
    bases = {
        pullpush.InvalidArgument: ValueError,
        pullpush.UnknownOption: TypeError,
        pullpush.NotFinite: ValueError,
        pullpush.OutOfMemory: MemoryError,
        pullpush.NoGradient: RuntimeError,
        pullpush.LibraryNotFound: ImportError,
        pullpush.LibraryMismatch: ImportError,
    }
    for exception, builtin in bases.items():
        assert issubclass(exception, pullpush.PullPushError)
        assert issubclass(exception, builtin)
