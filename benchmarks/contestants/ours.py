"""PullPush: the plain call, the general call with its options, and the call from Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pullpush
from native import CallOptions, contestant
from shapes import Batch
from timing import Contestant, Key, Outcome, python_timer

GENERAL = {
    "general": (CallOptions("none"), CallOptions("l2"), CallOptions("renorm")),
    "labels": (CallOptions("none", labelled=True), CallOptions("l2", labelled=True)),
    "squared": (CallOptions("none", "squared"), CallOptions("l2", "squared")),
    "hinge": (CallOptions("none", "hinge"),),
}


def contestants(batch: Batch) -> Iterator[Contestant]:
    """All on one thread and on two, where the library decides by size whether it uses the second."""
    for threads in (1, 2):
        yield contestant("plain", "call_plain", batch, threads=threads)
        for name, variants in GENERAL.items():
            for options in variants:
                yield contestant(name, "call_general", batch, options, threads)
    yield python(batch)


def python(batch: Batch) -> Contestant:
    """``value_and_grad`` with the default options, which allocates the gradient."""
    features, samples_per_id = batch.features("renorm"), batch.shape.samples_per_id

    def call() -> Any:
        return pullpush.value_and_grad(features, samples_per_id=samples_per_id)

    def outcome() -> Outcome:
        loss, gradient = call()
        return float(loss), gradient

    timer = python_timer(call, lambda: pullpush.set_max_threads(1))
    return Contestant(Key("python", "renorm"), timer, outcome)
