"""The closed form in JAX, differentiated and compiled by XLA for one thread."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import jax  # type: ignore[import-not-found,unused-ignore]
import jax.numpy as jnp  # type: ignore[import-not-found,unused-ignore]
import numpy as np
from shapes import Batch, Shape
from timing import Contestant, Key, Outcome, python_timer

# On the processor, as all others, also where there is a GPU.
jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call,unused-ignore]

Loss = Callable[[jax.Array], jax.Array]


def contestants(batch: Batch) -> Iterator[Contestant]:
    """From unit rows, and from raw rows."""
    _start_on_one_thread()
    for normalize in ("none", "l2"):
        loss = closed(batch.shape)
        yield _contestant(Key("jax", normalize), batch, loss if normalize == "none" else _of_raw(loss))


def closed(shape: Shape) -> Loss:
    """The squared norms of sums."""
    k, p = shape.samples_per_id, shape.identities
    positive, negative = shape.positive_pairs, shape.negative_pairs

    def loss(x: jax.Array) -> jax.Array:
        rows = x.reshape(p, k, -1)
        sums, total = rows.sum(1), rows[:, 0].sum(0)
        return (p * k * k - (sums * sums).sum()) / positive + ((total * total).sum() - p) / negative

    return loss


def _contestant(key: Key, batch: Batch, loss: Loss) -> Contestant:
    function = jax.jit(jax.value_and_grad(loss))
    features = jax.device_put(batch.features(key.normalize))

    def call() -> None:
        jax.block_until_ready(function(features))  # type: ignore[no-untyped-call,unused-ignore]

    def outcome() -> Outcome:
        value, gradient = function(features)
        return float(value), np.asarray(gradient)

    return Contestant(key, python_timer(call), outcome)


def _of_raw(loss: Loss) -> Loss:
    def raw_loss(raw: jax.Array) -> jax.Array:
        return loss(raw / jnp.maximum(jnp.sqrt((raw * raw).sum(1, keepdims=True)), 1e-12))

    return raw_loss


@functools.cache
def _start_on_one_thread() -> None:
    """XLA makes as many threads as there are processors it may use when it starts, and keeps to that number."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(processors)})
    before = _threads()
    jax.devices("cpu")
    for thread in {0} | _threads() - before:
        os.sched_setaffinity(thread, processors)


def _threads() -> set[int]:
    return {int(path.name) for path in Path("/proc/self/task").iterdir()}
