"""The C in `c/`: compiled for this machine, loaded, and made into contestants that no Python slows down."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import subprocess
import weakref
from ctypes import c_double, c_int, c_int32, c_int64, c_long, c_size_t, c_void_p
from pathlib import Path

import pullpush
from pullpush.options import WORDS
from shapes import Batch
from timing import Contestant, Key, Outcome

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "c"
INCLUDE = HERE.parent / "include"
BUILT = HERE.parent / "build" / "benchmarks"
COMPILE = ("gcc", "-std=gnu11", "-O3", "-march=native", "-fopenmp-simd", "-fPIC", "-shared", "-pthread")
WARNINGS = ("-Wall", "-Wextra", "-Werror")

FUNCTIONS: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "task_new": (c_void_p, (c_void_p, c_void_p, c_size_t, c_size_t, c_size_t, c_void_p, c_int32, c_int32)),
    "task_free": (None, (c_void_p,)),
    "task_loss": (c_double, (c_void_p,)),
    "task_time": (c_int64, (c_void_p, c_void_p, c_long)),
    "copy_time": (c_int64, (c_void_p, c_void_p, c_size_t, c_int, c_long)),
    "copy_fours_time": (c_int64, (c_void_p, c_void_p, c_size_t, c_size_t, c_long)),
    "fma_widest": (c_int, ()),
    "fma_time": (c_int64, (c_int, c_int, c_long)),
    "fma_operations": (c_long, (c_int,)),
    "add_time": (c_int64, (c_long,)),
}


def contestant(name: str, call: str, batch: Batch, options: CallOptions | None = None, threads: int = 1) -> Contestant:
    """A C function of type `call` on a batch, on so many threads."""
    given = options or CallOptions()
    task = Task(batch, given)
    function = ctypes.cast(getattr(native(), call), c_void_p).value

    def timer(loops: int) -> int:
        pullpush.set_max_threads(threads)
        return int(native().task_time(function, task.address, loops))

    def outcome() -> Outcome:
        timer(1)
        return task.loss, batch.gradient

    return Contestant(Key(name, given.normalize, threads), timer, outcome)


class CallOptions:
    """What a C call is told beside the batch: the words of the library's options, and whether labels name the rows."""

    def __init__(self, normalize: str = "none", push: str = "linear", labelled: bool = False) -> None:
        """With the defaults, the call that has no options."""
        self.normalize = normalize
        self.push = push
        self.labelled = labelled


class Task:
    """A `struct task`, and the batch whose addresses it holds."""

    def __init__(self, batch: Batch, options: CallOptions) -> None:
        """Prepare a call that reads the batch and writes its gradient."""
        self._batch = batch
        address = native().task_new(
            batch.features(options.normalize).ctypes.data,
            batch.labels.ctypes.data if options.labelled else None,
            *batch.shape,
            batch.gradient.ctypes.data,
            WORDS["normalize"][options.normalize],
            WORDS["push"][options.push],
        )
        if address is None:
            raise MemoryError(f"no memory for a task of {batch.shape}")
        self.address: int = address
        weakref.finalize(self, native().task_free, address)

    @property
    def loss(self) -> float:
        """What the last call returned."""
        return float(native().task_loss(self.address))


@functools.cache
def native() -> ctypes.CDLL:
    """The compiled functions, which call the library that the Python package has loaded."""
    ctypes.CDLL(pullpush.library_path(), mode=ctypes.RTLD_GLOBAL)  # where their undefined names are found
    library = ctypes.CDLL(str(compiled()))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


def compiled() -> Path:
    """The shared object, compiled again when a source, the compiler or the machine has changed."""
    sources = sorted(SOURCES.glob("*.c"))
    target = subprocess.run([*COMPILE, "-Q", "--help=target"], check=True, capture_output=True).stdout
    inputs = [path.read_bytes() for path in (*sources, SOURCES / "task.h", INCLUDE / "pullpush.h")]
    digest = hashlib.sha256(b"\0".join([*inputs, target, " ".join(COMPILE).encode()])).hexdigest()
    path = BUILT / f"native-{digest[:16]}.so"
    if not path.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        subprocess.run([*COMPILE, *WARNINGS, f"-I{INCLUDE}", *map(str, sources), "-o", str(fresh), "-lm"], check=True)
        fresh.rename(path)
    return path
