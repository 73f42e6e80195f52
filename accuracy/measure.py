"""How far the library is from the exact loss and gradient, with each instruction set of this machine.

Run: ``make accuracy``, which writes budgets.json anew and with it the tables of docs/accuracy.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import batches
import closed
import exact
import numpy as np
import page
from batches import Call
from library import Answer, instruction_sets, library

BUDGETS = Path(__file__).resolve().parent / "budgets.json"

# The distance from 1 to the next number.
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}
# Nearer than this to the margin of a hinge, rounding decides whether a pair counts.
KINK = 1e-5
PARTS = ("loss", "pull", "push")

# In units of EPSILON, the largest error of loss, pull and push, absolute and relative; and of the gradient, absolute
# in one element and relative as a whole.
Errors = tuple[float, float, float, float]
# By `Call.key` and instruction set.
Budgets = dict[str, dict[str, Errors]]


def calls(seeds: int) -> Iterator[Call]:
    """Everything that is measured."""
    for kind in (batches.ordinary, batches.growing, batches.tiny, batches.hard, batches.scales):
        yield from kind(seeds)
    yield from batches.long()


def measured(some: Iterable[Call]) -> Budgets:
    """The largest errors of some calls."""
    found: Budgets = {}
    with ExitStack() as stack:
        libraries = {isa: stack.enter_context(library(isa)) for isa in instruction_sets()}
        for group in groups(some):
            rights = zip(group, map(exact_of, group), strict=True)
            known = [(call, right) for call, right in rights if right.from_kink > KINK]
            for isa, answering in libraries.items():
                for (call, right), answer in zip(known, answering.answers(call for call, _ in known), strict=True):
                    of_call = found.setdefault(call.key, {})
                    of_call[isa] = largest([of_call.get(isa, (0.0,) * 4), errors(call, right, answer)])
    return found


def groups(some: Iterable[Call], size: int = 2**22) -> Iterator[list[Call]]:
    """The calls in lists of so many numbers, for a large one needs much memory."""
    group: list[Call] = []
    for call in some:
        group.append(call)
        if sum(one.features.size for one in group) > size or len(group) == 512:
            yield group
            group = []
    yield group


def exact_of(call: Call) -> exact.Exact:
    """What a call should return."""
    if len(call.features) > batches.FEW:
        return closed.evaluate(call)
    return exact.evaluate(exact.wide(call.features), call.labels, call.upstream, **call.options)


def errors(call: Call, right: exact.Exact, answer: Answer) -> Errors:
    """How far one answer is off."""
    epsilon = EPSILON[call.dtype]
    wanted = [getattr(right, part) for part in PARTS]
    off = [abs(float(getattr(answer, part) - want)) for part, want in zip(PARTS, wanted, strict=True)]
    sizes = [abs(float(want)) for want in wanted]
    relative = [error / size for error, size in zip(off, sizes, strict=True) if size >= call.least and size > 0]
    gradient = exact.wide(answer.gradient) - right.gradient
    norm = length(right.gradient) if call.least < np.inf else np.inf
    return (
        max(off) / epsilon,
        max(relative, default=0.0) / epsilon,
        float(np.abs(gradient).max()) / call.upstream / epsilon,
        float(length(gradient) / norm) / epsilon,
    )


def length(gradient: exact.Wide) -> Any:
    """Of all numbers; their squares may be too large or too small for doubles."""
    return np.sqrt(np.square(gradient.astype(np.longdouble)).sum())


def largest(many: Iterable[Iterable[float]]) -> Errors:
    """The largest of each kind."""
    first, second, third, fourth = (max(column) for column in zip(*many, strict=True))
    return first, second, third, fourth


def budget(error: float) -> float:
    """Twice as much, up to the next 1, 2 or 5 times a power of ten."""
    if error == 0:
        return 0.0
    power = math.floor(math.log10(2 * error))
    return next(float(f"{step}e{power}") for step in (1, 2, 5, 10) if float(f"{step}e{power}") >= 2 * error)


def load() -> Budgets:
    """The budgets that were written last."""
    written = json.loads(BUDGETS.read_text())
    return {key: {isa: largest([some]) for isa, some in of_call.items()} for key, of_call in written.items()}


def over(found: Budgets, budgets: Budgets) -> list[str]:
    """A sentence for every error above its budget, and above one unit of the type that sums are taken in."""
    return [
        f"{key} | {isa}: {page.KINDS[kind]} {error:.3g} epsilon, budget {allowed:.3g}"
        for key, of_call in found.items()
        for isa, some in of_call.items()
        for kind, (error, allowed) in enumerate(zip(some, budgets[key][isa], strict=True))
        if error > max(allowed, unit_of_sums(key.split(" | ")[-1]))
    ]


def unit_of_sums(dtype: str) -> float:
    """The epsilon of float32 or float64 in units of a type's own."""
    return min(EPSILON["float32"], EPSILON[dtype]) / EPSILON[dtype]


def main() -> None:
    """Measure, and write file and page. What an instruction set is allowed that this machine lacks stays as it is."""
    found = measured(calls(seeds=4))
    before = load()
    budgets = {
        key: before.get(key, {}) | {isa: largest([map(budget, some)]) for isa, some in of_call.items()}
        for key, of_call in found.items()
    }
    lines = (f"  {json.dumps(key)}: {json.dumps(of_call)}" for key, of_call in budgets.items())
    BUDGETS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    page.PAGE.write_text(page.with_tables(page.PAGE.read_text(), load()))
    print(f"{len(budgets)} budgets with {' and '.join(instruction_sets())}, in {BUDGETS} and {page.PAGE}")


if __name__ == "__main__":
    main()
