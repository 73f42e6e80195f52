"""Measure PullPush, what the machine can do at most, and what users would otherwise run; then write the report.

Run: ``make bench``, or ``python benchmarks/run.py`` with ``--help`` for its options. What is compared is timed in turn
in one process.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import agreement
import contestants
import machine
import once
import report
from contestants import Make
from core import Core
from shapes import MEMORY_SHAPE, QUICK_SHAPES, QUICK_SWEEPS, SHAPES, SWEEPS, Batch, Shape
from timing import Contestant, Effort, Key, Timing, round_robin

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long.

    Attributes:
        shapes: that everyone is timed on.
        effort: for these.
        sweeps: shapes along which one dimension grows.
        sweep_effort: for those.
        longest: seconds after which a single call that may take minutes is given up.
        memory: whether to measure that, too.
    """

    shapes: Sequence[Shape] = SHAPES
    effort: Effort = field(default_factory=Effort)
    sweeps: Mapping[str, Sequence[Shape]] = field(default_factory=lambda: SWEEPS)
    sweep_effort: Effort = field(default_factory=lambda: Effort(rounds=11, budget=0.25, patience=0.01))
    longest: float = 20.0
    memory: bool = True


FULL = Plan()
BRIEF = Plan(effort=Effort(rounds=21, budget=0.25, patience=0.0), sweeps={}, longest=6.0, memory=False)
QUICK = Plan(
    shapes=QUICK_SHAPES,
    effort=Effort(rounds=9, sample=1e-3, budget=0.1, least=1, patience=0.0),
    sweeps=QUICK_SWEEPS,
    sweep_effort=Effort(rounds=3, budget=0.05, least=1, patience=0.0),
    memory=False,
)

ROW_SWEEP = (
    Key("copy"),
    Key("plain"),
    Key("torch closed"),
    Key("torch batched"),
    Key("torch matrix"),
    Key("torch loop"),
)
PUSH_SWEEP = (Key("copy"), Key("general"), Key("squared"), Key("hinge"), Key("torch batched"))
SWEEP_KEYS = {"B": ROW_SWEEP, "D": ROW_SWEEP, "K": ROW_SWEEP, "P": PUSH_SWEEP}

MEMORY_KEYS = (
    ("ours", Key("plain")),
    ("ours", Key("general", "l2")),
    ("ours", Key("squared")),
    ("ours", Key("hinge")),
    ("torch_forms", Key("torch loop")),
    ("torch_forms", Key("torch batched")),
    ("torch_forms", Key("torch matrix")),
    ("torch_forms", Key("torch closed")),
    ("torch_forms", Key("torch closed", "l2")),
    ("torch_forms", Key("torch compiled")),
    ("torch_forms", Key("torch compiled", "l2")),
    ("jax_form", Key("jax")),
    ("jax_form", Key("jax", "l2")),
    ("numpy_form", Key("numpy")),
    ("numpy_form", Key("numpy", "l2")),
    ("numba_form", Key("numba")),
    ("careful_c", Key("careful C")),
)


def measure_shape(
    makers: dict[str, Make], core: Core, shape: Shape, effort: Effort, longest: float
) -> list[dict[str, Any]]:
    """Everyone on one shape, as records."""
    batch = Batch.random(shape)
    everyone = _build(makers, batch)
    agreement.check((c for _, c in everyone if not c.slow), batch)
    timings = round_robin((c for _, c in everyone if not c.slow), effort, core.undisturbed)
    records = [_record(key, timing) for key, timing in timings.items()]
    for module, contestant in everyone:
        if contestant.slow:
            print(f"    one call of {contestant.key.name}, which may take minutes: {longest:.0f} s at most")
            seconds = once.seconds(module, contestant.key, shape, longest)
            records.append({**contestant.key._asdict(), **_single(seconds, longest)})
    return records


def measure_sweep(
    makers: dict[str, Make], core: Core, shapes: Sequence[Shape], keys: Collection[Key], effort: Effort
) -> Iterator[dict[str, Any]]:
    """Some contestants while one dimension grows."""
    for shape in shapes:
        chosen = [c for _, c in _build(makers, Batch.random(shape)) if c.key in keys and not c.slow]
        timings = round_robin(chosen, effort, core.undisturbed)
        yield {"shape": shape, "timings": [_record(key, timing) for key, timing in timings.items()]}


def measure_memory(makers: dict[str, Make], shape: Shape) -> Iterator[dict[str, Any]]:
    """The most memory that a call holds, each in its own process."""
    for module, key in MEMORY_KEYS:
        if module in makers:
            yield {**key._asdict(), "peak": once.memory(module, key, shape)}


def _build(makers: dict[str, Make], batch: Batch) -> list[tuple[str, Contestant]]:
    return [(module, contestant) for module, make in makers.items() for contestant in make(batch)]


def _record(key: Key, timing: Timing) -> dict[str, Any]:
    return {**key._asdict(), **timing.record()}


def _single(seconds: float | None, longest: float) -> dict[str, float]:
    return {"at_least": longest} if seconds is None else {"median": seconds, "samples": 1, "loops": 1}


def measure(plan: Plan) -> dict[str, Any]:
    """All of it, as what goes into the JSON file."""
    start = time.perf_counter()

    def say(what: object) -> None:
        print(f"{time.perf_counter() - start:5.0f} s  {what}", flush=True)

    makers, missing = contestants.load()
    for module, why in missing.items():
        say(f"not measured: {module} ({why})")
    core = Core()
    results: dict[str, Any] = {"machine": machine.describe(), "quick": plan is QUICK, "missing": missing}
    results["waited"] = plan.effort.patience > 0
    results["shapes"] = []
    for shape in plan.shapes:
        say(shape)
        timings = measure_shape(makers, core, shape, plan.effort, plan.longest)
        results["shapes"].append({"shape": shape, "timings": timings})
    results["sweeps"] = {}
    for name, steps in plan.sweeps.items():
        say(f"{name} grows")
        results["sweeps"][name] = list(measure_sweep(makers, core, steps, SWEEP_KEYS[name], plan.sweep_effort))
    if plan.memory:
        say(f"memory at {MEMORY_SHAPE}")
        results["memory"] = {"shape": MEMORY_SHAPE, "peaks": list(measure_memory(makers, MEMORY_SHAPE))}
    results["seconds"] = round(time.perf_counter() - start)
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the JSON file and draw the report from it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="two shapes and few samples, under a minute")
    length.add_argument(
        "--brief", action="store_true", help="the table of shapes alone, not waiting for a quiet core, four minutes"
    )
    parser.add_argument("--out", type=Path, help="folder for the results (default: benchmarks/results)")
    parser.add_argument("--name", help="of the files (default: processor and cores; with --quick, 'quick')")
    given = parser.parse_args(arguments)
    results = measure(QUICK if given.quick else BRIEF if given.brief else FULL)
    folder = given.out or (RESULTS.parents[1] / "build" / "benchmarks" if given.quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{given.name or ('quick' if given.quick else machine.slug(results['machine']))}.json"
    path.write_text(json.dumps(results, indent=1, default=list) + "\n")
    print(report.write(path))


if __name__ == "__main__":
    main()
