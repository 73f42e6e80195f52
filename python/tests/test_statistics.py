"""A batch in parts gives what the whole batch gives."""

from __future__ import annotations

import itertools
from typing import Any

import cases
import numpy as np
import oracle
import pytest

import pullpush
from pullpush import statistics

ADDITIVE = [options for options in cases.every_options() if options["push"] != "hinge"]


def cut(count: int, parts: int, samples_per_id: int) -> list[slice]:
    """Uneven parts of whole identities."""
    ids = count // samples_per_id
    marks = np.linspace(0, 1, parts + 1) ** 1.5 * ids
    edges = (np.round(marks).astype(int) * samples_per_id).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(edges) if b > a]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("options", ADDITIVE, ids=cases.name)
def test_parts_make_the_whole(options: cases.Options, parts: int, dtype: str) -> None:
    features = cases.rows(42, 17, dtype)
    expected = oracle.evaluate(features, samples_per_id=3, upstream=0.5, **options)
    total = np.zeros(statistics.size(17, **options))
    slices = cut(42, parts, 3)
    assert len(slices) == parts
    for rows in slices:
        statistics.reduce(total, statistics.accumulate(features[rows], samples_per_id=3, **options))
    gradient = np.empty_like(features)
    for rows in slices:
        loss, part = statistics.finish(
            features[rows], total, samples_per_id=3, out=gradient[rows], upstream=0.5, **options
        )
        assert np.shares_memory(part, gradient)
        cases.assert_parts(loss, expected, dtype)
        value = statistics.finish_value(features[rows], total, samples_per_id=3, **options)
        assert value.parts() == loss.parts()
    cases.assert_gradient(gradient, expected.gradient, dtype)


@pytest.mark.parametrize("options", ADDITIVE, ids=cases.name)
def test_parts_by_labels_in_any_order(options: cases.Options) -> None:
    """Parts with unequal counts, a lonely row, and identities mixed within a part."""
    labels = np.array([3, 1, 3, 1, 1, 9, 8, 7, 8, 7, 7, 7])
    features = cases.rows(12, 10, "float64")
    expected = oracle.evaluate(features, labels=labels, **options)
    total = statistics.accumulate(features[:6], labels=labels[:6], **options)
    assert statistics.accumulate(features[6:], labels=labels[6:], out=total, **options) is total
    gradient = np.zeros_like(features)
    for rows in (slice(0, 6), slice(6, 12)):
        loss, _ = statistics.finish(
            features[rows], total, labels=labels[rows], out=gradient[rows], accumulate=True, **options
        )
        cases.assert_parts(loss, expected, "float64")
    cases.assert_gradient(gradient, expected.gradient, "float64")


@pytest.mark.parametrize("options", ADDITIVE, ids=cases.name)
def test_degenerate_parts(options: cases.Options) -> None:
    """A part with one identity has no push of its own, a part of lonely rows no pull: together they have both."""
    features = cases.rows(9, 5, "float64")
    labels = np.array([0, 0, 0, 0, 1, 2, 3, 4, 4])
    expected = oracle.evaluate(features, labels=labels, **options)
    slices = (slice(0, 4), slice(4, 7), slice(7, 9))
    total = np.zeros(statistics.size(5, **options))
    for rows in slices:
        statistics.accumulate(features[rows], labels=labels[rows], out=total, **options)
    for rows in slices:
        loss, gradient = statistics.finish(features[rows], total, labels=labels[rows], **options)
        cases.assert_parts(loss, expected, "float64")
        np.testing.assert_allclose(gradient, expected.gradient[rows], rtol=1e-11, atol=1e-13)


def test_size_of_the_default_is_what_the_wire_carries() -> None:
    for dim in (1, 9, 512):
        assert statistics.size(dim) == dim + 5


