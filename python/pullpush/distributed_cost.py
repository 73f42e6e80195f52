"""What a step over many processes puts on the wire: ``python -m pullpush.distributed_cost``.

It compares the sums of :mod:`pullpush.distributed` with gathering all rows on every rank, by a model, or by processes
on this machine that talk over its loopback with gloo (``--measure 2 3 4``).

The model has a latency for each message and a bandwidth for each rank. An all-reduce of n bytes over R ranks takes
2 log2 R messages and sends 2 n (R - 1) / R bytes from each rank; an all-gather of m bytes from each takes log2 R
messages and sends m (R - 1). The gathered rows are counted once: their gradients are not sent back.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import distributed, loss
from .statistics import size

HEADER_BYTES = 8 * (2 + 2 * distributed.PIECES)
WAYS = ("default", "squared push", "all rows gathered")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and return the exit status."""
    parser = argparse.ArgumentParser(prog="pullpush.distributed_cost", description="Bytes and time of a step.")
    parser.add_argument("--dim", type=int, default=512, help="numbers in a row (512)")
    parser.add_argument("--rows", type=int, default=256, help="rows of float32 on each rank (256)")
    parser.add_argument("--latency", type=float, default=20.0, metavar="US", help="microseconds a message (20)")
    parser.add_argument("--bandwidth", type=float, default=10.0, metavar="GBIT", help="Gbit/s from each rank (10)")
    parser.add_argument("--measure", type=int, nargs="+", metavar="RANKS", help="measure with so many processes here")
    parser.add_argument("--steps", type=int, default=100, help="steps of a measurement (100)")
    given = parser.parse_args(arguments)
    print(f"| ranks | rows | {' | '.join(f'{way}: sent by a rank | time' for way in WAYS)} |")
    print(f"|{'---:|' * 8}")
    for ranks in given.measure or [2**power for power in range(1, 11)]:
        costs = measured(ranks, given) if given.measure else modelled(ranks, given)
        cells = [f"{_bytes(sent)} | {_seconds(seconds)}" for sent, seconds in costs]
        print(f"| {ranks} | {ranks * given.rows} | {' | '.join(cells)} |", flush=True)
    return 0


def modelled(ranks: int, given: argparse.Namespace) -> list[tuple[float, float]]:
    """Bytes sent by a rank and seconds on the wire, for each way."""
    latency, rate = given.latency * 1e-6, given.bandwidth * 1e9 / 8
    messages = math.ceil(math.log2(ranks))
    costs = []
    for statistics_bytes in (8 * size(given.dim), 8 * size(given.dim, push="squared")):
        sent = 2 * (HEADER_BYTES + statistics_bytes) * (ranks - 1) / ranks
        costs.append((sent, 4 * messages * latency + sent / rate))
    gathered = 4.0 * given.dim * given.rows * (ranks - 1)
    return [*costs, (gathered, messages * latency + gathered / rate)]


def measured(ranks: int, given: argparse.Namespace) -> list[tuple[float, float]]:
    """The same from processes here; the time is that of a whole step, loss and gradient included."""
    import torch.multiprocessing

    start: Any = vars(torch.multiprocessing)["spawn"]
    with tempfile.TemporaryDirectory() as folder:
        start(_measure, (ranks, Path(folder), given), ranks)
        numbers = np.load(Path(folder, "costs.npy"))
    return [(sent, seconds) for sent, seconds in numbers.tolist()]


def _measure(rank: int, ranks: int, folder: Path, given: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=ranks)
    rows = np.random.default_rng(rank).standard_normal((given.rows, given.dim), dtype=np.float32)
    everyone = [torch.empty(rows.shape) for _ in range(ranks)]

    def gather() -> object:
        torch.distributed.all_gather(everyone, torch.from_numpy(rows))
        return loss.value_and_grad(torch.cat(everyone), samples_per_id=4, num_threads=1)

    ways: tuple[Callable[[], object], ...] = (
        lambda: distributed.value_and_grad(rows, samples_per_id=4, num_threads=1),
        lambda: distributed.value_and_grad(rows, samples_per_id=4, num_threads=1, push="squared"),
        gather,
    )
    costs = []
    for step in ways:
        step()
        torch.distributed.barrier()
        before, seconds = _loopback_bytes(), []
        for _ in range(given.steps):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        torch.distributed.barrier()
        costs.append(((_loopback_bytes() - before) / given.steps / ranks, statistics.median(seconds)))
    if rank == 0:
        np.save(folder / "costs.npy", costs)
    torch.distributed.destroy_process_group()


def _loopback_bytes() -> int:
    """Bytes sent through the loopback so far, by all processes of the machine, with the headers of TCP and IP."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split(":")[1].split()[8]) for line in lines if line.split(":")[0].strip() == "lo")


def _bytes(number: float) -> str:
    for unit in ("B", "kB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} MB" if number < 1000 else f"{number / 1000:.3g} GB"


def _seconds(number: float) -> str:
    return f"{number * 1e3:.3g} ms" if number < 1 else f"{number:.3g} s"


if __name__ == "__main__":
    sys.exit(main())
