"""Any call either gives what the oracle says or an exception of the package that names what is wrong.

``make fuzz`` looks for longer, guided by what the calls reach in the package: see ``fuzz.py``.
"""

from __future__ import annotations

import warnings
from typing import Any

import cases
import jax
import kinds
import made_up
import numpy as np
import oracle
import pytest
import torch
import ways
from hypothesis import given, settings
from hypothesis import strategies as st

import pullpush

# Far from rounding: which numbers were read, and in which order, is the question here.
TOLERANCE = {"float32": 1e-4, "float64": 1e-9, "float16": 1e-2, "bfloat16": 3e-2}


@settings(max_examples=200)
@given(call=made_up.calls(st.just([])))
def test_a_call_without_a_mistake(call: made_up.Call) -> None:
    check(call)


@pytest.mark.parametrize("mistake", made_up.MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_call_with_one_mistake(mistake: made_up.Mistake) -> None:
    given(made_up.calls(st.just([mistake])))(check)()


@given(call=made_up.calls())
def test_a_call_with_any_mistakes(call: made_up.Call) -> None:
    check(call)


def check(call: made_up.Call) -> None:
    arrays = [value for value in call.arguments.values() if isinstance(value, np.ndarray)]
    arrays.append(call.rows)
    inputs = [array for array in arrays if array is not call.arguments.get("out")]
    before, all_before = [array.copy() for array in inputs], [array.copy() for array in arrays]
    refusal = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loss, gradient = ways.WAYS[call.way][0](call.arguments)
    except (pullpush.InvalidArgument, pullpush.UnknownOption, pullpush.NotFinite) as error:
        refusal = str(error)
    if refusal is not None:
        # Who reads a file or blocks of an array calls the features their source.
        names = call.wrong | ({"source"} if "features" in call.wrong else set())
        assert any(name in refusal for name in names), f"{sorted(names)} is not named: {refusal}"
        assert_same(arrays, all_before)
        return
    assert not call.wrong, f"taken, although {sorted(call.wrong)} is wrong"
    assert_same(inputs, before)
    assert_right(call, loss, gradient)


def assert_same(arrays: list[cases.Array], before: list[cases.Array]) -> None:
    for array, old in zip(arrays, before, strict=True):
        if array.dtype.hasobject:
            assert array.tolist() == old.tolist()
        else:
            assert array.tobytes() == old.tobytes(), "a call wrote to what is not its own"


def assert_right(call: made_up.Call, loss: pullpush.Loss, gradient: cases.Array) -> None:
    arguments = dict(call.arguments)
    features = call.rows
    given = arguments.pop("features")
    out, accumulate = arguments.pop("out", None), arguments.pop("accumulate", False)
    assert out is None or gradient is out
    if out is None and isinstance(given, torch.Tensor | jax.Array):
        assert isinstance(gradient, torch.Tensor if isinstance(given, torch.Tensor) else jax.Array)
    gradient = kinds.numbers_of(gradient)
    assert gradient.shape == features.shape
    assert gradient.dtype == cases.DTYPES[call.dtype]
    options: dict[str, Any] = {name: value for name, value in arguments.items() if name in oracle.DEFAULTS}
    if not np.isfinite(features.astype(np.float64)).all() or at_a_corner(features, call, options):
        return
    expected = oracle.evaluate(features, labels=call.labels, upstream=arguments["upstream"], **options)
    tolerance = TOLERANCE[call.dtype]
    for part, value in expected.parts().items():
        assert getattr(loss, part) == pytest.approx(value, rel=tolerance, abs=tolerance), part
    wanted = expected.gradient + (1 if accumulate else 0)
    atol = tolerance * max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(gradient.astype(np.float64), wanted, rtol=tolerance, atol=atol)


def at_a_corner(features: cases.Array, call: made_up.Call, options: dict[str, Any]) -> bool:
    """Whether rounding may choose the side of a hinge, or what becomes of a row of zeros."""
    if (features == 0).all(axis=1).any():
        return True
    if options["push"] != "hinge":
        return False
    margin = options.get("margin", 0.0)
    counts = {
        oracle.evaluate(features, labels=call.labels, **(options | {"margin": margin + step})).active_pairs
        for step in (-1e-3, 1e-3)
    }
    return len(counts) > 1
