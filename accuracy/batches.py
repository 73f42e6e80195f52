"""The calls whose errors are measured: ordinary batches under every option, growing ones, and the hard ones."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
Options = dict[str, Any]

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
# float16 has no numbers for small gradients; who trains with it scales the loss.
UPSTREAM = {"float16": 256.0}

NORMALIZE = ("none", "l2", "renorm")
SELF_PAIRS = ("include", "exclude")
BETWEEN = ("representatives", "centroids", "all")
PUSHES: dict[str, Options] = {
    "linear": {"push": "linear"},
    "squared": {"push": "squared", "target": 0.3},
    "hinge": {"push": "hinge", "margin": -0.1},
    "hinge, mean_active": {"push": "hinge", "margin": 0.1, "reduction": "mean_active"},
    "linear, distance": {"push": "linear", "objective": "squared_euclidean"},
    "hinge, distance": {"push": "hinge", "margin": 2.1, "objective": "squared_euclidean"},
    "hinge, mean_active, distance": {
        "push": "hinge",
        "margin": 1.9,
        "reduction": "mean_active",
        "objective": "squared_euclidean",
    },
}
ORTHOGONAL: Options = {"normalize": "l2", "self_pairs": "exclude", "push": "squared"}
PRESETS: dict[str, Options] = {
    "original": {},
    "orthogonal": ORTHOGONAL,
    "hinge": {"normalize": "l2", "push": "hinge", "margin": -0.1},
}
# So many rows, or fewer, have pairs that can be written out.
FEW = 1000


@dataclass(frozen=True)
class Call:
    """One batch and its options. `samples_per_id` is 0 where labels in some order name the rows."""

    kind: str
    name: str
    dtype: str
    features: Rows
    labels: NDArray[np.int64]
    samples_per_id: int
    options: Options = field(default_factory=dict)
    least: float = 0.0
    """Relative errors are of values of this size at least; of none, nor of the gradient, when it is infinite."""
    factor: float = 1.0
    """What the loss is multiplied with beside what its type needs: a power of two."""

    @property
    def key(self) -> str:
        """What it is listed as, beside the instruction set."""
        return f"{self.kind} | {self.name} | {self.dtype}"

    @property
    def upstream(self) -> float:
        """What the loss is multiplied with before its gradient is taken."""
        return UPSTREAM.get(self.dtype, 1.0) * self.factor


def spread(count: int, dim: int, *seed: int | str) -> Rows:
    """Random directions, 0.5 to 1.5 long."""
    generator = np.random.default_rng([zlib.crc32(str(part).encode()) for part in (*seed, count, dim)])
    rows = generator.standard_normal((count, dim))
    lengths = generator.uniform(0.5, 1.5, (count, 1))
    unit: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit * lengths


def shuffled(count: int, seed: int) -> NDArray[np.int64]:
    """Labels in no order, with unequal counts."""
    generator = np.random.default_rng([seed, count])
    return generator.choice(np.array([7, -3, 2**62, 0, 11]), size=count)


def ordinary(seeds: int) -> Iterator[Call]:
    """Every meaningful combination of options, on small batches told in both ways."""
    everything = itertools.product(range(seeds), DTYPES, NORMALIZE, PUSHES, BETWEEN, SELF_PAIRS)
    for seed, dtype, normalize, push, between, self_pairs in everything:
        options = PUSHES[push] | {"normalize": normalize, "push_between": between, "self_pairs": self_pairs}
        name = f"{normalize} | {push} | {between}"
        for ids, samples, dim in ((4, 3, 5), (8, 4, 16), (6, 2, 65), (30, 0, 33)):
            rows = spread(ids * (samples or 1), dim, "ordinary", seed).astype(DTYPES[dtype])
            labels = np.repeat(np.arange(ids), samples) if samples else shuffled(ids, seed)
            yield Call("ordinary", name, dtype, rows, labels, samples, options, least=0.1)


def growing(seeds: int) -> Iterator[Call]:
    """Both presets as batches grow in rows and in columns."""
    shapes = ((8, 4, 16), (8, 4, 256), (8, 4, 4096), (64, 4, 16), (64, 4, 256), (256, 2, 64))
    for seed, dtype, (ids, samples, dim) in itertools.product(range(seeds), DTYPES, shapes):
        for preset, options in (("original", {}), ("orthogonal", ORTHOGONAL)):
            rows = spread(ids * samples, dim, "growing", seed).astype(DTYPES[dtype])
            labels = np.repeat(np.arange(ids), samples)
            name = f"{preset} | {ids} x {samples} rows of {dim}"
            yield Call("growing", name, dtype, rows, labels, samples, options, least=0.1)


# Identities, rows of each, columns; and whether labels in some order name the rows.
LONG = (
    (1, 10_000, 16, False),
    (1, 100_000, 16, False),
    (1, 1_000_000, 8, False),
    (250_000, 4, 8, False),
    (1_000_000, 1, 8, True),
    (2, 2, 10_000, False),
    (2, 2, 100_000, True),
    (2, 2, 1_000_000, False),
    (2, 4, 100_000, False),
)


def long(
    shapes: Sequence[tuple[int, int, int, bool]] = LONG,
    dtypes: Iterable[str] = DTYPES,
    presets: Iterable[str] = PRESETS,
) -> Iterator[Call]:
    """The presets where very many numbers are added up, by rows, identities or columns; a hinge of few rows."""
    for (ids, samples, dim, labelled), dtype, preset in itertools.product(shapes, dtypes, presets):
        if preset == "hinge" and ids * samples > FEW:
            continue
        rows = spread(ids * samples, dim, "long").astype(DTYPES[dtype])
        labels = np.repeat(np.arange(ids), samples)
        if labelled:
            # The first rows of all identities go before all others, so that they stay the representatives.
            order = np.random.default_rng(dim).permutation(len(rows))
            order = order[np.argsort(order % samples != 0, kind="stable")]
            rows, labels = rows[order], labels[order]
        name = f"{preset} | {ids} x {samples} rows of {dim}"
        identities = 0 if labelled else samples
        # A gradient is in proportion to 1 over the rows, which is too small for float16.
        factor = 2.0 ** (len(rows).bit_length() - 3) if dtype == "float16" else 1.0
        yield Call("long", name, dtype, rows, labels, identities, PRESETS[preset], least=0.1, factor=factor)


# By name: how long the rows are, in powers of two from the first to the last row, for the types that have such numbers.
# 2^±100 is about 1e±30; rows of the powers for "subnormal rows" have such elements.
Powers = dict[str, tuple[int, int]]
WIDE = ("float32", "float64", "bfloat16")
SCALES: dict[str, Powers] = {
    "rows of 1e-30": dict.fromkeys(WIDE, (-100, -100)),
    "rows of 1e30": dict.fromkeys(WIDE, (100, 100)),
    "subnormal rows": {"float32": (-133,) * 2, "float64": (-1030,) * 2, "float16": (-16,) * 2, "bfloat16": (-130,) * 2},
    "rows from 1e-30 to 1e30": dict.fromkeys(WIDE, (-100, 100)),
}


def scales(seeds: int) -> Iterator[Call]:
    """Both presets with rows of every length, all alike, one unlike the others, or each another."""
    everything = itertools.product(range(seeds), SCALES, ("all", "one of many"), DTYPES, ("original", "orthogonal"))
    for seed, name, which, dtype, preset in everything:
        first, last = SCALES[name].get(dtype, (0, 0))
        if first == 0 or (which != "all" and first != last):
            continue
        powers = np.linspace(first, last, 12).round() * (which == "all" or np.arange(12) == 5)
        rows = np.ldexp(spread(12, 33, "scales", seed), powers.astype(int)[:, None]).astype(DTYPES[dtype])
        options = PRESETS[preset] | {"normalize": "l2"}
        # The gradient of rows of 2^-16 is in proportion to 2^16, which is too large for float16.
        factor = 2.0**-20 if dtype == "float16" else 1.0
        text = name if which == "all" else f"one of the {name}"
        yield Call(
            "scales",
            f"{preset} | {text}",
            dtype,
            rows,
            np.repeat(np.arange(4), 3),
            3,
            options,
            least=0.1,
            factor=factor,
        )


def tiny(seeds: int) -> Iterator[Call]:
    """One to four identities of one to eight rows of one to five numbers: few terms, some of which cancel the rest."""
    everything = list(itertools.product(NORMALIZE, BETWEEN, SELF_PAIRS))
    for seed, dtype, push, draw in itertools.product(range(seeds), ("float32", "float64"), PUSHES, range(300)):
        ids, samples, dim = np.random.default_rng([seed, draw]).integers(1, (5, 9, 6)).tolist()
        normalize, between, self_pairs = everything[draw % len(everything)]
        options = PUSHES[push] | {"normalize": normalize, "push_between": between, "self_pairs": self_pairs}
        rows = spread(ids * samples, dim, "tiny", seed, draw).astype(DTYPES[dtype])
        yield Call("tiny", push, dtype, rows, np.repeat(np.arange(ids), samples), samples, options, least=np.inf)


def hard(seeds: int) -> Iterator[Call]:
    """Batches in which much cancels, so that what rounding leaves is large beside the result."""
    for seed, dtype in itertools.product(range(seeds), ("float32", "float64")):
        for name, rows, samples, options in _hard(seed):
            labels = np.repeat(np.arange(len(rows) // samples), samples)
            # A normalised row of one number is a sign, whose slope is 0.
            least = np.inf if rows.shape[1] == 1 and options["normalize"] != "none" else 0.0
            yield Call("hard", name, dtype, rows.astype(DTYPES[dtype]), labels, samples, options, least)


def _hard(seed: int) -> Iterator[tuple[str, Rows, int, Options]]:
    unit = {"normalize": "l2", "self_pairs": "exclude"}
    two = spread(16, 64, "two", seed)
    yield "two identities, push between all", two, 8, {"push_between": "all"}
    yield "two identities, squared push between all", two, 8, unit | {"push": "squared", "push_between": "all"}
    opposite = np.concatenate([two[:8], -two[:8] + 1e-3 * two[8:]])
    yield "two opposite identities", opposite, 8, {}
    one = spread(16, 1, "one", seed)
    yield "rows of one number", one, 4, {"normalize": "none"}
    yield "rows of one number, normalised", one, 4, {"normalize": "l2"}
    yield "rows of one number, squared push between all", one, 8, ORTHOGONAL | {"push_between": "all", "target": 0.3}
    many = spread(64, 32, "many", seed)
    yield "few active pairs, mean_active", many, 2, unit | {"push": "hinge", "margin": 0.4, "reduction": "mean_active"}
    yield "squared push between all, 256 rows of 16", spread(256, 16, seed), 8, ORTHOGONAL | {"push_between": "all"}
    leads = spread(16, 64, "alike", seed)
    alike = np.repeat(leads, 4, axis=0) + 1e-3 * spread(64, 64, "apart", seed)
    yield "identities alike to 1e-3, self pairs excluded", alike, 4, ORTHOGONAL
    yield "identities alike to 1e-3, self pairs included", alike, 4, {}
    yield "identities alike to 1e-3, distance", alike, 4, unit | {"objective": "squared_euclidean"}
    near = leads[:1] + 0.1 * spread(64, 64, "near", seed)
    by_distance = {"push": "hinge", "margin": 0.02, "objective": "squared_euclidean"}
    yield "all rows alike to 0.1, hinge by distance", near, 4, unit | by_distance
    # What each addition loses, the next does not give back.
    two_numbers = np.where(np.random.default_rng(seed).random((12, 3000)) < 0.5, 0.01, 0.03)
    yield "3000 columns of two numbers", two_numbers, 3, unit
    a_large_one = np.where(np.arange(3000) == np.arange(12)[:, None] % 5, 1.0, 0.001)
    yield "3000 columns, one of them large", a_large_one, 3, {}
