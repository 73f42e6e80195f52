"""Whether the core is called ours, with additions that only say how long they took."""

from __future__ import annotations

import core
import pytest
from native import native


def test_slow_additions_mean_that_somebody_else_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [100]
    monkeypatch.setattr(core, "_additions", lambda: taken[0])
    ours = core.Core()
    for time, undisturbed in ((100, True), (114, True), (116, False), (90, True), (114, False), (103, True)):
        taken[0] = time
        assert ours.undisturbed() == undisturbed


def test_more_additions_take_longer() -> None:
    few, many = (min(native().add_time(loops) for _ in range(20)) for loops in (1000, 100_000))
    assert 0 < few < many
