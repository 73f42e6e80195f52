"""The clock's bookkeeping, with contestants that only say how long they took."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from timing import Contestant, Effort, Key, Sample, Timing, python_timer, round_robin

EFFORT = Effort(rounds=8, sample=1e-3, budget=1.0, least=2)


class Fake:
    """Takes so many nanoseconds a call and keeps a log of its samples."""

    def __init__(self, name: str, durations: Sequence[int], log: list[str]) -> None:
        self.name, self.durations, self.log, self.calls = name, durations, log, 0

    def __call__(self, loops: int) -> int:
        self.calls += 1
        self.log.append(self.name)
        return self.durations[self.calls % len(self.durations)] * loops

    def contestant(self) -> Contestant:
        return Contestant(Key(self.name), self)


def alone() -> bool:
    return True


def timed(durations: Sequence[int], effort: Effort = EFFORT) -> Timing:
    return round_robin([Fake("a", durations, []).contestant()], effort, alone)[Key("a")]


def test_medians_and_loops() -> None:
    taken = timed([1000])
    assert taken.median == pytest.approx(1e-6)
    assert taken.loops == 1000
    assert (taken.samples, taken.disturbed) == (8, 0)


def test_order_statistics() -> None:
    taken = timed([1, 2, 3, 4, 5, 6, 7], Effort(rounds=7, sample=1e-9))
    assert 1e-9 <= taken.minimum <= taken.lower_quartile <= taken.median <= taken.upper_quartile <= 7e-9
    assert taken.minimum < taken.upper_quartile


def test_contestants_take_turns_and_slow_ones_sit_out_evenly() -> None:
    log: list[str] = []
    quick, slow = Fake("quick", [10**7], log), Fake("slow", [25 * 10**7], log)
    planning = len(log)
    timings = round_robin([quick.contestant(), slow.contestant()], EFFORT, alone)
    samples = "".join(name[0] for name in log[planning:])
    assert (timings[Key("quick")].samples, timings[Key("slow")].samples) == (8, 4)
    assert samples.endswith("qsq" * 3 + "qsq") or samples.endswith("qqs" * 4)


def test_the_slowest_get_their_least() -> None:
    assert timed([10**10]).samples == 2


def test_samples_wait_for_a_core_of_their_own() -> None:
    """Disturbed before the first sample, after the second attempt and never again."""
    answers = iter([False, True, False, *[True] * 16])
    fake = Fake("a", [10**6], [])
    effort = Effort(rounds=8, sample=1e-3, patience=100.0)
    taken = round_robin([fake.contestant()], effort, lambda: next(answers))[Key("a")]
    assert (taken.samples, taken.disturbed) == (8, 0)
    assert not list(answers)


@pytest.mark.parametrize("patience", [0.0, 1e-3])
def test_without_patience_samples_are_taken_as_they_come_and_counted(patience: float) -> None:
    effort = Effort(rounds=8, sample=1e-3, patience=patience)
    taken = round_robin([Fake("a", [10**6], []).contestant()], effort, lambda: False)[Key("a")]
    assert (taken.samples, taken.disturbed) == (8, 8)


@pytest.mark.parametrize(("each", "median", "samples", "disturbed"), [(9, 1.0, 9, 0), (8, 1.5, 16, 8)])
def test_enough_undisturbed_samples_speak_alone(each: int, median: float, samples: int, disturbed: int) -> None:
    taken = Timing.of([Sample(1.0, alone=True), Sample(2.0, alone=False)] * each, 1, 0)
    assert (taken.median, taken.samples, taken.disturbed) == (median, samples, disturbed)


def test_long_samples_are_not_repeated() -> None:
    answers = iter([True, False] * 2)
    taken = round_robin([Fake("a", [10**10], []).contestant()], EFFORT, lambda: next(answers))[Key("a")]
    assert (taken.samples, taken.disturbed) == (2, 2)


def test_python_timer_calls_as_often_as_it_says() -> None:
    calls: list[str] = []
    timer = python_timer(lambda: calls.append("call"), lambda: calls.append("before"))
    assert timer(3) > 0
    assert calls == ["before", "call", "call", "call"]
