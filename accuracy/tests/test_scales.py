"""Rows of any length: tiny, huge, subnormal, zero, and all of them in one batch.

An error may be as large as rounding makes it: in proportion to what is added up, not to what is left of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import batches
import exact
import measure
import numpy as np
import pytest
from batches import Call
from library import Answer, instruction_sets, library

TOLERANCE = {"float32": 1e-6, "float64": 2e-15, "float16": 1e-6, "bfloat16": 1e-6}
# What a gradient loses when it is stored, relative and absolute.
STORED = {
    "float32": (0.0, 2.0**-149),
    "float64": (0.0, 2.0**-1074),
    "float16": (2.0**-11, 2.0**-25),
    "bfloat16": (2.0**-8, 2.0**-134),
}
LARGEST = {"float32": 3.4e38, "float64": 1.79e308, "float16": 65504.0, "bfloat16": 3.3e38}
EXPONENTS = {
    "float32": (-44, -38, -30, -15, -5, 4, 9, 15, 18, 30, 37),
    "float64": (-323, -308, -200, -30, -12, 9, 30, 75, 150, 200, 300),
    "float16": (-8, -5, -3, 2, 4),
    "bfloat16": (-38, -30, -15, -5, 4, 9, 18, 30, 37),
}
# With `normalize="none"`, lengths of rows whose products, and whose squared products, are numbers of the type that the
# library computes in. docs/accuracy.md promises these.
LONGEST = {"float32": (1e18, 1e9), "float64": (1e150, 1e75), "float16": (1e18, 1e9), "bfloat16": (1e18, 1e9)}

ROWS, DIM = 12, 9
LABELS = np.repeat(np.arange(ROWS // 3), 3)


def batch(kind: str, exponent: int, dtype: str) -> batches.Rows:
    """Rows about as long as a power of ten; or one of them, or from that down to its inverse; or with rows of zeros."""
    rows = batches.spread(ROWS, DIM, "scales", exponent)
    scale = 10.0**exponent
    if kind == "one":
        rows[5] *= scale
    elif kind == "mixed":
        rows *= (10.0 ** np.linspace(-exponent, exponent, ROWS).clip(-323, 307))[:, None]
    else:
        rows *= scale
    if kind == "zeros":
        rows[[0, 4, 9, 10, 11]] = 0
    return rows.clip(-LARGEST[dtype], LARGEST[dtype]).astype(batches.DTYPES[dtype])


def calls(dtype: str, normalize: str) -> Iterator[Call]:
    everything = itertools.product(
        ("all", "one", "mixed", "zeros"), EXPONENTS[dtype], batches.PUSHES, batches.BETWEEN, batches.SELF_PAIRS
    )
    for kind, exponent, push, between, self_pairs in everything:
        options = batches.PUSHES[push] | {"normalize": normalize, "push_between": between, "self_pairs": self_pairs}
        yield Call(kind, f"1e{exponent}, {push}", dtype, batch(kind, exponent, dtype), LABELS, 3, options)


def value_terms(call: Call, part: str) -> Any:
    """What is added up for a part of the loss, for one pair of the longest rows."""
    x = exact.normalized(exact.wide(call.features), call.options["normalize"])[0]
    # No target and no margin is larger than 3.
    term = 4 * ((x * x).sum(axis=1).max() + 1)
    return term**2 if part == "push" and call.options["push"] == "squared" else term


def check(call: Call, right: exact.Exact, answer: Answer, *, must_be_finite: bool) -> list[str]:
    """What is wrong with an answer. Where products overflow, a loss that is not finite says so."""
    if not must_be_finite and not np.isfinite(answer.loss):
        return []
    tolerance = TOLERANCE[call.dtype]
    wrong = []
    for part in ("pull", "push"):
        got, want = np.longdouble(getattr(answer, part)), getattr(right, part)
        if not abs(got - want) <= tolerance * value_terms(call, part):
            wrong.append(f"{part} {got} instead of {want}")
    relative, absolute = STORED[call.dtype]
    gradient = exact.wide(answer.gradient)
    allowed = 8 * tolerance * right.terms[:, None] + 1.01 * relative * np.abs(right.gradient) + absolute
    scale = exact.normalized(exact.wide(call.features), call.options["normalize"])[1]
    allowed = allowed + 16 * scale * STORED["float64" if call.dtype == "float64" else "float32"][1]
    fits = np.abs(gradient - right.gradient) <= allowed
    # What may be too large to store is an infinity of its sign.
    fits |= np.isinf(gradient) & (right.gradient * np.sign(gradient) + allowed >= LARGEST[call.dtype])
    if not fits.all():
        row, column = np.argwhere(~fits)[0]
        wrong.append(f"gradient {gradient[row, column]} instead of {right.gradient[row, column]} in row {row}")
    return wrong


@pytest.mark.parametrize("normalize", batches.NORMALIZE)
@pytest.mark.parametrize("dtype", batches.DTYPES)
def test_rows_of_any_length(dtype: str, normalize: str) -> None:
    wrong: list[Any] = []
    some = list(itertools.islice(calls(dtype, normalize), 0, None, 5))
    rights = [measure.exact_of(call) for call in some]
    for isa in instruction_sets():
        with library(isa) as answering:
            for call, right, answer in zip(some, rights, answering.answers(some), strict=True):
                longest = np.linalg.norm(call.features.astype(np.longdouble), axis=1).max()
                squared = call.options["push"] == "squared"
                representable = normalize != "none" or longest <= LONGEST[dtype][squared]
                problems = check(call, right, answer, must_be_finite=representable)
                wrong += [(isa, call.kind, call.name, call.options, problem) for problem in problems]
    assert not wrong, f"{len(wrong)}: " + "\n".join(map(str, wrong[:20]))
