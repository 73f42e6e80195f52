"""The clock: contestants called in turn, so that whatever slows the machine for a while slows all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# Calls, or runs of calls, of which the quickest tells how long a call takes.
WARM_UP = 5

# Seconds of the longest sample that is taken again: cores are seldom ours for longer.
LONGEST_REPEATED = 2e-3

# Undisturbed samples that speak for a contestant without the others.
ENOUGH = 9

Outcome = tuple[float, ArrayLike]
Timer = Callable[[int], int]

# Whether the core is ours at the moment.
Undisturbed = Callable[[], bool]


class Key(NamedTuple):
    """What is timed: who, from which rows ("none" means unit rows, anything else raw rows), on how many threads."""

    name: str
    normalize: str = "none"
    threads: int = 1


@dataclass(frozen=True)
class Contestant:
    """Something to time.

    Attributes:
        key: its name in the results.
        timer: makes so many calls and returns the nanoseconds they took.
        outcome: makes one call and returns its loss and gradient, which may be overwritten by the next call; None for a
            ceiling, which has no outcome.
        operations: the floating-point operations in a call, for a ceiling that is arithmetic.
        slow: a call may take minutes, too long to be repeated.
    """

    key: Key
    timer: Timer
    outcome: Callable[[], Outcome] | None = None
    operations: int = 0
    slow: bool = False


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: samples of each contestant, at most.
        sample: seconds that a sample should take; it is as many calls as that needs, at least one.
        budget: seconds for all samples of one contestant, which may mean fewer than `rounds`, but never under `least`.
        least: samples of a contestant that a sample of one call takes beyond the budget.
        patience: seconds for a sample to be taken on an undisturbed core.
    """

    rounds: int = 41
    sample: float = 5e-4
    budget: float = 0.9
    least: int = 3
    patience: float = 0.1


class Sample(NamedTuple):
    """The seconds of a call, and whether the core was the contestant's own before it and after it."""

    seconds: float
    alone: bool


@dataclass(frozen=True)
class Timing:
    """Seconds a call, over the samples of one contestant; a sample is the mean of `loops` calls.

    All samples were taken on an undisturbed core, or else, for want of such, `disturbed` were not.
    """

    median: float
    minimum: float
    lower_quartile: float
    upper_quartile: float
    samples: int
    disturbed: int
    loops: int
    operations: int = 0

    @classmethod
    def of(cls, samples: Sequence[Sample], loops: int, operations: int) -> Timing:
        """The order statistics of the undisturbed samples, or of all."""
        alone = [sample for sample in samples if sample.alone]
        used = alone if len(alone) >= ENOUGH else samples
        seconds = [sample.seconds for sample in used]
        lower, median, upper = np.quantile(seconds, (0.25, 0.5, 0.75)).tolist()
        disturbed = sum(not sample.alone for sample in used)
        return cls(median, min(seconds), lower, upper, len(used), disturbed, loops, operations)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {name: value for name, value in asdict(self).items() if name != "operations" or value}


def python_timer(call: Callable[[], Any], before: Callable[[], Any] | None = None) -> Timer:
    """A timer for a Python function. `before` runs once a sample and is not timed."""

    def timer(loops: int) -> int:
        if before is not None:
            before()
        repeat = range(loops)
        start = time.perf_counter_ns()
        for _ in repeat:
            call()
        return time.perf_counter_ns() - start

    return timer


def round_robin(contestants: Iterable[Contestant], effort: Effort, undisturbed: Undisturbed) -> dict[Key, Timing]:
    """Time all contestants in turn, round after round. Slow ones sit out some rounds, evenly spread.

    A sample is taken again when the core was not its own before it and after it, until the patience is at its end.
    """
    contestants = list(contestants)
    plans = [_plan(contestant, effort) for contestant in contestants]
    samples: list[list[Sample]] = [[] for _ in contestants]
    collecting = gc.isenabled()
    gc.disable()
    try:
        for turn in range(1, effort.rounds + 1):
            for contestant, (loops, count), taken in zip(contestants, plans, samples, strict=True):
                if len(taken) * effort.rounds < turn * count:
                    taken.append(_sample(contestant, loops, effort.patience, undisturbed))
            gc.collect(0)
    finally:
        if collecting:
            gc.enable()
    return {
        contestant.key: Timing.of(taken, loops, contestant.operations)
        for contestant, (loops, _), taken in zip(contestants, plans, samples, strict=True)
    }


def _sample(contestant: Contestant, loops: int, patience: float, undisturbed: Undisturbed) -> Sample:
    """An undisturbed one, if there is patience."""
    end = time.perf_counter() + patience
    while True:
        alone = undisturbed()
        if alone or time.perf_counter() >= end:
            if loops > 1:
                contestant.timer(loops // 2)  # brings back the caches that the one before has filled
            seconds = contestant.timer(loops) * 1e-9
            alone = alone and undisturbed()
            if alone or seconds > LONGEST_REPEATED or time.perf_counter() >= end:
                return Sample(seconds / loops, alone)


def _plan(contestant: Contestant, effort: Effort) -> tuple[int, int]:
    """Calls in a sample, and samples. First calls, which may compile or load something, count for nothing."""
    contestant.timer(1)
    loops, seconds = 1, contestant.timer(1) * 1e-9
    if seconds < effort.budget / WARM_UP:
        seconds = _quickest(contestant, loops)
    while seconds < effort.sample / 4:
        loops *= 4
        seconds = _quickest(contestant, loops)
    call = seconds / loops
    loops = max(1, round(effort.sample / call))
    return loops, max(effort.least, min(effort.rounds, int(effort.budget / (call * loops))))


def _quickest(contestant: Contestant, loops: int) -> float:
    return min(contestant.timer(loops) for _ in range(WARM_UP)) * 1e-9
