"""Reads llvm-cov's accounts and names what no test ran, unless it is explained here: `uncovered.py SWIFT HEADERS`.

Of Swift the compiler counts regions, pieces of code entered together: a body, a side of an `if` or a `?:`, what stands
right of `&&`, `||` or `??`. That is nearly, but not quite, branches: nobody counts how often `a && b` was false. Of the
C headers it counts both sides of every condition as well. The kernels are compiled once for each instruction set, and
generic code once for each type: something counts as run when one of them ran.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REFUSED = "Tests/FaultTests refuses memory and threads"
BEYOND_MEMORY = "accuracy/tests asks for sizes beyond all memory"
THINNED = "of the C tests that meet it each 64th is counted"
FOURS = "the loops for four rows are used in float32"
EMULATED = "Tests/DispatchTests emulates processors that lack something, and has wishes that nothing fulfils"
# File, what the line or the region begins with, and why no test that counts runs it. What is missing here is printed as
# it would stand here.
EXPLAINED = [
    ("KernelInterface/Kernels.swift", "open func", "every kernel is overridden"),
    ("KernelInterface/Kernels.swift", ") ", "every kernel is overridden"),
    ("PullPush/BatchStatistics.swift", "precondition(", "a mistake that ends the program"),
    ("PullPush/Evaluation.swift", "return try call.pointee.scratch.allocate(bytes: overflow", BEYOND_MEMORY),
    ("PullPush/IdentityPass.swift", "guard let gradient = job.gradient else", "called with a gradient only"),
    ("PullPush/InstructionSet.swift", "return chosen < 0 ? best : chosen", EMULATED),
    ("PullPush/PackedPoints.swift", "let blockSize = if case .hinge", THINNED),
    ("PullPush/PullPushError.swift", "case .null:", "errors of the C interface, whose value nobody reads"),
    ("PullPush/PullPushError.swift", "guard let start = buffer.baseAddress", "a buffer of 512 bytes has an address"),
    ("PullPush/PullPushLoss+Buffers.swift", 'throw PullPushError(.size, "rows"', "an empty array has an address too"),
    (
        "PullPush/Scratch.swift",
        "if header(kept).pointee.size > largestSpare",
        "after a call with very much scratch memory",
    ),
    ("PullPush/Scratch.swift", "let rounded = overflow ? Int.max", BEYOND_MEMORY),
    ("PullPush/Scratch.swift", "return try allocate(bytes: overflow ? Int.max", BEYOND_MEMORY),
    ("PullPush/Scratch.swift", "if let spare = found", "a small block is spare when a larger one is needed: chance"),
    ("PullPush/ThreadPool.swift", "guard let memory = malloc", REFUSED),
    ("PullPush/ThreadPool.swift", "free(memory)", "two threads made the pool at once, which chance decides"),
    ("PullPush/ThreadPool.swift", "if status != 0 { return }", REFUSED),
    ("PullPush/Threads.swift", "_ = onFirstUse(&maximum, initial)", "set before anyone has asked for the first time"),
    ("PullPush/Tile.swift", "let partners = isOwn ? ownPoints", THINNED),
    ("PullPush/Tile.swift", "addPartners(some, weights.transposed, adding: adding ||", THINNED),
    ("PullPushKernels/Lanes.swift", "static func negate(", FOURS),
    ("PullPushKernels/Doubles.swift", "static func spread(", FOURS),
    ("PullPushKernels/Lanes.swift", "static func store(", FOURS),
    ("PullPushKernels/Lanes.swift", "static func totals(", FOURS),
    ("PullPushKernels/Doubles.swift", "static func stream(", "of all large gradients those in float32 pass the caches"),
    ("PullPushKernels/LinearLoop.swift", "guard (next.count", "identities beyond a cache, of which nothing is fetched"),
    ("CSystem/CSystem.h", "if (!__get_cpuid", EMULATED),
    ("CSystem/CSystem.h", "if (pthread_sigmask", "only a wrong argument makes it fail"),
    ("CSystem/CSystem.h", "if (result == 0)", REFUSED),
    ("CSystem/CSystem.h", "return count < 1", "a system that does not know its processors"),
]
SOURCES = Path(__file__).resolve().parents[1] / "Sources"
CODE = 0  # a region's kind


@dataclass(frozen=True, order=True)
class Place:
    """From a line and column to another, and for a side of a condition which one it is."""

    path: Path
    line: int
    column: int
    last_line: int
    last_column: int
    side: str = ""

    def covers(self, other: Place) -> bool:
        """Whether another place lies within."""
        begins = (self.line, self.column) <= (other.line, other.column)
        ends = (other.last_line, other.last_column) <= (self.last_line, self.last_column)
        return self.path == other.path and begins and ends and self != other


def counts(export: Path) -> tuple[Counter[Place], Counter[Place]]:
    """How often each region and each side of a condition was entered, links followed."""
    regions: Counter[Place] = Counter()
    sides: Counter[Place] = Counter()
    data: dict[str, Any] = json.loads(export.read_text())["data"][0]
    for function in data["functions"]:
        paths = [Path(name).resolve() for name in function["filenames"]]
        for *span, count, file, _, kind in function["regions"]:
            if kind == CODE and paths[file].is_relative_to(SOURCES):
                regions[Place(paths[file], *span)] += count
        for line, column, last_line, last_column, taken, not_taken, file, _, _ in function["branches"]:
            if paths[file].is_relative_to(SOURCES):
                for side, count in (("true", taken), ("false", not_taken)):
                    sides[Place(paths[file], line, column, last_line, last_column, side)] += count
    return regions, sides


def lines_of(regions: Counter[Place]) -> Counter[tuple[Path, int]]:
    """How often each line was run: as often as the smallest region that it begins in, or the most of those in it."""
    lines: Counter[tuple[Path, int]] = Counter()
    largest_first = sorted(regions, key=lambda place: (place.path, place.line, place.column, -place.last_line))
    for place in largest_first:
        for line in range(place.line, place.last_line + 1):
            begun_before = line > place.line
            key = place.path, line
            lines[key] = regions[place] if begun_before else max(lines[key], regions[place])
    return lines


def code(lines: list[str], place: Place) -> str:
    """The first line of a region that says something, from where the region begins."""
    text = lines[place.line - 1 : place.last_line]
    text[-1] = text[-1][: place.last_column - 1]
    text[0] = text[0][place.column - 1 :]
    return next((line for line in (line.strip(" {}") for line in text) if line), "")


def outermost(missed: list[Place]) -> Iterator[Place]:
    """Without those that lie within another."""
    for place in missed:
        if not any(other.covers(place) for other in missed):
            yield place


def report(export: Path, unused: set[tuple[str, str, str]]) -> list[str]:
    """What is not run and not explained, after a line of totals."""
    regions, sides = counts(export)
    lines = lines_of(regions)
    texts = {place.path: place.path.read_text().splitlines() for place in regions}
    wrong, explained = [], 0
    missed = sorted(place for found in (regions, sides) for place, count in found.items() if count == 0)
    for place in outermost(missed):
        name = str(place.path.relative_to(SOURCES))
        text = code(texts[place.path], place)
        beginnings = texts[place.path][place.line - 1].strip(), text
        reasons = {entry for entry in EXPLAINED if entry[0] == name and any(b.startswith(entry[1]) for b in beginnings)}
        unused -= reasons
        # A brace says nothing that the lines before it do not.
        explained += bool(reasons or not text)
        if text and not reasons:
            side = f"never {place.side} " if place.side else ""
            wrong.append(f"    ({name!r}, {beginnings[0]!r}, ''),  # {side}in line {place.line}: {text}")
    for what, found in (("lines", lines), ("regions", regions), ("sides of conditions", sides)):
        if found:
            run = sum(count > 0 for count in found.values())
            print(f"{run} of {len(found)} {what} are run ({run / len(found):.2%})")
    print(f"{explained} regions or conditions that are not run are explained")
    return wrong


def main() -> int:
    """Print what is not run; 1 if some of it is not explained, or an explanation fits nothing."""
    unused = set(EXPLAINED)
    wrong: list[str] = []
    for name in sys.argv[1:]:
        print(f"{Path(name).stem}:")
        wrong += report(Path(name), unused)
    wrong += [f"explained, but run or gone: {name}: {begin}" for name, begin, _ in sorted(unused)]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
