"""Reads llvm-cov's account of the Swift sources and names each line that no test ran, unless it is explained here.

The kernels are compiled once for each instruction set: a line counts as run when one of them ran it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

# File, what the line begins with, and why no test that counts lines can run it.
EXPLAINED = [
    ("KernelInterface/Kernels.swift", "open func", "every kernel is overridden"),
    ("KernelInterface/Kernels.swift", ") ", "every kernel is overridden"),
    ("PullPush/PullPushLoss+Buffers.swift", 'throw PullPushError(.size, "rows"', "an empty array has an address too"),
    ("PullPush/ThreadPool.swift", "free(memory)", "two threads made the pool at once, which chance decides"),
]


def counts(lcov: Path) -> dict[Path, Counter[int]]:
    """How often each line was run, by file, links followed."""
    files: dict[Path, Counter[int]] = {}
    file: Counter[int] = Counter()
    for record in lcov.read_text().splitlines():
        kind, _, value = record.partition(":")
        if kind == "SF":
            file = files.setdefault(Path(value).resolve(), Counter())
        elif kind == "DA":
            line, count = value.split(",")[:2]
            file[int(line)] += int(count)
    return files


def main() -> int:
    """Print what is not run; 1 if some of it is not explained, or an explanation fits no line."""
    sources = Path(__file__).resolve().parents[1] / "Sources"
    unused = set(EXPLAINED)
    total = run = explained = 0
    wrong: list[str] = []
    for path, lines in sorted(counts(Path(sys.argv[1])).items()):
        name = str(path.relative_to(sources))
        text = path.read_text().splitlines()
        for line, count in sorted(lines.items()):
            code = text[line - 1].strip()
            total += 1
            run += count > 0
            if count > 0 or code in ("", "}"):  # a brace says nothing that the lines before it do not
                run += count == 0
                continue
            reasons = {entry for entry in EXPLAINED if entry[0] == name and code.startswith(entry[1])}
            unused -= reasons
            explained += bool(reasons)
            if not reasons:
                wrong.append(f"{name}:{line}: {code}")
    wrong += [f"explained, but run or gone: {name}: {begin}" for name, begin, _ in sorted(unused)]
    print("\n".join(wrong))
    print(f"{run} of {total} lines are run ({run / total:.2%}), {explained} others are explained")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
