"""The tables of docs/accuracy.md."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from batches import BETWEEN, DTYPES, NORMALIZE, PUSHES
from library import INSTRUCTION_SETS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "accuracy.md"

KINDS = ("value, absolute", "value, relative", "gradient, absolute", "gradient, relative")
Budgets = dict[str, dict[str, tuple[float, float, float, float]]]


def most(budgets: Budgets, words: Iterable[str], kinds: Sequence[int]) -> list[str]:
    """The largest budget of each kind among those whose key and instruction set have all these words."""
    wanted = set(words)
    chosen = [
        some for key, of_call in budgets.items() for isa, some in of_call.items() if wanted <= {*key.split(" | "), isa}
    ]
    figures = (max((some[kind] for some in chosen), default=0.0) for kind in kinds)
    return [written(figure) if figure else "" for figure in figures]


def written(figure: float) -> str:
    """A figure for people."""
    return np.format_float_positional(figure, trim="-") if figure > 1e-4 else f"{figure:.0e}".replace("e-0", "e-")


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text."""
    ruler = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ruler, *rows))


def types(budgets: Budgets) -> str:
    """Every type of numbers with every instruction set, on ordinary batches."""
    names = itertools.product(DTYPES, INSTRUCTION_SETS)
    rows = ([", ".join(name), *most(budgets, ("ordinary", *name), range(4))] for name in names)
    return markdown(["ordinary batches", *KINDS], rows)


def narrow(
    budgets: Budgets,
    first: str,
    names: Iterable[Sequence[str]],
    kinds: Sequence[int],
    kind: str,
    dtypes: Sequence[str] = ("float32", "float64"),
) -> str:
    """Rows with figures for some types."""
    rows = (
        [", ".join(name), *itertools.chain(*(most(budgets, (kind, *name, dtype), kinds) for dtype in dtypes))]
        for name in names
    )
    return markdown([first, *(f"{dtype}: {KINDS[place]}" for dtype in dtypes for place in kinds)], rows)


def options(budgets: Budgets) -> str:
    """Every word of the options, on ordinary batches."""
    words = [(word,) for word in (*NORMALIZE, *PUSHES, *BETWEEN)]
    return narrow(budgets, "ordinary batches with", words, (0, 3), "ordinary")


def rows_of(
    kind: str, first: str, kinds: Sequence[int], dtypes: Sequence[str] = ("float32", "float64")
) -> Callable[[Budgets], str]:
    """A table with every name of a kind of batches."""

    def table(budgets: Budgets) -> str:
        names = dict.fromkeys(tuple(key.split(" | ")[1:-1]) for key in budgets if key.startswith(kind))
        return narrow(budgets, first, names, kinds, kind, dtypes)

    return table


TABLES: dict[str, Callable[[Budgets], str]] = {
    "types": types,
    "options": options,
    "growing": rows_of("growing", "preset and batch", (0, 3)),
    "long": rows_of("long", "long sums", (0, 3)),
    "long, narrow": rows_of("long", "long sums", (0, 3), ("float16", "bfloat16")),
    "scales": rows_of("scales", "preset, with l2, and rows", (0, 3)),
    "scales, narrow": rows_of("scales", "preset, with l2, and rows", (0, 3), ("float16", "bfloat16")),
    "tiny": rows_of("tiny", "push in tiny batches", (0, 2)),
    "hard": rows_of("hard", "hard batches", (0, 1, 3)),
}


def with_tables(text: str, budgets: Budgets) -> str:
    """The page with its tables as the budgets have them."""
    for name, table in TABLES.items():
        before, frame, rest = text.partition(f"<!-- accuracy: {name} -->\n\n")
        _, end, after = rest.partition("\n\n<!-- end -->")
        assert after, f"{PAGE} has no place for the table {name}"
        text = before + frame + table(budgets) + end + after
    return text
