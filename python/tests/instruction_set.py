"""Compares all options with the oracle and prints what tells instruction sets apart; ``PULLPUSH_ISA`` names one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import cases
import numpy as np
import oracle

import pullpush


def compare_with_the_oracle() -> None:
    for options in cases.every_options():
        for dtype in cases.DTYPES:
            for dim in (1, 9, 33) if options["normalize"] == "none" else (9, 33):
                features = cases.rows(18, dim, dtype)
                loss, gradient = pullpush.value_and_grad(features, samples_per_id=3, **options)
                expected = oracle.evaluate(features, samples_per_id=3, **options)
                cases.assert_matches(loss, gradient, expected, dtype)


def bits(samples_per_id: int, **options: Any) -> str:
    """Of losses and gradients with dims around the lengths of vectors."""
    found = hashlib.sha256()
    for dim in (15, 16, 17, 33, 100):
        features = cases.rows(76, dim)
        loss, gradient = pullpush.value_and_grad(features, samples_per_id=samples_per_id, **options)
        found.update(repr(loss).encode() + gradient.tobytes())
    return found.hexdigest()


def rest_of_a_product(dtype: str, digits: int) -> float:
    """The inner product of (−(1 + 2ε), 1 + ε) and (1, 1 + ε) with ε = 2^−digits: ε², or 0 where (1 + ε)² is rounded."""
    epsilon = 2.0**-digits
    features = np.array([[-(1 + 2 * epsilon), 1 + epsilon], [1, 1 + epsilon]], dtype)
    return pullpush.value(features, samples_per_id=1, normalize="none", push="hinge", margin=0.0).push


if __name__ == "__main__":
    compare_with_the_oracle()
    told = {
        "isa": pullpush.isa(),
        "rest": [rest_of_a_product("float32", 12), rest_of_a_product("float64", 27)],
        "linear": bits(4),
        "pairs": [bits(1, **options) for options in cases.every_options()],
    }
    print(json.dumps(told))
