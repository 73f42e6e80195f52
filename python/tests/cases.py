"""The batches and options the tests run over, and how near a result must come to the oracle."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import oracle
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pullpush

Array = NDArray[Any]
Options = dict[str, Any]

# The lengths around which vector loops change their mind.
EDGE_DIMS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65)

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}

# Relative and absolute error of loss, pull and push, and relative error of the gradient's norm. 16-bit numbers are
# widened to float32 on the way; what their gradient loses in the end is allowed for separately, number by number.
PART_TOLERANCE = {"float32": (1e-6, 1e-7), "float64": (1e-13, 1e-14), "float16": (1e-6, 3e-7), "bfloat16": (1e-6, 3e-7)}
GRADIENT_TOLERANCE = {"float32": 1e-6, "float64": 1e-13, "float16": 1e-6, "bfloat16": 1e-6}
# Half a unit in the last place, relative, and half the smallest subnormal.
ROUNDING = {"float16": (2.0**-11, 2.0**-25), "bfloat16": (2.0**-8, 2.0**-134)}

PUSHES: list[Options] = [
    {"push": "linear"},
    {"push": "squared", "target": 0.25},
    {"push": "hinge", "margin": -0.125},
    {"push": "hinge", "margin": 0.125, "reduction": "mean_active"},
]
EUCLIDEAN_PUSHES: list[Options] = [
    {"push": "linear"},
    {"push": "hinge", "margin": 2.0},
    {"push": "hinge", "margin": 1.75, "reduction": "mean_active"},
]


def every_options() -> list[Options]:
    """Every combination of words that has a meaning, with weights and thresholds that are not the defaults."""
    judged = [push | {"objective": "inner_product"} for push in PUSHES]
    judged += [push | {"objective": "squared_euclidean"} for push in EUCLIDEAN_PUSHES]
    rest = itertools.product(
        ("none", "l2", "renorm"), ("include", "exclude"), ("representatives", "centroids", "all"), judged
    )
    return [
        {"normalize": n, "self_pairs": s, "push_between": b, "pull_weight": 0.75, "push_weight": 1.5} | judge
        for n, s, b, judge in rest
    ]


def every_push() -> list[Options]:
    """Every push between every kind of vectors, the rest at the default."""
    return [push | {"push_between": b} for b in ("representatives", "centroids", "all") for push in PUSHES]


def name(options: Options) -> str:
    """A readable test id."""
    return "-".join(str(value) for value in options.values() if isinstance(value, str)) or "defaults"


def rows(count: int, dim: int, dtype: str = "float32", seed: int = 0) -> Array:
    """Random rows with norms around 1, so that every normalisation sees numbers of one size."""
    generator = np.random.default_rng((seed, count, dim))
    spread = generator.uniform(0.5, 1.5, (count, 1)) / np.sqrt(dim)
    array: Array = (generator.standard_normal((count, dim)) * spread).astype(DTYPES[dtype])
    return array


def mixed_labels(count: int, seed: int = 0) -> NDArray[np.int64]:
    """Labels in no order, unequal counts, one of them alone: far-apart values, negative ones too."""
    generator = np.random.default_rng((seed, count))
    values = np.array([7, -3, 2**62, 0, -(2**63), 11, 5])
    labels = values[generator.integers(0, 6, count)]
    labels[generator.integers(0, count)] = values[6]
    return labels


def identities_of(layout: str, count: int, samples_per_id: int, seed: int = 0) -> dict[str, Any]:
    """How a batch tells its identities apart."""
    if layout == "samples_per_id":
        return {"samples_per_id": samples_per_id}
    labels = mixed_labels(count, seed)
    return {"labels": np.sort(labels) if layout == "sorted labels" else labels}


LAYOUTS = ("samples_per_id", "labels", "sorted labels")

# The ways in which the numbers of an array can lie in memory.
ORDERS: dict[str, Callable[[Array], Array]] = {
    "contiguous": np.ascontiguousarray,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "columns of a wider array": lambda a: np.hstack([a, a])[:, : a.shape[1]],
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "fortran": np.asfortranarray,
    "reversed rows": lambda a: a[::-1].copy()[::-1],
    "reversed columns": lambda a: a[:, ::-1].copy()[:, ::-1],
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "foreign byte order": lambda a: a.astype(a.dtype.newbyteorder()) if a.dtype.kind == "f" else a,
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
    "subclass": lambda a: a.view(type("Sub", (np.ndarray,), {})),
}


def assert_matches(
    loss: pullpush.Loss, gradient: Array, expected: oracle.Outcome, dtype: str, *, floor: float = 0.0
) -> None:
    """Compare a result with the oracle's; ``floor`` is an error of the gradient's norm that is allowed anyway."""
    assert_parts(loss, expected, dtype)
    assert_gradient(gradient, expected.gradient, dtype, floor=floor)


def assert_parts(loss: pullpush.Loss, expected: oracle.Outcome, dtype: str) -> None:
    relative, absolute = PART_TOLERANCE[dtype]
    allowed = {part: max(relative * abs(value), absolute) for part, value in expected.parts().items()}
    # Where pull and push cancel, the loss cannot be righter than they are.
    allowed["loss"] = max(allowed["loss"], allowed["pull"], allowed["push"])
    # The means, which are for the eye, cross zero where a relative error says little.
    for mean in ("mean_positive", "mean_negative"):
        allowed[mean] += 2 * absolute
    for part, value in expected.parts().items():
        got = getattr(loss, part)
        if part.endswith("_pairs"):
            assert got == value, f"{part}: {got} instead of {value}"
        else:
            error = abs(got - value)
            assert error <= allowed[part], f"{part}: {got} instead of {value}, off by {error:.2g}"


def assert_gradient(gradient: Array, expected: oracle.Float64, dtype: str, *, floor: float = 0.0) -> None:
    assert gradient.dtype == DTYPES[dtype]
    assert gradient.shape == expected.shape
    error = np.abs(gradient.astype(np.float64) - expected)
    if dtype in ROUNDING:
        relative, absolute = ROUNDING[dtype]
        error = np.maximum(0.0, error - relative * np.abs(expected) * 1.01 - absolute)
    norm = np.linalg.norm(expected)
    allowed = GRADIENT_TOLERANCE[dtype] * norm + floor
    worst = np.linalg.norm(error)
    assert worst <= allowed, f"gradient off by {worst:.3g} where {allowed:.3g} is allowed, norm {norm:.3g}"
