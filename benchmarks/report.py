"""The tables and plots of a file of results: ``python benchmarks/report.py results/MACHINE.json``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import plots
from bars import bars, hinge_operations, push_rate, squared_operations
from explanations import EXPLANATIONS
from results import Results
from shapes import Shape
from timing import Key

# Rows of the table of times.
CEILINGS = {
    Key("copy"): "memcpy(gradient, features)",
    Key("copy", threads=2): "the same, 2 threads",
    Key("copy fours"): "a copy of four rows side by side",
}
OURS = {
    Key("plain"): "unit rows, plain call",
    Key("general"): "unit rows, general call",
    Key("general", "l2"): "raw rows, l2",
    Key("general", "renorm"): "raw rows, renorm",
    Key("labels"): "unit rows, labels in random order",
    Key("labels", "l2"): "raw rows, l2, labels in random order",
    Key("squared"): "unit rows, squared push",
    Key("squared", "l2"): "raw rows, l2, squared push",
    Key("hinge"): "unit rows, hinge push",
    Key("python", "renorm"): "raw rows, renorm, from Python, gradient allocated",
}
PEERS = {
    "careful C": "careful C, gcc -O3 -march=native",
    "numba": "numba, loops",
    "torch compiled": "PyTorch, closed form, torch.compile",
    "jax": "JAX, closed form, jit",
    "numpy": "NumPy, closed form",
    "torch closed": "PyTorch eager, closed form",
    "torch batched": "PyTorch eager, batched products",
    "torch matrix": "PyTorch eager, all pairs",
    "torch loop": "PyTorch eager, the original module",
}
UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}
NORMALIZE = {"none": "unit rows", "l2": "raw rows", "renorm": "raw rows"}


def write(path: Path) -> str:
    """Write ``NAME.md`` and ``NAME-*.png`` beside ``NAME.json`` and return the text."""
    results = Results.read(path)
    pictures = plots.draw(results, path.with_suffix(""))
    text = markdown(results, pictures)
    path.with_suffix(".md").write_text(text)
    return text


def markdown(results: Results, pictures: dict[str, Path]) -> str:
    """The whole report."""
    sections = [
        "# Benchmark" + (", quick run: too few samples to quote" if results.quick else ""),
        caption(results),
        "## Bars",
        "Columns are batches B×D×K. A quotient of times is of medians of calls made in turn in one process; ✗ marks a "
        "lost bar. In brackets: the bound at 64×128×4, where fixed costs show. Two threads are what the library makes "
        "of them when it chooses by size.",
        company(results),
        bar_table(results),
        lost_table(results),
        "## PullPush",
        "Median time of a call with loss and gradient, float32, called from C unless said otherwise, and in brackets "
        "how many times that of memcpy.",
        own_table(results),
        "What the nonlinear pushes reach in their time beyond the linear loss, counting two matrix products "
        "(10⁹ operations a second), on one thread:",
        rate_table(results),
        "## What users would otherwise run",
        "Median time of a call with loss and gradient, and in brackets how many times that of PullPush's C call from "
        "the same rows on as many threads. A call from Python allocates its gradient, PullPush's from C does not. All "
        "were first checked to give the same loss and gradient.",
        peer_table(results),
    ]
    if results.memory:
        sections += [
            "## Memory",
            f"The most that a call holds beside the features and their gradient, at {results.memory_shape}, each in a "
            "process of its own. It is counted in pages.",
            memory_table(results),
        ]
    sections += [f"![{alt}]({picture.name})" for alt, picture in pictures.items()]
    return "\n\n".join(section for section in sections if section) + "\n"


def caption(results: Results) -> str:
    """What it was measured on and with."""
    facts = results.machine
    caches = ", ".join(f"{name} {int(size.rstrip('K'))} KiB" for name, size in facts["caches"].items())
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    missing = "".join(f" Not measured: {name} ({why})." for name, why in results.missing.items())
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {caches}; {facts['system']}. {versions}; {', '.join(facts['blas'])}. "
        f"Kernels: {facts['isa']}. {facts['date']}, commit {facts['commit']}.{missing}"
    )


def company(results: Results) -> str:
    """What was done about others on the core."""
    if results.disturbed is None:
        return ""
    waited, watched = "a sample is taken again, unless it is long, until", "of every sample it is known whether"
    return (
        f"Whoever else runs on a core slows arithmetic more than copies. So {waited if results.waited else watched} "
        "additions are as quick before it and after it as on a core of one's own; of the samples that count "
        f"{100 * results.disturbed:.0f} % were taken without."
    )


def bar_table(results: Results) -> str:
    """Every bar on every shape."""
    rows = []
    for bar in bars():
        outcomes = [bar.judge(results, shape) for shape in results.shapes]
        cells = ["" if o is None else f"{_short(o.measured)} {'✓' if o.passed else '✗'}" for o in outcomes]
        if any(cells):
            rows.append([bar.name, bar.goal, *cells])
    return table(["", "bar", *map(str, results.shapes)], rows)


def lost_table(results: Results) -> str:
    """The lost bars, and why."""
    rows = []
    for bar in bars():
        for shape in results.shapes:
            outcome = bar.judge(results, shape)
            if outcome and not outcome.passed:
                bound = f"{'≤' if outcome.at_most else '≥'} {outcome.bound:g}"
                reasons = filter(None, (outcome.obstacle, EXPLANATIONS.get(bar.name, "")))
                rows.append([bar.name, str(shape), _short(outcome.measured), bound, "; ".join(reasons)])
    return table(["lost", "batch", "measured", "bar", "reason"], rows) if rows else "No bar is lost."


def own_table(results: Results) -> str:
    """Our times, and those of a copy."""
    rows = [_times(results, name, key) for key, name in CEILINGS.items()]
    for threads in (1, 2):
        for key, name in OURS.items():
            rows.append(_times(results, name + (", 2 threads" if threads == 2 else ""), key._replace(threads=threads)))
    return table(["", *map(str, results.shapes)], [row for row in rows if any(row[1:])])


def _times(results: Results, name: str, key: Key) -> list[str]:
    cells = []
    for shape in results.shapes:
        seconds = results.seconds(shape, key)
        cells.append("" if seconds is None else f"{duration(seconds)} ({_short(seconds / results.copy(shape))})")
    return [name, *cells]


def rate_table(results: Results) -> str:
    """Operations a second of the pushes and of what they are held against."""
    rows = []
    for name, key, operations in (
        ("squared push", Key("squared"), squared_operations),
        ("hinge push", Key("hinge"), hinge_operations),
    ):
        rates = [push_rate(results, shape, key, operations(shape)) for shape in results.shapes]
        rows.append([name, *(_giga(rate) for rate in rates)])
    rows.append(["OpenBLAS", *(_giga(results.rate(shape, Key("sgemm"))) for shape in results.shapes)])
    for bits in (128, 256, 512):
        rates = [results.rate(shape, Key(f"fma {bits}")) for shape in results.shapes]
        rows.append([f"peak, vectors of {bits} bits", *(_giga(rate) for rate in rates)])
    return table(["", *map(str, results.shapes)], [row for row in rows if any(row[1:])])


def peer_table(results: Results) -> str:
    """The peers' times against ours."""
    rows = []
    for normalize in ("none", "l2", "renorm"):
        for name, title in PEERS.items():
            for threads in (1, 2):
                key = Key(name, normalize, threads)
                label = f"{title}, {NORMALIZE[normalize]}" + (", 2 threads" if threads == 2 else "")
                rows.append([label, *(_against_ours(results, shape, key) for shape in results.shapes)])
    return table(["", *map(str, results.shapes)], [row for row in rows if any(row[1:])])


