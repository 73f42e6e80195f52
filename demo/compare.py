"""Which push, between inner products or distances, of unit rows or raw ones: a table over several seeds.

Run: ``python demo/compare.py``, with ``--help`` for its options.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from dataset import load
from numpy.typing import NDArray
from pullpush import PullPushLoss
from retrieval import retrieve
from tables import table
from tqdm import tqdm
from training import IDS_PER_BATCH, train

SIMPLEX = -1 / (IDS_PER_BATCH - 1)


@dataclass(frozen=True)
class Variant:
    """One row of the table: a name and the loss options it stands for."""

    name: str
    options: dict[str, Any]


def distance(name: str, **options: Any) -> Variant:
    """A variant that judges pairs by their squared distance."""
    return Variant(f"distance, {name}", {"objective": "squared_euclidean", **options})


# The squared distance of two unit rows is 2 - 2s, so a margin m on s is a margin 2 - 2m on the distance.
VARIANTS = (
    Variant("inner product, linear", {"push": "linear"}),
    Variant("inner product, squared, target 0", {"push": "squared", "target": 0.0}),
    Variant("inner product, squared, target -1/9", {"push": "squared", "target": SIMPLEX}),
    Variant("inner product, squared, target -1", {"push": "squared", "target": -1.0}),
    Variant("inner product, hinge, margin 0", {"push": "hinge", "margin": 0.0}),
    Variant("inner product, hinge, margin 0.3", {"push": "hinge", "margin": 0.3}),
    distance("linear", push="linear"),
    distance("hinge, margin 2", push="hinge", margin=2.0),
    distance("hinge, margin 1.4", push="hinge", margin=1.4),
)

HEADER = [
    "judged by, push",
    "unit rows: mAP",
    "raw rows: mAP by cosine",
    "raw rows: mAP by distance",
    "raw rows: typical norm",
]


def measure(variant: Variant, *, steps: int, seed: int) -> list[float]:
    """The figures of `HEADER` for one seed, from held-out images."""
    training, held_out = load(seed)

    def embed(normalize: Literal["l2", "none"]) -> NDArray[np.floating]:
        loss_fn = PullPushLoss(normalize=normalize, self_pairs="exclude", **variant.options)
        return train(training, loss_fn, steps=steps, seed=seed, quiet=True).network(held_out.pixels)

    unit, raw = embed("l2"), embed("none")
    return [
        retrieve(unit, held_out.labels).mean_average_precision,
        retrieve(raw, held_out.labels, "cosine").mean_average_precision,
        retrieve(raw, held_out.labels, "euclidean").mean_average_precision,
        float(np.median(np.linalg.norm(raw, axis=1))),
    ]


def cells(variant: Variant, figures: NDArray[np.float64]) -> list[str]:
    """One row of the table from figures ``(seeds, 4)``."""
    mean, spread = figures.mean(axis=0), figures.std(axis=0, ddof=1 if len(figures) > 1 else 0)
    precisions = [f"{m:.3f} ± {s:.3f}" for m, s in zip(mean[:3], spread[:3], strict=True)]
    return [variant.name, *precisions, f"{mean[3]:.1f}" if mean[3] < 10 else f"{mean[3]:.0f}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all variants and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="batches to train on (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each kind (default: %(default)s)")
    options = parser.parse_args(arguments)
    for name in ("steps", "seeds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: {getattr(options, name)} given, expected 1 or more")

    rows = []
    for variant in tqdm(VARIANTS, unit="variant"):
        figures = [measure(variant, steps=options.steps, seed=seed) for seed in range(options.seeds)]
        rows.append(cells(variant, np.array(figures)))
    print(f"Held-out digits, mean ± standard deviation over {options.seeds} seeds, {options.steps} steps\n")
    print(table(HEADER, rows))


if __name__ == "__main__":
    main()
