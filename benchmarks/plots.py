"""The report's pictures: time beside a copy, fractions of the ceilings, cost as each dimension grows, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from bars import hinge_operations, push_rate, squared_operations
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from results import Results
from shapes import Shape
from timing import Key

STYLE = Path(__file__).resolve().parents[1] / "demo" / "picture.mplstyle"


class Look(NamedTuple):
    """How a contestant appears in every picture."""

    name: str
    colour: str
    marker: str = "o"
    width: float = 1.4


LOOKS = {
    "copy": Look("memcpy", "#22262b", "", 3.0),
    "plain": Look("PullPush", "#c8553d", "o", 2.4),
    "general": Look("PullPush", "#c8553d", "o", 2.4),
    "labels": Look("PullPush, labels in random order", "#e39b87", "o", 2.4),
    "squared": Look("PullPush, squared push", "#6d1b7b", "o", 2.0),
    "hinge": Look("PullPush, hinge push", "#8c2f1b", "o", 2.0),
    "sgemm": Look("OpenBLAS, the hinge's products", "#5b636c", "s"),
    "careful C": Look("careful C", "#2a6f97", "s"),
    "numba": Look("numba, loops", "#61a5c2", "s"),
    "torch compiled": Look("torch.compile, closed form", "#3ca951", "^"),
    "jax": Look("JAX jit, closed form", "#efb118", "^"),
    "numpy": Look("NumPy, closed form", "#a463f2", "v"),
    "torch closed": Look("PyTorch eager, closed form", "#6cc5b0", "v"),
    "torch batched": Look("PyTorch eager, batched products", "#ff8ab7", "D"),
    "torch matrix": Look("PyTorch eager, all pairs", "#9c6b4e", "D"),
    "torch loop": Look("PyTorch eager, original module", "#7d8590", "D"),
}

GROWS: dict[str, Callable[[Shape], int]] = {
    "B": lambda shape: shape.rows,
    "D": lambda shape: shape.dim,
    "K": lambda shape: shape.samples_per_id,
    "P": lambda shape: shape.identities,
}

Value = Callable[[Shape, Key], float | None]


def draw(results: Results, stem: Path) -> dict[str, Path]:
    """Write the pictures as ``STEM-*.png`` and return their files by description."""
    pictures: dict[str, tuple[str, Callable[[Results], Figure]]] = {
        "Time of a call against B·D": ("time", draw_time),
        "Fraction of what the machine can do": ("ceiling", draw_ceiling),
    }
    if results.sweeps:
        pictures["Time of a call as B, D, K and P grow"] = ("scaling", draw_scaling)
    if results.memory:
        pictures["Memory of a call"] = ("memory", draw_memory)
    written = {}
    with plt.style.context(STYLE):
        for description, (name, picture) in pictures.items():
            figure = picture(results)
            written[description] = stem.with_name(f"{stem.name}-{name}.png")
            figure.savefig(written[description])
            plt.close(figure)
    return written


def draw_time(results: Results) -> Figure:
    """All who compute the same thing, beside memcpy: from unit rows, and from raw rows."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(16, 7.4), sharey=True, layout="constrained")
    everyone = [name for name in LOOKS if name not in ("copy", "plain", "labels", "squared", "hinge", "sgemm")]
    for axis, title, kinds in ((left, "Unit rows", ("none",)), (right, "Raw rows", ("l2", "renorm"))):
        _grid(axis, title, "B·D, numbers in the batch", "time of a call, loss and gradient, 1 thread")
        for name in ("copy", *everyone):
            kind = next((k for k in kinds if results.record(results.shapes[0], Key(name, k))), None)
            key = Key(name) if name == "copy" else Key(name, kind) if kind else None
            if key is not None:
                _line(axis, results.shapes, key, results.seconds, lambda shape: shape.size)
        axis.set(xscale="log", yscale="log")
        axis.yaxis.set_major_formatter(EngFormatter("s"))
    _legend(figure, left)
    return figure


def draw_ceiling(results: Results) -> Figure:
    """How near each shape comes to a copy, and each nonlinear push to the peak of multiply-adds."""
    figure, axes = plt.subplots(1, 3, figsize=(16, 6.4), sharey=True, layout="constrained")

    def of_copy(shape: Shape, key: Key) -> float | None:
        seconds = results.seconds(shape, key)
        return None if seconds is None else results.copy(shape) / seconds

    def of_peak(shape: Shape, key: Key) -> float | None:
        if key.name == "sgemm":
            rate = results.rate(shape, key)
        else:
            operations = hinge_operations if key.name == "hinge" else squared_operations
            rate = push_rate(results, shape, key, operations(shape))
        return None if rate is None else rate / results.peak(shape)

    panels: tuple[tuple[str, Value, list[Key]], ...] = (
        (
            "Unit rows: memcpy's time / time of a call",
            of_copy,
            [Key("general"), Key("labels"), Key("careful C"), Key("torch compiled"), Key("jax")],
        ),
        (
            "Raw rows: memcpy's time / time of a call",
            of_copy,
            [Key(name, "l2") for name in ("general", "labels", "careful C", "torch compiled", "jax")],
        ),
        (
            "Pushes between all pairs: fraction of peak",
            of_peak,
            [Key("squared"), Key("hinge"), Key("sgemm")],
        ),
    )
    for axis, (title, value, keys) in zip(axes, panels, strict=True):
        _grid(axis, title, "B×D×K", "")
        for key in keys:
            _line(axis, results.shapes, key, value, results.shapes.index)
        axis.set_xticks(range(len(results.shapes)), map(str, results.shapes), rotation=40, ha="right")
        axis.set_ylim(0, max(1.08, axis.get_ylim()[1]))
        axis.axhline(1, color=LOOKS["copy"].colour, linewidth=LOOKS["copy"].width)
        axis.yaxis.set_major_formatter(lambda number, _: f"{number:.0%}")
        axis.yaxis.set_tick_params(labelleft=True)
    if bits := results.vector_bits:
        shape = results.shapes[-1]
        share = results.peak(shape, bits) / results.peak(shape)
        if share < 0.95:
            axes[2].axhline(share, color=LOOKS["copy"].colour, linestyle=(0, (5, 4)), linewidth=1.2)
            axes[2].text(0, share + 0.02, f"peak of vectors of {bits} bits, which the kernels use")
    _legend(figure, *axes)
    return figure


