"""The package in worker processes, beside other threads, interrupted, and over and over; see programs.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import programs
import pytest
import torch

import pullpush


@pytest.mark.parametrize("when", ["before use", "after use"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes(method: str, when: str) -> None:
    programs.run("pool", method, when)


def test_worker_processes_started_by_threads_amid_calls() -> None:
    programs.run("fork_from_threads")


class Losses(torch.utils.data.Dataset[Any]):
    """Items that are computed by the library, in whatever process asks."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, number: int) -> Any:
        parts, gradient = programs.outcome_in_worker(number)
        return parts["loss"], np.frombuffer(gradient, np.float32).copy()


def test_workers_of_a_data_loader() -> None:
    before = pullpush.set_max_threads(3)
    items = Losses()
    expected = [items[number] for number in range(len(items))]
    loader: Any = torch.utils.data.DataLoader(items, batch_size=None, num_workers=2, timeout=60)
    for _ in range(2):
        for (loss, gradient), (right, right_gradient) in zip(loader, expected, strict=True):
            assert loss == right
            np.testing.assert_array_equal(gradient, right_gradient)
    pullpush.set_max_threads(before)


def test_other_threads_go_on_during_a_call() -> None:
    programs.run("other_threads_go_on")


@pytest.mark.parametrize("num_threads", ["1", "4"])
def test_an_interrupt_waits_for_the_call(num_threads: str) -> None:
    programs.run("interrupt", num_threads)


def test_the_c_interface_in_subinterpreters() -> None:
    programs.run("subinterpreters")


def test_many_calls_leave_nothing_behind() -> None:
    programs.run("soak", "200000")