def _against_ours(results: Results, shape: Shape, key: Key) -> str:
    ours = results.seconds(shape, Key("plain" if key.normalize == "none" else "general", key.normalize, key.threads))
    theirs = results.seconds(shape, key)
    if theirs is None or ours is None:
        return ""
    sign = "> " if results.given_up(shape, key) else ""
    return f"{sign}{duration(theirs)} ({sign}{_short(theirs / ours)})"


def memory_table(results: Results) -> str:
    """Peaks in MiB, beside ours."""
    rows = [[label(key), f"{peak / 2**20:.2f}"] for key, peak in results.memory.items()]
    return table(["", "MiB"], rows)


def label(key: Key) -> str:
    """A contestant in words."""
    if key.name in PEERS:
        return f"{PEERS[key.name]}, {NORMALIZE[key.normalize]}"
    return f"PullPush, {OURS[key]}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown, numbers to the right, names and reasons to the left."""
    lines = [header, ["---" if name in ("", "lost", "reason") else "---:" for name in header], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    unit, factor = next(((u, f) for u, f in UNITS.items() if seconds * f >= 1), ("ns", 1e9))
    return f"{_short(seconds * factor)} {unit}"


def _short(number: float) -> str:
    """Three digits, and all that stand before the point."""
    return f"{number:.0f}" if abs(number) >= 99.95 else f"{number:.3g}" if abs(number) >= 1 else f"{number:.2f}"


def _giga(rate: float | None) -> str:
    return "" if rate is None else _short(rate / 1e9)


def main(arguments: Sequence[str] | None = None) -> None:
    """Redraw the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+", help="JSON files that run.py has written")
    for path in parser.parse_args(arguments).results:
        print(write(path))


if __name__ == "__main__":
    main()
