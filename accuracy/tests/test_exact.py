"""The reference is right: autograd in float64 gives the same, and fifty decimal digits give no other."""

from __future__ import annotations

from typing import Any

import batches
import cases
import closed
import exact
import mpmath
import numpy as np
import oracle
import pytest

OPTIONS = cases.every_options()


def labels_of(layout: str, number: int) -> Any:
    identities = cases.identities_of(layout, 12, 3, number)
    return identities.get("labels", np.arange(12) // 3)


@pytest.mark.parametrize("layout", cases.LAYOUTS)
def test_autograd_gives_the_same(layout: str) -> None:
    for number, options in enumerate(OPTIONS):
        features = cases.rows(12, 5, "float64", number)
        labels = labels_of(layout, number)
        expected = oracle.evaluate(features, labels=labels, upstream=1.5, **options)
        got = exact.evaluate(exact.wide(features), labels, 1.5, **options)
        for part in ("loss", "pull", "push"):
            assert float(getattr(got, part)) == pytest.approx(getattr(expected, part), rel=1e-14, abs=1e-14)
        np.testing.assert_allclose(got.gradient.astype(np.float64), expected.gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("ids", "samples"), [(4, 3), (12, 1), (1, 9), (30, 2)])
@pytest.mark.parametrize("options", [{}, batches.ORTHOGONAL], ids=["original", "orthogonal"])
def test_the_formulas_give_the_same(ids: int, samples: int, options: batches.Options) -> None:
    features = cases.rows(ids * samples, 5, "float64")
    labels = np.random.default_rng(ids).permutation(np.repeat(np.arange(ids), samples))
    call = batches.Call("long", "", "float64", features, labels, 0, options, factor=4.0)
    expected = exact.evaluate(exact.wide(features), labels, 4.0, **options)
    got = closed.evaluate(call)
    assert abs(got.pull - expected.pull) < 1e-17
    assert abs(got.push - expected.push) < 1e-17
    assert np.abs(got.gradient - expected.gradient).max() < 1e-17


def as_mpf(number: Any) -> mpmath.mpf:
    """A long double as it is: a double and what that leaves."""
    return mpmath.mpf(float(number)) + mpmath.mpf(float(number - np.longdouble(float(number))))


def test_more_digits_change_nothing() -> None:
    with mpmath.workdps(50):
        for number, options in enumerate(OPTIONS[::7]):
            features = cases.rows(12, 5, "float64", number)
            labels = labels_of("labels", number)
            narrow = exact.evaluate(exact.wide(features), labels, 1.5, **options)
            digits = np.array([[mpmath.mpf(one) for one in row] for row in features.tolist()], dtype=object)
            fine = exact.evaluate(digits, labels, 1.5, **options)
            for part in ("loss", "pull", "push"):
                assert abs(as_mpf(getattr(narrow, part)) - getattr(fine, part)) < 1e-17
            for one, other in zip(narrow.gradient.flat, fine.gradient.flat, strict=True):
                assert abs(as_mpf(one) - other) < 1e-17
