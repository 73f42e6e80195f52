"""Functions run on several processes at once, which PyTorch starts and lets talk over gloo, within a time limit."""

from __future__ import annotations

import datetime
import os
import pickle
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed
import torch.multiprocessing

LIMIT = 120.0


def _enter(rank: int, folder: Path, size: int, seconds: float, work: Callable[..., Any], arguments: Any) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder / 'store'}",
        rank=rank,
        world_size=size,
        timeout=datetime.timedelta(seconds=seconds),
    )
    try:
        result, failure = work(rank, *arguments), None
    except BaseException:
        result, failure = None, traceback.format_exc()
    (folder / f"{rank}").write_bytes(pickle.dumps((result, failure)))
    torch.distributed.destroy_process_group()


def on_ranks(folder: Path, size: int, work: Callable[..., Any], *arguments: Any, timeout: float = 60.0) -> list[Any]:
    """What ``work(rank, *arguments)`` returns on each rank; None from a rank that ended before."""
    context: Any = torch.multiprocessing.spawn(  # type: ignore[attr-defined,no-untyped-call]
        _enter, (folder, size, timeout, work, arguments), size, join=False
    )
    end = time.monotonic() + LIMIT
    for process in context.processes:
        process.join(max(0.0, end - time.monotonic()))
    late = [process for process in context.processes if process.is_alive()]
    for process in late:
        process.kill()
    if late:
        pytest.fail(f"{len(late)} of {size} ranks still ran after {LIMIT} s")
    results = []
    for rank in range(size):
        file = folder / f"{rank}"
        result, failure = pickle.loads(file.read_bytes()) if file.exists() else (None, None)
        assert failure is None, f"rank {rank}:\n{failure}"
        results.append(result)
    return results
