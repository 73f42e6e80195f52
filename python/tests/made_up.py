"""Calls that nobody would write: right ones in every form that is taken, and ones with mistakes, which say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cases
import kinds
import numpy as np
import torch
import ways
from hypothesis import strategies as st
from numpy.typing import NDArray

Draw = Callable[[st.SearchStrategy[Any]], Any]

OPTIONS = cases.every_options()
# What is no word, no number, no count, no flag, whatever the argument.
NONSENSE: list[Any] = [None, "", "no", b"l2", [], {}, ("a", 2), 1j, np.nan, object(), np.zeros(2), int]
MEANINGLESS: list[dict[str, Any]] = [
    {"push": "squared", "objective": "squared_euclidean"},
    {"push": "linear", "reduction": "mean_active"},
]


@dataclass
class Call:
    """Arguments of ``value_and_grad``, and the rows and identities they mean; and the way to call it, one of ``ways``.

    ``wrong`` holds the names that an error may name: none, and the call must succeed.
    """

    way: str
    arguments: dict[str, Any]
    rows: cases.Array
    labels: NDArray[np.int64]
    dtype: str
    wrong: set[str] = field(default_factory=set)


Mistake = Callable[[Draw, Call], None]

# Arrays of other packages that cannot be read, whatever their shape.
ELSEWHERE: list[Any] = [
    kinds.OnAnotherDevice(),
    torch.ones(12, 3, requires_grad=True),
    torch.ones(12, 3, device="meta"),
    torch.ones(12, 3).to_sparse(),
    torch.ones(12, 3, dtype=torch.int32),
    kinds.Described(np.ones((12, 3), np.int8)),
]


@st.composite
def calls(draw: Draw, mistakes: st.SearchStrategy[list[Mistake]] | None = None) -> Call:
    """Any call, with such mistakes: by default up to two of them."""
    if mistakes is None:
        mistakes = st.lists(st.sampled_from(MISTAKES), max_size=2, unique=True)
    call = right_call(draw)
    for mistake in draw(mistakes):
        if ARGUMENT.get(mistake) not in ways.WAYS[call.way][1]:
            mistake(draw, call)
    return call


def right_call(draw: Draw) -> Call:
    """A call without a mistake, though with any numbers."""
    ids, samples_per_id, dim = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 20))
    dtype, seed = draw(st.sampled_from(list(cases.DTYPES))), draw(st.integers(0, 2**32 - 1))
    rows = ids * samples_per_id
    features = cases.rows(rows, dim, dtype, seed)
    if draw(st.integers(0, 3)) == 3:
        number = draw(st.sampled_from([np.nan, np.inf, -np.inf, 0.0]))
        features[draw(st.integers(0, rows - 1)), draw(st.integers(0, dim - 1))] = number
    options = dict(draw(st.sampled_from(OPTIONS)))
    options["num_threads"] = draw(st.integers(0, 3))
    options["check_finite"] = draw(st.booleans())
    if draw(st.integers(0, 2)) == 2:
        given = kinds.KINDS[draw(st.sampled_from(kinds.possible(dtype)))][0](features)
    else:
        given = cases.ORDERS[draw(st.sampled_from(list(cases.ORDERS)))](features)
    way = draw(st.sampled_from([name for name in ways.WAYS if ways.takes(name, given, dtype)]))
    arguments = {
        "features": given,
        "upstream": draw(st.sampled_from([1.0, 0.5, -2, np.float32(0.25)])),
        **options,
    }
    if draw(st.booleans()):
        labels = np.arange(rows) // samples_per_id
        arguments["samples_per_id"] = draw(st.sampled_from([int, np.int8, np.uint64]))(samples_per_id)
    else:
        labels = np.array(draw(st.lists(st.integers(0, 5), min_size=rows, max_size=rows)), np.int64)
        arguments["labels"] = draw(st.sampled_from(LABEL_FORMS))(labels)
    if draw(st.booleans()):
        padding = draw(st.integers(0, 3))
        out: Any = np.ones((rows, dim + padding), cases.DTYPES[dtype])[:, :dim]
        if draw(st.booleans()):
            out = kinds.torch_tensor(out)
        arguments |= {"out": out, "accumulate": draw(st.booleans())}
    for name in ways.WAYS[way][1]:
        arguments.pop(name, None)
    call = Call(way, arguments, features, labels, dtype, ways.also_refused(way, arguments, labels))
    if options["check_finite"] and not np.isfinite(features.astype(np.float64)).all():
        call.wrong.add("features")
    return call


LABEL_FORMS: list[Callable[[NDArray[np.int64]], Any]] = [
    np.copy,
    np.ndarray.tolist,
    tuple,
    lambda labels: labels.astype(np.uint8),
    lambda labels: labels.astype(">i4"),
    lambda labels: np.repeat(labels, 2)[::2],
    lambda labels: labels[::-1].copy()[::-1],
    lambda labels: memoryview(labels.data),
]


def spoil_features(draw: Draw, call: Call) -> None:
    """Not an array, not of floats, or not of two dimensions."""
    rows, dim = len(call.labels), 3
    features = np.ones((rows, dim))
    wrong = draw(
        st.sampled_from(
            [
                *NONSENSE,
                features.tolist(),
                np.ma.MaskedArray(features),
                *ELSEWHERE,
                *(np.zeros((rows, dim), t) for t in ("?", "i4", "u8", "c8", "g", "O", "U3", "M8[s]", "f4,f4", "V2")),
            ]
        )
    )
    if draw(st.booleans()):
        wrong = draw(st.sampled_from([np.zeros(s) for s in ((), (rows,), (rows, dim, 1), (0, dim), (rows, 0), (0, 0))]))
    call.arguments["features"] = wrong
    # Without rows or columns it is they that are named, or what no longer fits.
    call.wrong |= {"features", "rows", "dim", "labels", "out"}


def spoil_samples_per_id(draw: Draw, call: Call) -> None:
    """No count, or one that does not divide."""
    rows = len(call.labels)
    wrong = [*NONSENSE, 0, -1, 1.0, "1", rows + 1, rows * 2, 2**63, 2**70, -(2**70), np.float64(1)]
    call.arguments.pop("labels", None)
    call.arguments["samples_per_id"] = draw(st.sampled_from(wrong))
    call.wrong |= {"samples_per_id", "labels"}


def spoil_labels(draw: Draw, call: Call) -> None:
    """Not whole numbers, or not one a row."""
    rows = len(call.labels)
    wrong = [
        *NONSENSE[1:],
        list(range(rows + 1)),
        np.zeros((rows, 1), np.int64),
        *(np.zeros(rows, t) for t in ("f8", "?", "O", "M8[s]", "S1")),
        np.full(rows, 2**63, np.uint64),
        [2**70] * rows,
        ["a"] * rows,
        [None] * rows,
        [[0], [0, 0], *[[0]] * rows],
        np.int64(0),
        {0: 0},
        iter([0] * rows),
    ]
    call.arguments.pop("samples_per_id", None)
    call.arguments["labels"] = draw(st.sampled_from(wrong))
    call.wrong.add("labels")


def tell_identities_twice(_: Draw, call: Call) -> None:
    """Both a count and labels."""
    call.arguments |= {"samples_per_id": 1, "labels": call.labels}
    call.wrong.add("samples_per_id")


def spoil_out(draw: Draw, call: Call) -> None:
    """An array that the gradient cannot go to."""
    shape, dtype = (len(call.labels) + 1, 20), cases.DTYPES[call.dtype]
    frozen = np.zeros(shape, dtype)
    frozen.flags.writeable = False
    features = call.arguments["features"]
    same = features.shape if isinstance(features, np.ndarray) and features.ndim == 2 else shape
    call.arguments["out"] = draw(
        st.sampled_from(
            [
                *NONSENSE[1:],
                np.zeros(shape, dtype),
                np.zeros(same, "c16"),
                np.zeros(same, object),
                np.ma.zeros(same, dtype),
                frozen,
                np.zeros((same[0] + 2, same[1] + 2), dtype)[::-1, ::-1],
                np.zeros(same, dtype).tolist(),
                "out",
                *ELSEWHERE,
            ]
        )
    )
    call.wrong.add("out")


def alias_out(draw: Draw, call: Call) -> None:
    """An ``out`` that is the features, all of them or a part."""
    features = call.arguments["features"]
    if isinstance(features, np.ndarray) and features.ndim == 2 and features.size:
        call.arguments["out"] = draw(st.sampled_from([features, features[::-1], features[:, ::-1], features[:-1]]))
        call.wrong.add("out")


def spoil_upstream(draw: Draw, call: Call) -> None:
    """No finite number."""
    call.arguments["upstream"] = draw(st.sampled_from([*NONSENSE, np.inf, -np.inf, 10**400, "1"]))
    call.wrong.add("upstream")


def spoil_accumulate(draw: Draw, call: Call) -> None:
    """No flag, or nothing to add to."""
    call.arguments["accumulate"] = draw(st.sampled_from([*NONSENSE, 2, -1, 0.5, "yes"]))
    call.wrong |= {"accumulate", "out"}


def spoil_option(draw: Draw, call: Call) -> None:
    """A value that an option does not have."""
    name = draw(st.sampled_from([*OPTIONS[0], "target", "margin", "num_threads", "check_finite"]))
    call.arguments[name] = draw(st.sampled_from([*NONSENSE, "L2", np.inf, 10**400]))
    call.wrong.add(name)


def spoil_options(draw: Draw, call: Call) -> None:
    """Options that have no meaning together."""
    combination = draw(st.sampled_from(MEANINGLESS))
    call.arguments |= combination
    call.wrong |= combination.keys()


def add_unknown_option(draw: Draw, call: Call) -> None:
    """A keyword that is no option."""
    name = draw(st.sampled_from(["", "normalise", "preset", "struct", "temperature", "__class__", "push "]))
    call.arguments[name] = 1
    call.wrong.add(repr(name))


MISTAKES: list[Mistake] = [
    spoil_features,
    spoil_samples_per_id,
    spoil_labels,
    tell_identities_twice,
    spoil_out,
    alias_out,
    spoil_upstream,
    spoil_accumulate,
    spoil_option,
    spoil_options,
    add_unknown_option,
]

# What is wrong where there is such an argument, which not every way has.
ARGUMENT = {spoil_out: "out", alias_out: "out", spoil_accumulate: "accumulate"}
