"""What the library may read and write: arrays checked and turned into addresses and strides.

Features are read in place when the numbers of a row lie side by side and rows follow each other at a positive, whole
number of elements (a slice of columns, every second row). Any other order (Fortran, reversed, unaligned, foreign byte
order) is copied first. A dtype is never changed: the loss of integers or complex numbers is refused, not guessed.
Arrays of other packages come and go through :mod:`pullpush.interchange`.
"""

from __future__ import annotations

from ctypes import addressof, c_char
from typing import Any, NamedTuple, cast

import numpy as np
from numpy import empty, ndarray
from numpy.typing import ArrayLike, NDArray

from . import _library
from .checks import INT64_MAX, integer
from .errors import InvalidArgument
from .interchange import AnyArray, to_numpy

Array = NDArray[Any]

_DTYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.float32): _library.Dtype.F32,
    np.dtype(np.float64): _library.Dtype.F64,
    np.dtype(np.float16): _library.Dtype.F16,
}
_buffer_of = c_char.from_buffer
_EXPECTED_DTYPES = "float32, float64, float16 or ml_dtypes.bfloat16"


class Batch(NamedTuple):
    """A batch as the library reads it. Keep it until the call is over: the struct does not keep the arrays alive.

    ``view`` is the caller's memory, which ``features`` may be a copy of, and ``kind`` names the module whose arrays the
    caller uses: None for NumPy.
    """

    struct: _library.Batch
    features: Array
    labels: NDArray[np.int64] | None
    view: Array
    kind: str | None


def address(array: Array) -> int:
    """The address of the first element."""
    # Asking for a buffer takes a quarter of the time, but not every array gives one: a read-only one, say, does not.
    try:
        return addressof(_buffer_of(array))  # type: ignore[arg-type]
    except (BufferError, TypeError, ValueError):
        data: int = array.__array_interface__["data"][0]
        return data


def batch(features: AnyArray, samples_per_id: int | None, labels: ArrayLike | None) -> Batch:
    """Check a batch: ``features`` (B, D) and either ``samples_per_id`` or ``labels`` (B,)."""
    view: Any = features
    kind = None
    if type(view) is not ndarray:
        view, kind = to_numpy("features", view)
    dtype = _DTYPES.get(view.dtype) if type(view) is ndarray else None
    if dtype is not None and view.ndim == 2 and (flags := view.flags).c_contiguous and flags.aligned:
        array, stride = view, 0
    else:
        array, dtype, stride = _readable(view)
    rows, dim = array.shape
    if labels is None and samples_per_id is not None:
        count = integer("samples_per_id", samples_per_id, 1, INT64_MAX)
        label_numbers, label_address = None, 0
    else:
        check_identities(samples_per_id, labels)
        count = 0
        label_numbers = label_array(cast(ArrayLike, labels), rows)
        label_address = address(label_numbers)
    struct = _library.batch(address(array), rows, dim, stride, label_address, count, dtype)
    return Batch(struct, array, label_numbers, view, kind)


def check_features(features: object, name: str = "features") -> None:
    """Refuse what is not a matrix of floats."""
    if not isinstance(features, np.ndarray) or isinstance(features, np.ma.MaskedArray):
        raise InvalidArgument(
            f"{name} must be a numpy.ndarray (or speak DLPack, __array_interface__ or the buffer protocol) of "
            f"{_EXPECTED_DTYPES}, got {_kind(features)}; convert it yourself, for example with "
            "numpy.asarray(features, dtype=numpy.float32)"
        )
    if features.ndim != 2:
        raise InvalidArgument(f"{name} must have 2 dimensions (rows, dim), got shape {features.shape}")
    if _dtype_code(native(features.dtype)) is None:
        # NumPy's files have no bfloat16 and give its numbers back as two raw bytes.
        hint = "; view raw bfloat16 with .view(ml_dtypes.bfloat16)" if features.dtype == np.dtype("V2") else ""
        raise InvalidArgument(
            f"{name} must be {_EXPECTED_DTYPES}, got {features.dtype}; nothing is cast silently{hint}"
        )


def check_identities(samples_per_id: object, labels: object) -> None:
    """Refuse a batch whose identities are told in two ways, or in none."""
    if samples_per_id is None and labels is None:
        raise InvalidArgument("either samples_per_id or labels must be given, got neither")
    if samples_per_id is not None and labels is not None:
        raise InvalidArgument(f"samples_per_id must not be given beside labels, got samples_per_id={samples_per_id!r}")


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in this machine's byte order, which every gradient has."""
    return dtype.newbyteorder("=")


