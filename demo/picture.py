"""The demo's picture: how training went, where the held-out images ended up, and how near the digits are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from retrieval import Retrieval, similarities
from sklearn.manifold import TSNE  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from training import Run

Array = NDArray[np.floating]

DIGIT_COLOURS = [
    *("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951"),
    *("#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#7d8590"),
]
STYLE = Path(__file__).with_suffix(".mplstyle")


@dataclass(frozen=True)
class Column:
    """One way to represent the held-out images."""

    name: str
    colour: str
    embeddings: Array
    figures: Retrieval
    run: Run | None = None


def draw(columns: Sequence[Column], labels: NDArray[np.integer], bound: float, out: Path) -> None:
    """Write the picture, 1600 pixels wide, to `out`.

    Args:
        columns: What to compare, left to right; those with a run also appear in the curves.
        labels: The digit of each held-out image.
        bound: The least value that a linear push can have, drawn into its panel.
    """
    with plt.style.context(STYLE):
        figure = plt.figure(figsize=(16, 15.2), layout=ConstrainedLayoutEngine(h_pad=0.14, w_pad=0.16))
        figure.suptitle("Handwritten digits: what two losses make of the same small network")
        axes = figure.subplots(3, 3, height_ratios=(0.58, 1.0, 0.96))
        draw_curves(axes[0], [c for c in columns if c.run is not None], bound)
        for axis, column in zip(axes[1], columns, strict=True):
            draw_map(axis, column, labels)
        for axis, column in zip(axes[2], columns, strict=True):
            draw_nearness(axis, column, labels)
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out)
        plt.close(figure)


def draw_curves(axes: Sequence[Axes], columns: Sequence[Column], bound: float) -> None:
    """Loss, pull and push over the steps, one panel each."""
    titles = ("Loss", "Pull: how far apart one digit's images are", "Push: how alike different digits are")
    for axis, title, part in zip(axes, titles, ("loss", "pull", "push"), strict=True):
        axis.set_title(title)
        axis.set_xlabel("step")
        axis.grid()
        axis.spines[:].set_visible(False)
        for column in columns:
            values = getattr(column.run, part)
            axis.plot(np.arange(1, len(values) + 1), values, color=column.colour, linewidth=1.4, label=column.name)
        axis.margins(x=0)
    axes[0].legend(frameon=False)
    axes[1].set_yscale("log")
    axes[2].axhline(bound, color="black", linestyle=(0, (5, 4)), linewidth=1.2)
    axes[2].set_ylim(1.45 * bound, 0.3)
    steps = max(len(c.run.push) for c in columns if c.run is not None)
    note = f"least value of the original: {bound:.3f}".replace("-", "−")
    axes[2].text(steps, bound * 1.08, note, ha="right", va="top")


def draw_map(axis: Axes, column: Column, labels: NDArray[np.integer]) -> None:
    """A t-SNE map of the held-out images by cosine distance, every digit named where it is densest."""
    with threadpool_limits(limits=1):
        place = TSNE(metric="cosine", init="random", perplexity=30, random_state=0).fit_transform(column.embeddings)
    place = (place - place.min(0)) / np.ptp(place, axis=0)
    halo = [withStroke(linewidth=5, foreground="white")]
    for digit, colour in enumerate(DIGIT_COLOURS):
        x, y = place[labels == digit].T
        axis.scatter(x, y, s=16, color=colour, linewidths=0)
    names = spread(np.array([densest(place[labels == digit]) for digit in range(10)]))
    for digit, (x, y) in enumerate(names):
        name = axis.text(x, y, str(digit), fontsize=22, fontweight="bold", ha="center", va="center")
        name.set(color=DIGIT_COLOURS[digit], path_effects=halo)
    axis.set(xticks=[], yticks=[], aspect="equal", xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    axis.set_title(f"{column.name}: map of held-out images", color=column.colour)
    figures = column.figures
    axis.set_xlabel(f"recall@1 {figures.recall_at_1:.3f}    mAP {figures.mean_average_precision:.3f}", fontsize=15)


def densest(points: Array) -> Array:
    """The point with most others near it."""
    squared = np.sum((points[:, None] - points) ** 2, axis=2)
    return np.asarray(points[np.argmax(np.exp(-squared / 0.005).sum(1))])


def spread(points: Array, distance: float = 0.065) -> Array:
    """The points, moved apart until no two are nearer than `distance`."""
    points = points + np.random.default_rng(0).normal(0, 1e-4, points.shape)
    for _ in range(200):
        between = points[:, None] - points
        length = np.linalg.norm(between, axis=2) + np.eye(len(points))
        overlap = np.maximum(distance - length, 0) * (1 - np.eye(len(points)))
        points = points + np.sum(between / length[..., None] * overlap[..., None], axis=1) / 2
    return points


def draw_nearness(axis: Axes, column: Column, labels: NDArray[np.integer]) -> None:
    """The mean cosine between the held-out images of every two digits, and within each digit."""
    cosines = similarities(column.embeddings)
    members = np.eye(10)[labels]
    counts = members.sum(0)
    sums = members.T @ (cosines - np.eye(len(labels))) @ members
    means = sums / (np.outer(counts, counts) - np.diag(counts))
    axis.imshow(means, cmap="RdBu_r", norm=TwoSlopeNorm(0, -1, 1))
    for i, j in np.ndindex(10, 10):
        shown = f"{means[i, j]:.1f}".replace("-0.0", "0.0").replace("-", "−")
        shade = "white" if abs(means[i, j]) > 0.6 else "black"
        axis.text(j, i, shown, ha="center", va="center", fontsize=10.5, color=shade)
    axis.set(xticks=range(10), yticks=range(10))
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_title(f"{column.name}: mean cosine between digits", color=column.colour)
