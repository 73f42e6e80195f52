"""The clock's bookkeeping, with contestants that only say how long they took."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from timing import Contestant, Effort, Key, python_timer, round_robin

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


def test_medians_and_loops() -> None:
    timing = round_robin([Fake("a", [1000], []).contestant()], EFFORT)[Key("a")]
    assert timing.median == pytest.approx(1e-6)
    assert timing.loops == 1000
    assert timing.samples == 8


def test_order_statistics() -> None:
    timings = round_robin([Fake("a", [1, 2, 3, 4, 5, 6, 7], []).contestant()], Effort(rounds=7, sample=1e-9))
    timing = timings[Key("a")]
    assert 1e-9 <= timing.minimum <= timing.lower_quartile <= timing.median <= timing.upper_quartile <= 7e-9
    assert timing.minimum < timing.upper_quartile


def test_contestants_take_turns_and_slow_ones_sit_out_evenly() -> None:
    log: list[str] = []
    quick, slow = Fake("quick", [10**7], log), Fake("slow", [25 * 10**7], log)
    planning = len(log)
    timings = round_robin([quick.contestant(), slow.contestant()], EFFORT)
    samples = "".join(name[0] for name in log[planning:])
    assert (timings[Key("quick")].samples, timings[Key("slow")].samples) == (8, 4)
    assert samples.endswith("qsq" * 3 + "qsq") or samples.endswith("qqs" * 4)


def test_the_slowest_get_their_least() -> None:
    assert round_robin([Fake("a", [10**10], []).contestant()], EFFORT)[Key("a")].samples == 2


def test_python_timer_calls_as_often_as_it_says() -> None:
    calls: list[str] = []
    timer = python_timer(lambda: calls.append("call"), lambda: calls.append("before"))
    assert timer(3) > 0
    assert calls == ["before", "call", "call", "call"]
