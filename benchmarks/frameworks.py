"""What a call costs inside PyTorch and JAX: `.venv/bin/python benchmarks/frameworks.py` prints a Markdown table.

Microseconds for a loss and its gradient with respect to raw float32 rows, K = 4, on one thread: the best of several
rounds. Beside each way through the library stands the same loss in the framework's own operations.
"""

from __future__ import annotations

import os

os.environ["PULLPUSH_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pullpush
import pullpush.jax
import pullpush.torch
import pullpush.torch_formulas
import torch
from torch import Tensor

SAMPLES = 4
SHAPES = ((64, 128), (256, 256), (1024, 512))
# Each slice of the original's loop costs its backward a pass over all rows.
LOOP_LIMIT = 1024
OPTIONS = pullpush.PullPushLoss().options


def best(call: Callable[[], object], seconds: float = 1.5, rounds: int = 7) -> float:
    """Microseconds of a call: the best mean of some rounds."""
    call()
    start = time.perf_counter()
    call()
    repeats = max(1, int(seconds / rounds / (time.perf_counter() - start)))
    means = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        means.append((time.perf_counter() - start) / repeats)
    return 1e6 * min(means)


def original(features: Tensor) -> Tensor:
    """The original module's arithmetic: one identity after the other."""
    rows = features.renorm(2, 0, 1e-5).mul(1e5)
    identities = len(rows) // SAMPLES
    pull, firsts = rows.new_zeros(()), []
    for start in range(0, len(rows), SAMPLES):
        block = rows[start : start + SAMPLES]
        pull = pull + (1 - block @ block.T).sum()
        firsts.append(block[0])
    representatives = torch.stack(firsts)
    push = (representatives @ representatives.T).sum() - identities
    return pull / (identities * SAMPLES * (SAMPLES - 1)) + push / (identities * (identities - 1))


def closed_form(features: Any) -> Any:
    """The same loss in jnp by the squared norms of sums."""
    rows = features / (jnp.linalg.norm(features, axis=1, keepdims=True) + 1e-7)
    sums = rows.reshape(-1, SAMPLES, rows.shape[1]).sum(1)
    total = rows[::SAMPLES].sum(0)
    identities = len(sums)
    pull = (identities * SAMPLES**2 - (sums * sums).sum()) / (identities * SAMPLES * (SAMPLES - 1))
    return pull + (total @ total - identities) / (identities * (identities - 1))


def torch_step(loss: Callable[[Tensor], Tensor], features: Tensor) -> Callable[[], object]:
    """Loss and backward, from a leaf without a gradient."""

    def step() -> None:
        features.grad = None
        loss(features).backward()  # type: ignore[no-untyped-call]

    return step


def jax_step(loss: Callable[[Any], Any], features: Any) -> Callable[[], object]:
    """A compiled loss and gradient, awaited."""
    compiled = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(compiled(features))  # type: ignore[no-untyped-call]


def formulas(features: Tensor) -> Tensor:
    """What tensors on another device go through, on the CPU."""
    return pullpush.torch_formulas.evaluate(features, None, SAMPLES, OPTIONS)[0]


def main() -> None:
    """Print the table, a row for each way and a column for each shape."""
    torch.set_num_threads(1)
    torch_loss, jax_loss = pullpush.torch.PullPushLoss(), pullpush.jax.PullPushLoss()
    table: dict[str, list[str]] = {}
    for shape in SHAPES:
        rows = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        leaf, array = torch.tensor(rows, requires_grad=True), jnp.asarray(rows)
        numpy_loss = pullpush.PullPushLoss()
        ways: dict[str, Callable[[], object]] = {
            "NumPy, `pullpush`": lambda f=numpy_loss, x=rows: f(x, samples_per_id=SAMPLES),  # type: ignore[misc]
            "PyTorch, `pullpush.torch`": torch_step(lambda x: torch_loss(x, samples_per_id=SAMPLES), leaf),
            "PyTorch, its formulas for other devices": torch_step(formulas, leaf),
            "PyTorch, the original module": torch_step(original, leaf),
            "JAX, `pullpush.jax` under jit": jax_step(lambda x: jax_loss(x, samples_per_id=SAMPLES), array),
            "JAX, closed form in jnp under jit": jax_step(closed_form, array),
        }
        for name, call in ways.items():
            skipped = "original" in name and len(rows) > LOOP_LIMIT
            table.setdefault(name, []).append("" if skipped else f"{best(call):,.0f}")
    print("| µs | " + " | ".join(f"{rows} × {dim}" for rows, dim in SHAPES) + " |")
    print("|---|" + "---:|" * len(SHAPES))
    for name, cells in table.items():
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
