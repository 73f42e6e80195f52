"""The loss over all its pairs, in arithmetic far finer than the library's.

The numbers are NumPy's long double, with 64 bits of mantissa and room for any product of doubles, or objects that
calculate by themselves, such as those of mpmath. Pairs are written out as matrices, and the gradient follows by the
chain rule: neither a closed form of the library is used nor autograd, which knows no long double.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Wide = NDArray[Any]
Labels = NDArray[np.int64]
# From the inner products, or squared distances, of all pairs to what each is worth and the derivative of that.
Judge = Callable[[Wide], tuple[Wide, Any]]

DEFAULTS: dict[str, Any] = {
    "normalize": "renorm",
    "self_pairs": "include",
    "push": "linear",
    "target": 0.0,
    "margin": 0.0,
    "reduction": "mean",
    "push_between": "representatives",
    "objective": "inner_product",
    "pull_weight": 1.0,
    "push_weight": 1.0,
}
# Rows up to the first length are multiplied by the second number; the third is added to greater lengths, which divide.
NORMALIZATIONS = {"l2": (1e-12, 1e12, 0.0), "renorm": (1e-5, 1e5, 1e-7)}


@dataclass(frozen=True)
class Exact:
    """The loss, its parts and its gradient with respect to the raw rows."""

    loss: Any
    pull: Any
    push: Any
    gradient: Wide
    terms: Wide
    """For every row, the lengths of what its gradient is a sum of, added up: what rounding is in proportion to."""
    from_kink: float
    """How far the nearest pair is from the margin of a hinge: nearer than rounding, it may count or not."""


def wide(features: NDArray[Any]) -> Wide:
    """Rows of any type as long doubles; nothing is rounded."""
    return features.astype(np.float64).astype(np.longdouble)


def evaluate(raw: Wide, labels: Labels, upstream: float = 1.0, **changed: Any) -> Exact:
    """The loss of rows that are wide already."""
    assert changed.keys() <= DEFAULTS.keys()
    options = DEFAULTS | changed
    x, scale, backward = normalized(raw, options["normalize"])
    distance = options["objective"] == "squared_euclidean"
    include = options["self_pairs"] == "include" and not distance

    itself = np.eye(len(x), dtype=bool)
    positive = (labels[:, None] == labels) & ~itself
    pulled = positive | (itself & positive.any(axis=1)) if include else positive
    pull = Pairs(x, pulled, distance, (lambda d: (d, 1)) if distance else (lambda s: (1 - s, -1)))
    pull_value, pull_gradient, pull_terms = pull.mean(positive.sum())

    points, names, to_rows = pushed(x, labels, options["push_between"])
    negative = names[:, None] != names
    with_itself = include and options["push"] == "linear" and options["push_between"] == "representatives"
    push = Pairs(points, negative | with_itself, distance, judge_of(options))
    active = push.pairs & np.not_equal(push.worth, 0)
    divisor = active.sum() if options["reduction"] == "mean_active" else negative.sum()
    push_value, push_gradient, push_terms = push.mean(divisor, len(points) if with_itself else 0)

    gradient = options["pull_weight"] * pull_gradient + options["push_weight"] * to_rows(push_gradient)
    terms = abs(options["pull_weight"]) * pull_terms + abs(options["push_weight"]) * to_rows(push_terms)
    from_kink = np.inf
    if options["push"] == "hinge" and negative.any():
        from_kink = np.abs((push.likeness - options["margin"])[negative]).min()
    return Exact(
        options["pull_weight"] * pull_value + options["push_weight"] * push_value,
        pull_value,
        push_value,
        backward(upstream * gradient),
        (abs(upstream) * terms * scale)[:, 0],
        float(from_kink),
    )


class Pairs:
    """What marked pairs of vectors are worth."""

    def __init__(self, vectors: Wide, pairs: NDArray[np.bool_], distance: bool, judge: Judge) -> None:
        """Judge all pairs by inner product, or by squared distance."""
        self.vectors, self.pairs, self.distance = vectors, pairs, distance
        if distance:
            self.likeness = np.array([((vectors - vector) ** 2).sum(axis=1) for vector in vectors])
        else:
            self.likeness = vectors @ vectors.T
        self.worth, self.slope = judge(self.likeness)

    def mean(self, count: int, taken_away: int = 0) -> tuple[Any, Wide, Wide]:
        """The sum over the marked pairs divided by `count`, its gradient, and the terms of that.

        All 0 when there is nothing to count. A closed form has terms for the pairs that are not marked, too.
        """
        if count == 0:
            return 0 * self.worth.sum(), 0 * self.vectors, 0 * self.vectors[:, :1]
        weights = self.pairs * self.slope
        gradient = 2 * (weights @ self.vectors)
        if self.distance:
            gradient = 2 * (2 * weights.sum(axis=1, keepdims=True) * self.vectors - gradient)
        lengths = np.sqrt((self.vectors * self.vectors).sum(axis=1, keepdims=True))
        slopes = np.abs(self.slope + 0 * self.likeness)
        terms = 2 * (slopes @ lengths + (slopes.sum(axis=1, keepdims=True) * lengths if self.distance else 0))
        return ((self.pairs * self.worth).sum() - taken_away) / count, gradient / count, terms / count


def judge_of(options: dict[str, Any]) -> Judge:
    """What the push makes of a pair."""
    sign = -1 if options["objective"] == "squared_euclidean" else 1
    target, margin = options["target"], options["margin"]
    if options["push"] == "linear":
        return lambda likeness: (sign * likeness, sign)
    if options["push"] == "squared":
        return lambda likeness: ((likeness - target) ** 2, 2 * (likeness - target))

    def hinge(likeness: Wide) -> tuple[Wide, Wide]:
        over = sign * (likeness - margin)
        return np.maximum(0, over), sign * (over > 0).astype(bool)

    return hinge


def normalized(raw: Wide, how: str) -> tuple[Wide, Wide, Callable[[Wide], Wide]]:
    """The rows the loss sees, what each was multiplied with, and the way back for a gradient with respect to them."""
    if how == "none":
        return raw, 1 + 0 * raw[:, :1], lambda gradient: gradient
    threshold, factor, extra = NORMALIZATIONS[how]
    norms = np.sqrt((raw * raw).sum(axis=1, keepdims=True))
    divides = (norms > threshold).astype(bool)
    norms = np.where(divides, norms, 1)
    scale = np.where(divides, 1 / (norms + extra), factor)

    def backward(gradient: Wide) -> Wide:
        along = (raw * gradient).sum(axis=1, keepdims=True)
        through: Wide = scale * gradient - divides * scale * scale * along / norms * raw
        return through

    return raw * scale, scale, backward


def pushed(x: Wide, labels: Labels, between: str) -> tuple[Wide, Labels, Callable[[Wide], Wide]]:
    """The vectors that are pushed apart, whose they are, and the way back to the rows for a gradient."""
    if between == "all":
        return x, labels, lambda gradient: gradient
    names, first, own, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    if between == "representatives":
        leads = np.isin(np.arange(len(x)), first)[:, None]
        return x[first], names, lambda gradient: leads * gradient[own]
    sums = np.array([x[own == number].sum(axis=0) for number in range(len(names))])
    return sums / counts[:, None], names, lambda gradient: (gradient / counts[:, None])[own]
