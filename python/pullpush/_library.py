"""The bridge to the shared library: the one module that knows ctypes.

It mirrors ``include/pullpush.h`` (structs, functions, status codes) and adds nothing but finding the library, refusing
one of another version and turning a status into an exception. A test compares it with the header, name by name.
"""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from enum import IntEnum
from pathlib import Path
from struct import Struct as Packing
from typing import Any

from ._version import __version__
from .checks import INT32_MAX, integer
from .errors import InvalidArgument, LibraryMismatch, LibraryNotFound, NotFinite, OutOfMemory, PullPushError

FILE_NAME = "libpullpush.so"
PATH_VARIABLE = "PULLPUSH_LIBRARY"
MESSAGE_SIZE = 1024


class Status(IntEnum):
    """``PULLPUSH_OK`` and ``PULLPUSH_ERROR_*``."""

    OK = 0
    ERROR_NULL = 10
    ERROR_STRUCT_SIZE = 20
    ERROR_DTYPE = 30
    ERROR_SIZE = 40
    ERROR_STRIDE = 50
    ERROR_ALIGNMENT = 60
    ERROR_OVERLAP = 70
    ERROR_OPTION = 80
    ERROR_NOT_FINITE = 90
    ERROR_STATISTICS = 100
    ERROR_MEMORY = 110


class Dtype(IntEnum):
    """``PULLPUSH_DTYPE_*``."""

    F32 = 1
    F64 = 2
    F16 = 3
    BF16 = 4


class Batch(ctypes.Structure):
    """``pullpush_batch``. It holds addresses only: whoever builds it keeps the arrays alive."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("features", c_void_p),
        ("rows", c_size_t),
        ("dim", c_size_t),
        ("row_stride", c_size_t),
        ("labels", c_void_p),
        ("samples_per_id", c_size_t),
        ("dtype", c_int32),
        ("reserved", c_int32),
    )


class Options(ctypes.Structure):
    """``pullpush_options``."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("normalize", c_int32),
        ("self_pairs", c_int32),
        ("push", c_int32),
        ("reduction", c_int32),
        ("push_between", c_int32),
        ("objective", c_int32),
        ("target", c_double),
        ("margin", c_double),
        ("pull_weight", c_double),
        ("push_weight", c_double),
        ("upstream", c_double),
        ("num_threads", c_int32),
        ("check_finite", c_int32),
        ("accumulate", c_int32),
        ("reserved", c_int32),
    )


class Result(ctypes.Structure):
    """``pullpush_result``."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("loss", c_double),
        ("pull", c_double),
        ("push", c_double),
        ("mean_positive", c_double),
        ("mean_negative", c_double),
        ("positive_pairs", c_uint64),
        ("negative_pairs", c_uint64),
        ("active_pairs", c_uint64),
    )


BATCH_SIZE = ctypes.sizeof(Batch)
_pack_batch = Packing("".join(kind._type_ for _, kind in Batch._fields_)).pack
OPTIONS_SIZE = ctypes.sizeof(Options)
RESULT_SIZE = ctypes.sizeof(Result)

_BATCH, _OPTIONS, _RESULT, _SIZE = POINTER(Batch), POINTER(Options), POINTER(Result), POINTER(c_size_t)

# Every function of the header: what it returns and what it takes. Float buffers are addresses (c_void_p).
FUNCTIONS: dict[str, tuple[type, tuple[type, ...]]] = {
    "pullpush_version": (c_uint32, ()),
    "pullpush_version_string": (c_char_p, ()),
    "pullpush_isa": (c_char_p, ()),
    "pullpush_status_string": (c_char_p, (c_int,)),
    "pullpush_loss_f32": (c_int, (c_void_p, c_size_t, c_size_t, c_size_t, c_void_p, c_void_p)),
    "pullpush_loss_f64": (c_int, (c_void_p, c_size_t, c_size_t, c_size_t, c_void_p, c_void_p)),
    "pullpush_options_init": (c_int, (_OPTIONS, c_size_t)),
    "pullpush_options_preset": (c_int, (_OPTIONS, c_size_t, c_int32)),
    "pullpush_evaluate": (c_int, (_BATCH, _OPTIONS, _RESULT, c_void_p, c_size_t, c_char_p, c_size_t)),
    "pullpush_statistics_size": (c_int, (c_size_t, _OPTIONS, _SIZE)),
    "pullpush_statistics_accumulate": (c_int, (_BATCH, _OPTIONS, c_void_p, c_size_t, c_char_p, c_size_t)),
    "pullpush_statistics_reduce": (c_int, (c_void_p, c_void_p, c_size_t)),
    "pullpush_statistics_finish": (
        c_int,
        (_BATCH, _OPTIONS, c_void_p, c_size_t, _RESULT, c_void_p, c_size_t, c_char_p, c_size_t),
    ),
    "pullpush_set_max_threads": (c_int, (c_int,)),
}


def version_number(text: str) -> int:
    """``"1.2.3"`` as the header's ``PULLPUSH_VERSION``: major * 1000000 + minor * 1000 + patch."""
    major, minor, patch = (int(part) for part in text.split("."))
    return major * 1_000_000 + minor * 1_000 + patch


def _candidates() -> list[Path]:
    """Where the library may be: where the environment says and nowhere else, or beside the package, or built."""
    named = os.environ.get(PATH_VARIABLE)
    if named:
        return [Path(named)]
    package = Path(__file__).resolve().parent
    return [package / FILE_NAME, package.parents[1] / "build" / FILE_NAME]


