"""One batch in several parts: statistics that add up over machines, or over the blocks of a file.

Every identity must lie whole in one part. Each part accumulates its share, the shares are summed (:func:`reduce`, or
any all-reduce sum of float64), and with the total each part gets the loss of the whole batch and the gradient of its
own rows:

>>> share = accumulate(features, samples_per_id=4)
>>> total = all_reduce_sum(share)
>>> loss, gradient = finish(features, total, samples_per_id=4)

The options must be the same in every call. A hinge push looks at every pair, so it has no such statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _library, arrays
from .checks import INT64_MAX, integer
from .errors import InvalidArgument
from .interchange import AnyArray, from_numpy
from .loss import Loss
from .options import Options, OptionValues, options_from, struct_for

if TYPE_CHECKING:
    from typing_extensions import Unpack

Statistics = NDArray[np.float64]


def size(dim: int, **options: Unpack[OptionValues]) -> int:
    """How many float64 numbers the statistics of rows of ``dim`` numbers have: ``dim + 5`` for the default options."""
    checked = additive_options(options)
    return _library.statistics_size(integer("dim", dim, 1, INT64_MAX), checked.struct)


def accumulate(
    features: AnyArray,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    out: Statistics | None = None,
    **options: Unpack[OptionValues],
) -> Statistics:
    """Add one part's share to ``out``, or to zeros, and return it.

    Args:
        features: (B, D) rows of this part, as for :func:`pullpush.value`.
        samples_per_id: as for :func:`pullpush.value`.
        labels: as for :func:`pullpush.value`.
        out: statistics of earlier parts to add to, a writable contiguous float64 array of :func:`size` numbers.
        **options: see :class:`pullpush.options.Options`.
    """
    checked = additive_options(options)
    batch = arrays.batch(features, samples_per_id, labels)
    if out is None:
        out = np.zeros(_library.statistics_size(max(1, batch.struct.dim), checked.struct))
    _library.statistics_accumulate(batch.struct, checked.struct, _address("out", out, writable=True), out.size)
    return out


def reduce(total: Statistics, part: Statistics) -> Statistics:
    """Add ``part`` to ``total`` in place and return ``total``."""
    total_address, part_address = _address("total", total, writable=True), _address("part", part)
    if total.size != part.size:
        raise InvalidArgument(f"part must have the {total.size} numbers of total, got {part.size}")
    _library.statistics_reduce(total_address, part_address, total.size)
    return total


def finish(
    features: AnyArray,
    total: Statistics,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    upstream: float = 1.0,
    out: AnyArray | None = None,
    accumulate: bool = False,
    **options: Unpack[OptionValues],
) -> tuple[Loss, Any]:
    """The loss of the whole batch and the gradient of ``upstream * loss`` with respect to this part's rows.

    Arguments and result are those of :func:`pullpush.value_and_grad`; ``total`` is the sum of all shares.
    """
    checked = additive_options(options)
    batch = arrays.batch(features, samples_per_id, labels)
    struct = struct_for(checked, upstream, accumulate)
    gradient, address, stride = arrays.gradient_target(batch, out, accumulate)
    total_address = _address("total", total)
    result = _library.statistics_finish(batch.struct, struct, total_address, total.size, address, stride)
    return Loss(result), from_numpy(gradient, batch.kind) if out is None else out


def finish_value(
    features: AnyArray,
    total: Statistics,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    **options: Unpack[OptionValues],
) -> Loss:
    """The loss of the whole batch, without a gradient; any one part serves as ``features``."""
    checked = additive_options(options)
    batch = arrays.batch(features, samples_per_id, labels)
    return Loss(_library.statistics_finish(batch.struct, checked.struct, _address("total", total), total.size))


def additive_options(given: OptionValues) -> Options:
    """Checked options that have additive statistics."""
    checked = options_from(given)
    if checked.push == "hinge":
        raise InvalidArgument(
            "push='hinge' looks at every pair and has no additive statistics; expected 'linear' or 'squared' "
            "(value and value_and_grad take a hinge over a whole batch)"
        )
    return checked


def _address(name: str, statistics: Statistics, *, writable: bool = False) -> int:
    """The address of a vector of statistics the library can use in place."""
    if not isinstance(statistics, np.ndarray) or statistics.dtype != np.float64 or statistics.ndim != 1:
        raise InvalidArgument(
            f"{name} must be a numpy.ndarray of float64 with 1 dimension, got {_described(statistics)}"
        )
    if not (statistics.flags.c_contiguous and statistics.flags.aligned):
        raise InvalidArgument(f"{name} must be contiguous and aligned, got strides {statistics.strides} (bytes)")
    if writable and not statistics.flags.writeable:
        raise InvalidArgument(f"{name} must be writable, got a read-only array")
    return arrays.address(statistics)


def _described(value: object) -> str:
    return f"shape {value.shape} of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__qualname__
