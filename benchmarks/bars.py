"""The bars that PullPush is to clear, and whether it does.

Compute-bound pushes are judged by what they take beyond the linear loss on the same rows. Their arithmetic is two
matrix products: of the pushed vectors with one another and of the result with them, 2·P·D·min(P, D) operations each for
the squared push and 2·P²·D each for the hinge. Whoever makes use of the first product's symmetry needs fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from results import Results
from shapes import Shape
from timing import Key

SMALLEST = Shape(64, 128, 4)
SIZE_FOR_TWO_THREADS = 1024 * 512
NOISE = 1.05  # of the quotient of two equal times

PLAIN = Key("plain")
NONE, L2, RENORM = (Key("general", normalize) for normalize in ("none", "l2", "renorm"))
LABELS, SQUARED, HINGE = Key("labels"), Key("squared"), Key("hinge")
FRAMEWORKS = ("torch batched", "torch closed", "torch compiled", "torch matrix", "jax", "numpy")


class Outcome(NamedTuple):
    """A measured number and the bar it is to stay under, or over; and what stands in the way if it does not."""

    measured: float
    bound: float
    at_most: bool = True
    obstacle: str = ""

    @property
    def passed(self) -> bool:
        """Whether the bar is cleared."""
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound


Judge = Callable[[Results, Shape], Outcome | None]


@dataclass(frozen=True)
class Bar:
    """One row of the table.

    Attributes:
        name: what is compared with what.
        goal: the bound in words.
        judge: the outcome on a shape, or None where the bar does not apply or something was not measured.
    """

    name: str
    goal: str
    judge: Judge


def bars() -> list[Bar]:
    """All of them, in the order of the table."""
    on_two = "≤ 0.8 (≤ 1.05 below 1024×512)"
    return [
        Bar("unit rows, plain call / memcpy", "≤ 1.3 (1.8)", _copies(PLAIN, 1.3, 1.8)),
        Bar("unit rows, general call / memcpy", "≤ 1.3 (1.8)", _copies(NONE, 1.3, 1.8)),
        Bar("raw rows, l2 / memcpy", "≤ 2 (3)", _copies(L2, 2, 3)),
        Bar("raw rows, renorm / memcpy", "≤ 2 (3)", _copies(RENORM, 2, 3)),
        Bar("labels in random order / memcpy", "≤ 2.5", _copies(LABELS, 2.5, 2.5)),
        Bar("squared push beyond 1.3 memcpy / arithmetic at peak", "≤ 1.3", _squared),
        Bar("hinge push, fraction of peak", "≥ 0.7", _hinge_of_peak),
        Bar("hinge push, OpenBLAS's time for its products / its own", "≥ 0.9", _hinge_of_blas),
        Bar("Python beyond C, µs", "≤ 6", _python),
        Bar("2 threads / 1, unit rows", on_two, _two_threads(PLAIN)),
        Bar("2 threads / 1, raw rows, l2", on_two, _two_threads(L2)),
        Bar("2 threads / 1, raw rows, renorm", on_two, _two_threads(RENORM)),
        Bar("2 threads / 1, labels", on_two, _two_threads(LABELS)),
        Bar("2 threads / 1, squared push", on_two, _two_threads(SQUARED)),
        Bar("1 thread / 2, hinge push", "≥ 1.7", _hinge_scaling),
        Bar("original module / ours, unit rows", "≥ 300", _against(PLAIN, 300, "torch loop")),
        Bar("original module / ours, renorm", "≥ 300", _against(RENORM, 300, "torch loop")),
        Bar("best framework form / ours, unit rows", "≥ 2", _against(PLAIN, 2, *FRAMEWORKS)),
        Bar("best framework form / ours, raw rows", "≥ 4", _against(L2, 4, *FRAMEWORKS)),
        Bar("the same on 2 threads, unit rows", "≥ 2", _against(_doubled(PLAIN), 2, *FRAMEWORKS)),
        Bar("the same on 2 threads, raw rows", "≥ 4", _against(_doubled(L2), 4, *FRAMEWORKS)),
        Bar("careful C / ours, unit rows", "≥ 1", _against(PLAIN, 1, "careful C")),
        Bar("careful C / ours, raw rows", "≥ 1", _against(L2, 1, "careful C")),
    ]


# --------------------------------------------------------------------------------------------------------- copies


def _copies(key: Key, bound: float, bound_at_smallest: float) -> Judge:
    def judge(results: Results, shape: Shape) -> Outcome | None:
        ours = results.seconds(shape, key)
        if ours is None:
            return None
        most = bound_at_smallest if shape == SMALLEST else bound
        return Outcome(ours / results.copy(shape), most, obstacle=_copy_of_fours(results, shape, ours))

    return judge


def _copy_of_fours(results: Results, shape: Shape, ours: float) -> str:
    """What is lost by reading rows in fours, before anything is computed. Large batches are not copied like that."""
    seconds = results.seconds(shape, Key("copy fours"))
    if seconds is None or seconds > ours:
        return ""
    copies = seconds / results.copy(shape)
    return f"just copying four rows side by side takes {copies:.2f} times as long as memcpy" if copies > 1.1 else ""


def _python(results: Results, shape: Shape) -> Outcome | None:
    python, c = results.seconds(shape, Key("python", "renorm")), results.seconds(shape, RENORM)
    return None if python is None or c is None or shape != SMALLEST else Outcome((python - c) * 1e6, 6)


# ----------------------------------------------------------------------------------------------------- arithmetic


def squared_operations(shape: Shape) -> int:
    """Two products through the smaller of the two second-moment matrices."""
    return 4 * shape.identities * shape.dim * min(shape.identities, shape.dim)


def hinge_operations(shape: Shape) -> int:
    """Two products of all pairs."""
    return 4 * shape.identities**2 * shape.dim


def push_rate(results: Results, shape: Shape, key: Key, operations: int) -> float | None:
    """Operations a second of a push, in its time beyond the linear loss; None if there is no such time."""
    ours, linear = results.seconds(shape, key), results.seconds(shape, NONE)
    return None if ours is None or linear is None or ours <= linear else operations / (ours - linear)


def _squared(results: Results, shape: Shape) -> Outcome | None:
    ours = results.seconds(shape, SQUARED)
    if ours is None:
        return None
    linear = (1.8 if shape == SMALLEST else 1.3) * results.copy(shape)
    times = (ours - linear) * results.peak(shape) / squared_operations(shape)
    return Outcome(times, 1.3, obstacle="; ".join(_narrow(results, shape) + _small(shape)))


def _hinge_of_peak(results: Results, shape: Shape) -> Outcome | None:
    rate = push_rate(results, shape, HINGE, hinge_operations(shape))
    obstacle = "; ".join(_narrow(results, shape) + _small(shape))
    return None if rate is None else Outcome(rate / results.peak(shape), 0.7, False, obstacle)


def _hinge_of_blas(results: Results, shape: Shape) -> Outcome | None:
    rate = push_rate(results, shape, HINGE, hinge_operations(shape))
    blas = results.rate(shape, Key("sgemm"))
    return None if rate is None or blas is None else Outcome(rate / blas, 0.9, False, "; ".join(_small(shape)))


def _narrow(results: Results, shape: Shape) -> list[str]:
    bits = results.vector_bits
    share = results.peak(shape, bits) / results.peak(shape) if bits else 1
    return [f"vectors of {bits} bits, as in these kernels, peak at {share:.0%} of the widest"] if share < 0.95 else []


def _small(shape: Shape) -> list[str]:
    return ["products this small are mostly overhead"] if shape.identities <= 64 else []


# -------------------------------------------------------------------------------------------------------- threads


def _two_threads(key: Key) -> Judge:
    def judge(results: Results, shape: Shape) -> Outcome | None:
        one, two = results.seconds(shape, key), results.seconds(shape, _doubled(key))
        if one is None or two is None:
            return None
        bound = 0.8 if shape.size >= SIZE_FOR_TWO_THREADS else NOISE
        return Outcome(two / one, bound, obstacle=_alone(results, shape, copies=key != SQUARED))

    return judge


def _hinge_scaling(results: Results, shape: Shape) -> Outcome | None:
    one, two = results.seconds(shape, HINGE), results.seconds(shape, _doubled(HINGE))
    if one is None or two is None:
        return None
    small = shape.size < SIZE_FOR_TWO_THREADS and abs(two / one - 1) < NOISE - 1
    obstacle = "the library keeps a batch this small on one thread" if small else _alone(results, shape, copies=False)
    return Outcome(one / two, 1.7, False, obstacle)


def _alone(results: Results, shape: Shape, copies: bool) -> str:
    """Whether the second thread had a core and memory to itself."""
    scale = results.peak(shape, threads=2) / results.peak(shape)
    copy = results.copy(shape, 2) / results.copy(shape)
    if scale < 1.8:
        return f"the second core was not free: two threads multiply and add at {scale:.2f} times the rate of one"
    return f"memcpy on two threads takes {copy:.2f} of its time on one" if copies and copy > 0.8 else ""


def _doubled(key: Key) -> Key:
    return key._replace(threads=2)


# ---------------------------------------------------------------------------------------------------------- peers


def _against(ours: Key, bound: float, *names: str) -> Judge:
    """The quickest of some peers from the same rows on as many threads."""
    within = 1.3 if ours.normalize == "none" else 2.0  # of memcpy's time, the bar of our own call
    alike = {"l2", "renorm"} if names == FRAMEWORKS and ours.normalize == "l2" else {ours.normalize}

    def judge(results: Results, shape: Shape) -> Outcome | None:
        own = results.seconds(shape, ours)
        keys = [Key(name, normalize, ours.threads) for name in names for normalize in sorted(alike)]
        found = [(seconds, key.name) for key in keys if (seconds := results.seconds(shape, key)) is not None]
        if own is None or not found:
            return None
        seconds, best = min(found)
        copies = seconds / results.copy(shape, ours.threads)
        near = f"{best} takes {copies:.2f} times as long as memcpy: so ours would have to take {copies / bound:.2f}"
        return Outcome(seconds / own, bound, False, near if copies / bound < within else "")

    return judge
