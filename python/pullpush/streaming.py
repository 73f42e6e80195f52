"""The loss of a file that does not fit in memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from . import arrays, statistics
from .arrays import Array
from .checks import INT64_MAX, integer
from .errors import InvalidArgument, NotFinite
from .interchange import AnyArray, to_numpy
from .loss import Loss
from .options import OptionValues

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Block(NamedTuple):
    """Rows of whole identities, and the keyword that tells the identities apart."""

    rows: slice
    identities: dict[str, Any]


def stream(
    source: str | PathLike[str] | AnyArray,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    upstream: float = 1.0,
    out: str | PathLike[str] | AnyArray | None = None,
    block_bytes: int = 2**25,
    progress: bool | None = None,
    **options: Unpack[OptionValues],
) -> Loss:
    """The loss of a file of features, read block by block, and its gradient if ``out`` is given.

    One pass adds up the statistics; a second one, for a gradient only, writes it. Blocks are read in place and their
    pages are given back, so the memory in use stays near ``block_bytes`` (twice that with a gradient) however long the
    file is.

    Args:
        source: the path of an ``.npy`` file, or a (B, D) array, usually a ``numpy.memmap``.
        samples_per_id: as for :func:`pullpush.value`.
        labels: as for :func:`pullpush.value`, but the rows of an identity must follow each other in the file.
        upstream: as for :func:`pullpush.value_and_grad`.
        out: where the gradient goes: the path of an ``.npy`` file, which appears (or is replaced) once all of it is
            written, or a writable array or ``numpy.memmap`` as for :func:`pullpush.value_and_grad`.
        block_bytes: how many bytes are read at a time, 32 MiB by default; a larger identity is a block of its own.
        progress: show a tqdm bar. None shows it if tqdm is installed and the standard error is a terminal.
        **options: see :class:`pullpush.options.Options`. A hinge push needs all rows at once and is refused.

    Returns:
        The loss of the whole file. It does not keep the gradient: that is in ``out``.
    """
    statistics.additive_options(options)
    features = _opened(source)
    row_bytes = max(1, features.shape[1] * features.itemsize)
    block_rows = integer("block_bytes", block_bytes, 1, INT64_MAX) // row_bytes
    blocks = _blocks(len(features), samples_per_id, labels, block_rows)
    passes = 1 if out is None else 2
    with _gradient(out, features) as gradient, _progress_bar(progress, passes * len(features)) as advance:
        total = np.zeros(0)
        for rows, identities in blocks:
            part = features[rows]
            try:
                share = statistics.accumulate(part, **identities, **options)
            except NotFinite:
                row = rows.start + int(np.argmin(np.isfinite(part).all(axis=1)))
                raise NotFinite(f"row {row} of source holds a NaN or an infinity: expected finite numbers") from None
            total = statistics.reduce(total, share) if total.size else share
            _forget(part)
            advance(len(part))
        rows, identities = blocks[0]
        loss = statistics.finish_value(features[rows], total, **identities, **options)
        if gradient is not None:
            for rows, identities in blocks:
                part, slope = features[rows], gradient[rows]
                statistics.finish(part, total, out=slope, upstream=upstream, **identities, **options)
                _forget(part, slope)
                advance(len(part))
    return loss


def _opened(source: str | PathLike[str] | AnyArray) -> Array:
    """The features, mapped rather than read when they are a file."""
    if isinstance(source, (str, PathLike)):
        name = f"{str(source)!r}"
        try:
            features = np.load(source, mmap_mode="r")
        except (EOFError, ValueError) as error:  # not such a file, or one of objects
            raise InvalidArgument(f"source must be an .npy file of numbers, got {name}: {error}") from error
    else:
        (features, _), name = to_numpy("source", source), "source"
    arrays.check_features(features, name)
    return cast(Array, features)


def _blocks(rows: int, samples_per_id: int | None, labels: ArrayLike | None, block_rows: int) -> list[_Block]:
    """Cut the rows into blocks of whole identities, of ``block_rows`` at most where one identity fits in that."""
    arrays.check_identities(samples_per_id, labels)
    if not rows:
        raise InvalidArgument("source must have at least 1 row, got 0")
    if labels is None:
        count = integer("samples_per_id", samples_per_id, 1, INT64_MAX)
        if rows % count:
            raise InvalidArgument(f"samples_per_id must divide the number of rows, {rows}, got {count}")
        step = max(1, block_rows // count) * count
        return [_Block(slice(start, start + step), {"samples_per_id": count}) for start in range(0, rows, step)]
    given = arrays.label_array(labels, rows)
    starts = np.flatnonzero(np.diff(given, prepend=given[:1] - 1))
    names, runs = np.unique(given[starts], return_counts=True)
    if len(names) < len(starts):
        raise InvalidArgument(
            "labels must keep the rows of an identity together in a file, "
            f"got label {names[np.argmax(runs)]} in {runs.max()} separate places; sort the file by label"
        )
    stops = np.append(starts[1:], rows)
    blocks, start = [], 0
    while start < rows:
        last = max(np.searchsorted(stops, start + block_rows, "right") - 1, np.searchsorted(stops, start, "right"))
        stop = int(stops[last])
        blocks.append(_Block(slice(start, stop), {"labels": given[start:stop]}))
        start = stop
    return blocks


@contextmanager
def _gradient(out: str | PathLike[str] | AnyArray | None, features: Array) -> Iterator[Array | None]:
    """Where the gradient goes. A file gets its name only when it is whole, so a failure leaves the old one."""
    if not isinstance(out, (str, PathLike)):
        array, _ = to_numpy("out", out)
        if array is not None:
            arrays.check_out(array, features.shape, arrays.native(features.dtype), {"source": features})
            check_other_file(getattr(array, "filename", None), features)
        yield array
        return
    path = Path(out)
    if not path.name:
        raise InvalidArgument(f"out must be the path of a file, got {str(out)!r}")
    check_other_file(path, features)
    partial = path.with_name(path.name + ".part")
    try:
        gradient = np.lib.format.open_memmap(
            partial, mode="w+", dtype=arrays.native(features.dtype), shape=features.shape
        )
        yield gradient
        gradient.flush()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_other_file(out: Path | None, features: Array) -> None:
    """Refuse to write over the file of the features: two mappings of one file share no addresses."""
    source = getattr(features, "filename", None)
    if out and source and Path(out).exists() and Path(out).samefile(source):
        raise InvalidArgument(f"out must be another file than the features, got {str(out)!r} for both")


def _forget(*parts: Array) -> None:
    """Give the pages of mapped files back: they stay in the system's cache but leave this process's memory.

    A copy-on-write mapping is left alone, since its changed pages exist nowhere else.
    """
    for part in parts:
        base: Any = part
        while isinstance(base, np.ndarray):
            if isinstance(base, np.memmap) and base.mode == "c":
                break
            base = base.base
        if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            base.madvise(mmap.MADV_DONTNEED)


@contextmanager
def _progress_bar(progress: bool | None, rows: int) -> Iterator[Callable[[int], object]]:
    """A function that counts rows: on a tqdm bar, or nowhere."""
    if progress is not False:
        try:
            from tqdm import tqdm
        except ImportError:
            if progress:
                raise InvalidArgument(
                    "progress=True needs tqdm, which is not installed; expected False or None"
                ) from None
        else:
            with tqdm(total=rows, unit="row", unit_scale=True, disable=None if progress is None else False) as bar:
                yield bar.update
            return
    yield lambda rows: None
