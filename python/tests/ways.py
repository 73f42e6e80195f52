"""The ways to one loss and one gradient: each takes the arguments of ``value_and_grad`` and must give the same.

A way is told by its name in ``WAYS``. What it refuses beside the mistakes of a call is in ``also_refused``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import oracle
from numpy.typing import NDArray

import pullpush
from pullpush import statistics

Arguments = dict[str, Any]
Answer = tuple[pullpush.Loss, Any]

CALL = ("features", "samples_per_id", "labels", "upstream", "out", "accumulate")


def split(arguments: Arguments) -> tuple[Arguments, Arguments]:
    """What says which rows are whose, and the options; the rest is left out."""
    batch = some(arguments, "samples_per_id", "labels")
    return batch, {name: value for name, value in arguments.items() if name not in CALL}


def some(arguments: Arguments, *names: str) -> Arguments:
    """Those arguments of these names that are given."""
    return {name: arguments[name] for name in names if name in arguments}


def by_method(arguments: Arguments) -> Answer:
    """The method of a loss whose options are fixed."""
    batch, options = split(arguments)
    return pullpush.PullPushLoss(**options).value_and_grad(
        arguments["features"], **batch, **some(arguments, "upstream", "out", "accumulate")
    )


def by_backward(arguments: Arguments) -> Answer:
    """The gradient afterwards."""
    batch, options = split(arguments)
    loss = pullpush.PullPushLoss(**options)(arguments["features"], **batch)
    return loss, loss.backward(*some(arguments, "upstream").values())


def by_statistics(arguments: Arguments) -> Answer:
    """Statistics of the only part there is."""
    batch, options = split(arguments)
    features = arguments["features"]
    total = statistics.accumulate(features, **batch, **options)
    value = statistics.finish_value(features, total, **batch, **options)
    loss, gradient = statistics.finish(
        features, total, **batch, **some(arguments, "upstream", "out", "accumulate"), **options
    )
    np.testing.assert_equal(value.parts(), loss.parts())
    return loss, gradient


def by_blocks(arguments: Arguments) -> Answer:
    """An array that is read in blocks of whole identities."""
    batch, options = split(arguments)
    features = no_path(arguments["features"])
    out = no_path(arguments["out"]) if "out" in arguments else like(features)
    loss = pullpush.stream(
        features, **batch, **some(arguments, "upstream"), **options, out=out, block_bytes=100, progress=False
    )
    return loss, out


def by_file(arguments: Arguments) -> Answer:
    """A file that is read in blocks, into another file."""
    batch, options = split(arguments)
    features = no_path(arguments["features"])
    with tempfile.TemporaryDirectory() as folder:
        source, out = features, Path(folder, "gradient.npy")
        if isinstance(features, np.ndarray) and not isinstance(features, np.ma.MaskedArray):
            source = Path(folder, "features.npy")
            np.save(source, features)
        loss = pullpush.stream(
            source, **batch, **some(arguments, "upstream"), **options, out=out, block_bytes=100, progress=False
        )
        return loss, np.load(out)


def no_path(value: Any) -> Any:
    """A string, which would be the name of a file here, as something else that is wrong everywhere."""
    return value.encode() if isinstance(value, str) else value


def like(features: Any) -> Any:
    """Where a gradient can go, or nothing for what is no array."""
    if isinstance(features, np.ndarray) and not features.dtype.hasobject:
        return np.zeros(features.shape, features.dtype.newbyteorder("="))
    return None


# Each with the arguments of ``value_and_grad`` that it has no use for.
WAYS: dict[str, tuple[Callable[[Arguments], Answer], tuple[str, ...]]] = {
    "value_and_grad": (lambda arguments: pullpush.value_and_grad(**arguments), ()),
    "method": (by_method, ()),
    "backward": (by_backward, ("out", "accumulate")),
    "statistics": (by_statistics, ()),
    "blocks": (by_blocks, ("accumulate",)),
    "file": (by_file, ("out", "accumulate")),
}


def also_refused(way: str, arguments: Arguments, labels: NDArray[np.int64]) -> set[str]:
    """The names of right arguments that a way does not take."""
    refused: set[str] = set()
    if way in ("statistics", "blocks", "file") and arguments.get("push", oracle.DEFAULTS["push"]) == "hinge":
        refused.add("push")
    if way in ("blocks", "file") and "labels" in arguments:
        runs = 1 + np.count_nonzero(np.diff(labels))
        if runs > len(np.unique(labels)):
            refused.add("labels")
    return refused


def takes(way: str, features: Any, dtype: str) -> bool:
    """Whether a way is for such features: a file holds no bfloat16, and whoever reads blocks owns an array."""
    if way == "file":
        return isinstance(features, np.ndarray) and dtype != "bfloat16"
    return way != "blocks" or isinstance(features, np.ndarray)