def label_array(labels: ArrayLike, rows: int) -> NDArray[np.int64]:
    """Labels (B,) as contiguous int64; any integer type is taken, anything that does not fit is refused."""
    given = labels_given(labels)
    if given.shape != (rows,):
        raise InvalidArgument(f"labels must have one label for each of the {rows} rows, got shape {given.shape}")
    if given.dtype.kind not in "iu":
        raise InvalidArgument(
            f"labels must be integers, got {given.dtype}; number them with numpy.unique(labels, return_inverse=True)[1]"
        )
    if given.dtype.kind == "u" and given.size and given.max() > INT64_MAX:
        raise InvalidArgument(f"labels must fit in int64, got {given.max()}")
    return np.require(given, np.int64, ("C", "A"))


def labels_given(labels: ArrayLike) -> Array:
    """Labels as an array of whatever they are."""
    try:
        return np.asarray(to_numpy("labels", labels)[0])
    except (TypeError, ValueError) as error:  # lists of different lengths, for one
        raise InvalidArgument(f"labels must have one integer for each row, got {_kind(labels)}: {error}") from error


def gradient_target(batch: Batch, out: AnyArray | None, accumulate: bool) -> tuple[Array, int, int]:
    """Where the gradient goes: a new array, or ``out`` after checking it; with its address, and its stride in elements,
    0 meaning rows that touch.
    """
    features = batch.features
    if out is not None:
        inputs = {"features": batch.view} if batch.labels is None else {"features": batch.view, "labels": batch.labels}
        array, _ = to_numpy("out", out)
        stride = check_out(array, features.shape, features.dtype, inputs)
        return array, address(array), stride
    if accumulate:
        raise InvalidArgument("out must be given when accumulate=True adds to it, got out=None")
    new = empty(features.shape, features.dtype)
    return new, address(new), 0


def check_out(out: object, shape: tuple[int, ...], dtype: np.dtype[Any], inputs: dict[str, Array]) -> int:
    """Refuse an array that a gradient cannot be written to, and return its row stride in elements."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise InvalidArgument(f"out must be a numpy.ndarray, got {_kind(out)}")
    if out.dtype != dtype or out.shape != shape:
        raise InvalidArgument(f"out must have shape {shape} of {dtype}, got shape {out.shape} of {out.dtype}")
    if not out.flags.writeable:
        raise InvalidArgument("out must be writable, got a read-only array")
    stride = _row_stride(out)
    if stride is None:
        raise InvalidArgument(
            "out must be aligned, with the numbers of a row side by side and rows at a positive stride, "
            f"got strides {out.strides} (bytes) for shape {shape} of {dtype}"
        )
    for name, array in inputs.items():
        if np.may_share_memory(out, array):
            raise InvalidArgument(f"out must lie apart from {name} in memory, got arrays that overlap")
    return stride


def _readable(features: object) -> tuple[Array, int, int]:
    """Features that are anything but an ordinary contiguous array: in place by stride, as a copy, or refused."""
    check_features(features)
    array = np.asarray(cast(Array, features))
    dtype = native(array.dtype)
    stride = _row_stride(array)
    if array.dtype != dtype or stride is None:
        array, stride = np.array(array, dtype=dtype, order="C"), 0
    return array, cast(int, _dtype_code(dtype)), stride


def _dtype_code(dtype: np.dtype[Any]) -> int | None:
    """The library's number for a native dtype, or None."""
    # bfloat16 comes from ml_dtypes, which need not be installed: it is known by its name, and then remembered. Threads
    # may do so at once, with or without a global lock: an entry is stored as a whole, and is the same for all.
    if dtype not in _DTYPES and dtype.name == "bfloat16" and dtype.itemsize == 2:
        _DTYPES[dtype] = _library.Dtype.BF16
    return _DTYPES.get(dtype)


def _row_stride(array: Array) -> int | None:
    """Elements from one row to the next if the library can walk the array as it lies, else None."""
    rows, dim = array.shape
    down, across = array.strides
    if not array.flags.aligned or (dim > 1 and across != array.itemsize):
        return None
    if rows <= 1:
        return 0
    stride, rest = divmod(down, array.itemsize)
    return stride if rest == 0 and stride >= dim else None


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