def draw_scaling(results: Results) -> Figure:
    """Cost while one dimension grows, with the exponent at the end of each line."""
    figure, axes = plt.subplots(2, 2, figsize=(16, 13), layout="constrained")
    for axis, (name, points) in zip(axes.flat, results.sweeps.items(), strict=True):
        shapes = [shape for shape, _ in points]
        rest = ", ".join(f"{n} = {of(shapes[0])}" for n, of in GROWS.items() if of(shapes[0]) == of(shapes[-1]))
        _grid(axis, f"{name} grows ({rest})", name, "time of a call, 1 thread")
        axis.set(xscale="log", yscale="log")
        lines = []
        for key in dict.fromkeys(key for _, timings in points for key in timings):
            medians = {GROWS[name](shape): timings[key]["median"] for shape, timings in points if key in timings}
            _plot(axis, key, list(medians), list(medians.values()))
            lines.append((medians, LOOKS[key.name].colour))
        _write_exponents(axis, name, lines)
        ticks = [GROWS[name](shape) for shape in shapes]
        axis.set_xticks(ticks, map(str, ticks))
        axis.set_xticks([], minor=True)
        axis.set_xlim(right=ticks[-1] * (ticks[-1] / ticks[0]) ** 0.09)
        axis.yaxis.set_major_formatter(EngFormatter("s"))
    _legend(figure, *axes.flat)
    return figure


def draw_memory(results: Results) -> Figure:
    """What a call holds beside features and gradient, as bars."""
    peaks = sorted(results.memory.items(), key=lambda item: item[1], reverse=True)
    names = [LOOKS[key.name].name + {"none": "", "l2": ", raw rows"}.get(key.normalize, "") for key, _ in peaks]
    figure, axis = plt.subplots(figsize=(12, 0.42 * len(peaks) + 1.4), layout="constrained")
    least = 2**12
    values = [max(peak, least) for _, peak in peaks]
    axis.barh(range(len(peaks)), values, color=[LOOKS[key.name].colour for key, _ in peaks], left=least / 2)
    for index, (_, peak) in enumerate(peaks):
        axis.text((max(peak, least) + least / 2) * 1.1, index, _bytes(peak), va="center")
    axis.set_yticks(range(len(peaks)), names)
    axis.set(xscale="log", xlim=(least / 2, max(values) * 6), xticks=[])
    axis.set_xticks([], minor=True)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_title(f"Memory beside features and gradient, {results.memory_shape}, logarithmic")
    return figure


def _line(axis: Axes, shapes: Sequence[Shape], key: Key, value: Value, place: Callable[[Shape], float]) -> None:
    """The values of the shapes that have one, from left to right."""
    found = sorted((place(shape), number) for shape in shapes if (number := value(shape, key)) is not None)
    if found:
        _plot(axis, key, [x for x, _ in found], [y for _, y in found])


def _plot(axis: Axes, key: Key, x: Sequence[float], y: Sequence[float]) -> None:
    look = LOOKS[key.name]
    axis.plot(x, y, color=look.colour, marker=look.marker, linewidth=look.width, markersize=6, label=look.name)


def _write_exponents(axis: Axes, name: str, lines: Sequence[tuple[dict[int, float], str]]) -> None:
    """Beside each line's end, the slope through its last three points; moved up where it would cover another."""
    low, high = np.log(axis.get_ylim())
    free = low
    for line, colour in sorted(lines, key=lambda item: list(item[0].values())[-1]):
        x, y = np.array(list(line)), np.array(list(line.values()))
        place = max(np.log(y[-1]), free)
        free = place + 0.04 * (high - low)
        slope = round(np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0], 1) + 0.0  # no -0.0
        text = f"  {name}$^{{{slope:.1f}}}$"
        axis.annotate(text, (x[-1], np.exp(place)), va="center", color=colour, fontweight="bold")


def _grid(axis: Axes, title: str, x: str, y: str) -> None:
    axis.set(title=title, xlabel=x, ylabel=y)
    axis.grid()
    axis.set_axisbelow(True)
    axis.spines[:].set_visible(False)


def _legend(figure: Figure, *axes: Axes) -> None:
    entries: dict[str, Artist] = {}
    for axis in axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4, frameon=False)


def _bytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"
