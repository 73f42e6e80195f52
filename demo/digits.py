"""Train an embedding of handwritten digits with two PullPush losses and see how well held-out digits are found again.

Run: ``python demo/digits.py``, with ``--help`` for its options.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from dataset import Split, load
from picture import Column, draw
from pullpush import PullPushLoss
from pullpush.options import Preset
from retrieval import retrieve
from tables import table
from training import HIDDEN, IDS_PER_BATCH, SAMPLES_PER_ID, train

PRESET_COLOURS: dict[Preset, str] = {"original": "#c8553d", "orthogonal": "#2a6f97"}
PUSH_BOUND = -1 / (IDS_PER_BATCH - 1)


def compare_presets(halves: tuple[Split, Split], *, steps: int, seed: int, quiet: bool = False) -> list[Column]:
    """The held-out images as raw pixels, and as networks trained with each preset from one start embed them."""
    training, held_out = halves
    columns = [Column("raw pixels", "#5b636c", held_out.pixels, retrieve(held_out.pixels, held_out.labels))]
    for name, colour in PRESET_COLOURS.items():
        run = train(training, PullPushLoss.preset(name), steps=steps, seed=seed, name=f"{name:>10}", quiet=quiet)
        embeddings = run.network(held_out.pixels)
        columns.append(Column(name, colour, embeddings, retrieve(embeddings, held_out.labels), run))
    return columns


def report(columns: Sequence[Column]) -> str:
    """Retrieval figures, and what the last 100 batches gave, as a Markdown table."""
    rows = []
    for column in columns:
        figures, run = column.figures, column.run
        last = ["", ""] if run is None else [f"{run.pull[-100:].mean():.4f}", f"{run.push[-100:].mean():+.4f}"]
        name = f"{column.name}, {column.embeddings.shape[1]} numbers"
        rows.append([name, f"{figures.recall_at_1:.3f}", f"{figures.mean_average_precision:.3f}", *last])
    return table(["held-out digits", "recall@1", "mAP", "pull at the end", "push at the end"], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="batches to train on (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and batches (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("build/demo.png"), help="picture (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps: {options.steps} given, expected 1 or more")

    halves = load(options.seed)
    training, held_out = halves
    print(
        f"{len(training.labels)} images to train on, {len(held_out.labels)} held out; network 64 -> {HIDDEN} -> 16; "
        f"batches of {IDS_PER_BATCH} digits x {SAMPLES_PER_ID} images"
    )
    columns = compare_presets(halves, steps=options.steps, seed=options.seed)
    print(f"\n{report(columns)}\n\nLeast possible mean cosine of {IDS_PER_BATCH} digits: {PUSH_BOUND:+.4f}")
    draw(columns, held_out.labels, PUSH_BOUND, options.out)
    print(f"Picture: {options.out}")


if __name__ == "__main__":
    main()
