"""Whether cores are called ours, with additions that only say how long they took."""

from __future__ import annotations

import cores
import pytest
from native import native


def test_slow_additions_mean_that_somebody_else_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {1: 100, 2: 100}
    monkeypatch.setattr(cores, "_additions", taken.__getitem__)
    ours = cores.Cores()
    assert ours.undisturbed(1)
    assert ours.undisturbed(2)
    taken[1], taken[2] = 114, 130
    assert ours.undisturbed(1)
    assert not ours.undisturbed(2)
    taken[1] = 90
    assert ours.undisturbed(1)
    taken[1] = 114
    assert not ours.undisturbed(1)


@pytest.mark.parametrize("threads", [1, 2])
def test_more_additions_take_longer(threads: int) -> None:
    few, many = (min(native().add_time(threads, loops) for _ in range(20)) for loops in (1000, 100_000))
    assert 0 < few < many
