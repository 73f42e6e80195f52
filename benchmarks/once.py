"""One call of one contestant in a process of its own: the most memory it held, or that it took too long.

Started by `run.py`, as ``python benchmarks/once.py torch_forms "torch closed" none 1 4096 1024 8``.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from shapes import Batch, Shape
from timing import Contestant, Key

STATUS = Path("/proc/self/status")
RESET_PEAK = "5"  # what clear_refs takes to let the peak start again from what is held now
# Whatever is freed goes back to the system at once, so that the next call's memory is counted.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}


def memory(module: str, key: Key, shape: Shape) -> int:
    """The bytes that a call of the contestant holds at most, beside the features and their gradient."""
    return int(_in_child(module, key, shape)["peak"])


def seconds(module: str, key: Key, shape: Shape, patience: float) -> float | None:
    """The seconds that a first call takes, or None if that is more than the patience."""
    try:
        return float(_in_child(module, key, shape, "--patience", str(patience))["seconds"])
    except subprocess.CalledProcessError as error:
        if error.returncode == -signal.SIGALRM:
            return None
        raise


def _in_child(module: str, key: Key, shape: Shape, *options: str) -> dict[str, float]:
    arguments = map(str, (module, *key, *shape))
    child = subprocess.run(
        [sys.executable, __file__, *options, *arguments],
        env=os.environ | ENVIRONMENT,
        check=True,
        stdout=subprocess.PIPE,
    )
    answer: dict[str, float] = json.loads(child.stdout)
    return answer


def find(module: str, key: Key, batch: Batch) -> Contestant:
    """The contestant of a module, by its key."""
    everyone: Iterable[Contestant] = importlib.import_module(f"contestants.{module}").contestants(batch)
    return next(contestant for contestant in everyone if contestant.key == key)


def peak_of(contestant: Contestant, batch: Batch) -> int:
    """The peak of a second call, for the first may compile or load something."""
    assert contestant.outcome is not None
    contestant.outcome()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    before = _status("VmRSS")
    _, gradient = contestant.outcome()
    own = 0 if np.shares_memory(np.asarray(gradient), batch.gradient) else batch.gradient.nbytes
    return max(0, _status("VmHWM") - before - own)


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text())
    assert found is not None
    return int(found[1]) * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the call and print what it took as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patience", type=float, help="time one call instead, which ends the process when it is late")
    for name in ("module", "name", "normalize"):
        parser.add_argument(name)
    for name in ("threads", "rows", "dim", "samples_per_id"):
        parser.add_argument(name, type=int)
    given = parser.parse_args(arguments)
    batch = Batch.random(Shape(given.rows, given.dim, given.samples_per_id))
    contestant = find(given.module, Key(given.name, given.normalize, given.threads), batch)
    if given.patience is None:
        print(json.dumps({"peak": peak_of(contestant, batch)}))
        return
    signal.setitimer(signal.ITIMER_REAL, given.patience)
    start = time.perf_counter()
    contestant.timer(1)
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