def _open() -> tuple[ctypes.CDLL, Path]:
    """Load the first library that opens, declare its functions and refuse another version than the package's."""
    reasons = []
    for path in _candidates():
        if not path.is_file():
            reasons.append(f"{path}: no such file")
            continue
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            reasons.append(f"{path}: {error}")
            continue
        _declare(library, path)
        return library, path
    tried = "".join(f"\n  {reason}" for reason in reasons)
    raise LibraryNotFound(
        f"the PullPush library could not be loaded; tried:{tried}\n"
        f"Build it with `make lib`, or set {PATH_VARIABLE} to the path of {FILE_NAME}."
    )


def _declare(library: ctypes.CDLL, path: Path) -> None:
    try:
        library.pullpush_version.restype = c_uint32
        version = library.pullpush_version()
        expected = version_number(__version__)
        if version != expected:
            raise LibraryMismatch(
                f"{path} is version {version} of PullPush (major * 1000000 + minor * 1000 + patch); "
                f"this package is {__version__} and needs {expected}"
            )
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except AttributeError as error:
        raise LibraryMismatch(f"{path} is not the PullPush library of version {__version__}: {error}") from None


LIBRARY, PATH = _open()


class _Message(threading.local):
    """The buffer for the library's error sentence, one a thread so that concurrent failures do not mix."""

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(MESSAGE_SIZE)


_message = _Message()

_EXCEPTIONS: dict[int, type[PullPushError]] = {
    Status.ERROR_NOT_FINITE: NotFinite,
    Status.ERROR_MEMORY: OutOfMemory,
}


def _check(status: int, message: bytes = b"") -> None:
    """Raise the exception of a status that is not OK, with the library's own sentence."""
    if status != Status.OK:
        text = (message or LIBRARY.pullpush_status_string(status)).decode("utf-8", "replace")
        raise _EXCEPTIONS.get(status, InvalidArgument)(text)


def options(preset: int) -> Options:
    """A new options struct, filled by the library with a preset."""
    filled = Options()
    _check(LIBRARY.pullpush_options_preset(filled, OPTIONS_SIZE, preset))
    return filled


def options_with(base: Options, upstream: float, accumulate: bool) -> Options:
    """A changed copy of ``base``, which threads share and nobody writes to."""
    changed = Options.from_buffer_copy(base)
    changed.upstream = upstream
    changed.accumulate = accumulate
    return changed


def batch(features: int, rows: int, dim: int, row_stride: int, labels: int, samples_per_id: int, dtype: int) -> Batch:
    """A batch struct; ``features`` and ``labels`` are addresses, 0 for no labels."""
    # In less than half the time that ctypes takes for the fields one by one.
    return Batch.from_buffer_copy(
        _pack_batch(BATCH_SIZE, features, rows, dim, row_stride, labels, samples_per_id, dtype, 0)
    )


def evaluate(batch: Batch, options: Options, gradient: int | None = None, gradient_stride: int = 0) -> Result:
    """``pullpush_evaluate``; ``gradient`` is an address."""
    result = Result(RESULT_SIZE)
    message = _message.buffer
    status = _evaluate(batch, options, result, gradient, gradient_stride, message, MESSAGE_SIZE)
    if status:
        _check(status, message.value)
    return result


_evaluate: Any = LIBRARY.pullpush_evaluate


def statistics_size(dim: int, options: Options) -> int:
    """``pullpush_statistics_size``."""
    count = c_size_t()
    _check(LIBRARY.pullpush_statistics_size(dim, options, count))
    return count.value


def statistics_accumulate(batch: Batch, options: Options, statistics: int, count: int) -> None:
    """``pullpush_statistics_accumulate``; ``statistics`` is an address."""
    message = _message.buffer
    status = LIBRARY.pullpush_statistics_accumulate(batch, options, statistics, count, message, MESSAGE_SIZE)
    _check(status, message.value)


def statistics_reduce(total: int, part: int, count: int) -> None:
    """``pullpush_statistics_reduce``; ``total`` and ``part`` are addresses."""
    _check(LIBRARY.pullpush_statistics_reduce(total, part, count))


def statistics_finish(
    batch: Batch,
    options: Options,
    total: int,
    count: int,
    gradient: int | None = None,
    gradient_stride: int = 0,
) -> Result:
    """``pullpush_statistics_finish``; ``total`` and ``gradient`` are addresses."""
    result = Result(RESULT_SIZE)
    message = _message.buffer
    status = LIBRARY.pullpush_statistics_finish(
        batch, options, total, count, result, gradient, gradient_stride, message, MESSAGE_SIZE
    )
    _check(status, message.value)
    return result


def isa() -> str:
    """The instruction set the kernels run with on this machine: "x86-64-v4", "x86-64-v3" or "baseline"."""
    name: bytes = LIBRARY.pullpush_isa()
    return name.decode()


def library_path() -> str:
    """The path of the shared library in use."""
    return str(PATH)


def set_max_threads(count: int) -> int:
    """Let no call use more than ``count`` threads and return the limit before.

    0 means as many as the machine has processors. The environment variable ``PULLPUSH_NUM_THREADS`` sets the initial
    value.
    """
    before: int = LIBRARY.pullpush_set_max_threads(integer("count", count, 0, INT32_MAX))
    return before
