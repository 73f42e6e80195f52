"""The library with each instruction set, each in a process of its own, for it chooses once."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pullpush
from batches import Call
from numpy.typing import NDArray


@dataclass(frozen=True)
class Answer:
    """What the library says of one call."""

    loss: float
    pull: float
    push: float
    gradient: NDArray[Any]


INSTRUCTION_SETS = ("baseline", "x86-64-v3", "x86-64-v4")


def instruction_sets() -> tuple[str, ...]:
    """Those of this machine."""
    return INSTRUCTION_SETS[: INSTRUCTION_SETS.index(pullpush.isa()) + 1]


class Library:
    """The library in another process."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        """Made by `library`."""
        self._pool = pool

    def answers(self, calls: Iterable[Call]) -> Iterator[Answer]:
        """What the library says of each call."""
        return self._pool.map(_answer, calls, chunksize=32)


@contextmanager
def library(isa: str) -> Iterator[Library]:
    """The library with one instruction set."""
    before = os.environ.get("PULLPUSH_ISA")
    os.environ["PULLPUSH_ISA"] = isa
    try:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            chosen = pool.submit(pullpush.isa).result()
            assert chosen == isa, f"the library runs with {chosen} instead of {isa}"
            yield Library(pool)
    finally:
        del os.environ["PULLPUSH_ISA"]
        if before is not None:
            os.environ["PULLPUSH_ISA"] = before


def _answer(call: Call) -> Answer:
    identities: dict[str, Any] = {"samples_per_id": call.samples_per_id} if call.samples_per_id else {}
    loss, gradient = pullpush.value_and_grad(
        call.features, upstream=call.upstream, **(identities or {"labels": call.labels}), **call.options
    )
    return Answer(float(loss), loss.pull, loss.push, gradient)