def test_sums_of_shares_are_plain_sums() -> None:
    features = cases.rows(12, 4)
    shares = [statistics.accumulate(features[rows], samples_per_id=3) for rows in cut(12, 3, 3)]
    total = np.zeros(statistics.size(4))
    for share in shares:
        assert statistics.reduce(total, share) is total
    np.testing.assert_array_equal(total, shares[0] + shares[1] + shares[2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tight_identities(dtype: str) -> None:
    generator = np.random.default_rng(5)
    centres = generator.standard_normal((6, 1, 64))
    features = (centres + 1e-3 * generator.standard_normal((6, 8, 64))).reshape(48, 64).astype(dtype)
    options: dict[str, Any] = {"normalize": "l2", "self_pairs": "exclude"}
    expected = oracle.evaluate(features, samples_per_id=8, **options)
    total = statistics.accumulate(features, samples_per_id=8, **options)
    loss = statistics.finish_value(features, total, samples_per_id=8, **options)
    assert loss.pull == pytest.approx(expected.pull, rel=1e-4 if dtype == "float32" else 1e-7)


FEATURES = cases.rows(12, 4)
TOTAL = statistics.accumulate(FEATURES, samples_per_id=3)
HINGE: dict[str, Any] = {"push": "hinge", "margin": 0.5}


def test_a_hinge_is_refused() -> None:
    message = "push='hinge' looks at every pair and has no additive statistics; expected 'linear' or 'squared'"
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.size(4, **HINGE)
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.accumulate(FEATURES, samples_per_id=3, **HINGE)
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.finish(FEATURES, TOTAL, samples_per_id=3, **HINGE)
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.finish_value(FEATURES, TOTAL, samples_per_id=3, **HINGE)


def read_only(array: cases.Array) -> cases.Array:
    array = array.copy()
    array.flags.writeable = False
    return array


WRONG: list[tuple[Any, str]] = [
    ([0.0] * 9, "must be a numpy.ndarray of float64 with 1 dimension, got list"),
    (np.zeros(9, np.float32), r"must be a numpy.ndarray of float64 with 1 dimension, got shape \(9,\) of float32"),
    (np.zeros((1, 9)), r"must be a numpy.ndarray of float64 with 1 dimension, got shape \(1, 9\) of float64"),
    (np.zeros(18)[::2], r"must be contiguous and aligned, got strides \(16,\)"),
    (np.zeros(8), r"\b8\b"),
    (np.zeros(10), r"\b10\b"),
    (np.zeros(0), r"\b0\b"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_statistics_that_do_not_fit_are_refused(wrong: Any, message: str) -> None:
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.accumulate(FEATURES, samples_per_id=3, out=wrong)
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.finish(FEATURES, wrong, samples_per_id=3)
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.finish_value(FEATURES, wrong, samples_per_id=3)
    with pytest.raises(pullpush.InvalidArgument, match=message):
        statistics.reduce(TOTAL.copy(), wrong)


def test_totals_must_be_writable_but_parts_need_not_be() -> None:
    with pytest.raises(pullpush.InvalidArgument, match="total must be writable, got a read-only array"):
        statistics.reduce(read_only(TOTAL), TOTAL)
    with pytest.raises(pullpush.InvalidArgument, match="out must be writable, got a read-only array"):
        statistics.accumulate(FEATURES, samples_per_id=3, out=read_only(TOTAL))
    assert statistics.finish_value(FEATURES, read_only(TOTAL), samples_per_id=3).loss == pytest.approx(
        pullpush.value(FEATURES, samples_per_id=3).loss
    )


def test_a_failure_leaves_the_statistics_alone() -> None:
    bad = FEATURES.copy()
    bad[7, 2] = np.nan
    total = TOTAL.copy()
    with pytest.raises(pullpush.NotFinite, match=r"\b7\b"):
        statistics.accumulate(bad, samples_per_id=3, out=total, check_finite=True)
    np.testing.assert_array_equal(total, TOTAL)


@pytest.mark.parametrize("dim", [0, -1, 1.5, 2**64])
def test_a_size_needs_a_dim(dim: Any) -> None:
    with pytest.raises(pullpush.InvalidArgument, match="dim must be an integer from 1 to"):
        statistics.size(dim)


def test_the_largest_dim_is_for_the_library_to_refuse() -> None:
    with pytest.raises(pullpush.InvalidArgument, match=r"from 1 to 9223372036854775807, got 9223372036854775808"):
        statistics.size(2**63)
    with pytest.raises(pullpush.InvalidArgument, match=r"^(?!.*must be an integer)"):
        statistics.size(2**63 - 1)


def test_one_column() -> None:
    features = cases.rows(6, 1)
    total = statistics.accumulate(features, samples_per_id=2)
    assert total.size == statistics.size(1) == 6
    value, _ = statistics.finish(features, total, samples_per_id=2)
    assert float(value) == pytest.approx(float(pullpush.value(features, samples_per_id=2)), rel=1e-12)


def test_totals_of_other_options_are_refused() -> None:
    total = statistics.accumulate(FEATURES, samples_per_id=3, push="squared")
    assert total.size > TOTAL.size
    with pytest.raises(pullpush.InvalidArgument, match=rf"\b{total.size}\b"):
        statistics.finish(FEATURES, total, samples_per_id=3)
