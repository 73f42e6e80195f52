"""Programs for tests that need a process of their own: each public function is one, and asserts what it must find.

Nothing is imported but the package and NumPy, for worker processes import this module anew.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from array import array
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pullpush

LIMIT = 100.0
OPTIONS: list[dict[str, Any]] = [{}, {"push": "squared"}, {"push": "hinge", "margin": -0.1}, {"normalize": "l2"}]


def run(program: str, *arguments: str) -> None:
    """Run one of the functions below in a new process, and end it with all its children when time is up."""
    command = [sys.executable, "-c", "import sys, programs; getattr(programs, sys.argv[1])(*sys.argv[2:])", program]
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail(f"{program} {arguments} did not end within {LIMIT} s")
    assert process.returncode == 0, f"{program} {arguments} ended with status {process.returncode}\n{printed}"


def rows(count: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """Random rows."""
    return np.random.default_rng(seed).standard_normal((count, dim), dtype=np.float32)


def outcome(number: int) -> tuple[dict[str, float], bytes]:
    """All that a call gives that several threads work on; the number decides what is called."""
    features = rows(2048, 64, seed=number)
    options = OPTIONS[number % len(OPTIONS)]
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=4, num_threads=3, **options)
    return loss.parts(), gradient.tobytes()


def helpers() -> int:
    """The threads of this process that Python does not know."""
    return len(list(Path("/proc/self/task").iterdir())) - threading.active_count()


def outcome_in_worker(number: int) -> tuple[dict[str, float], bytes]:
    """The same, in a process that has to have helper threads of its own for it."""
    pullpush.set_max_threads(3)
    found = outcome(number)
    assert helpers() > 0
    return found


def pool(method: str, when: str) -> None:
    """Worker processes of every kind, started before the library is first used or after."""
    pullpush.set_max_threads(3)
    if when == "after use":
        outcome(0)
        assert helpers() > 0
    with multiprocessing.get_context(method).Pool(3) as workers:
        found = workers.map(outcome_in_worker, range(12), chunksize=1)
    assert found == [outcome(number) for number in range(12)]


def fork_from_threads() -> None:
    """Executors that other threads start, while the main thread is in one call after the other."""
    pullpush.set_max_threads(3)
    expected = [outcome(number) for number in range(6)]
    found: list[list[Any]] = []

    def execute() -> None:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as executor:
            found.append(list(executor.map(outcome_in_worker, range(6))))

    threads = [threading.Thread(target=execute) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert outcome(1) == expected[1]
    assert found == [expected] * 2


INTERPRETER = """
import array, ctypes
library = ctypes.CDLL(path)
features = array.array("f", range(1, 65))
gradient = array.array("f", bytes(256))
loss = ctypes.c_double()
address = lambda numbers: ctypes.c_void_p(numbers.buffer_info()[0])
size = ctypes.c_size_t
status = library.pullpush_loss_f32(address(features), size(8), size(8), size(2), ctypes.byref(loss), address(gradient))
assert (status, loss.value, sum(gradient)) == expected, (status, loss.value, sum(gradient))
"""


def subinterpreters() -> None:
    """The C interface through ctypes in interpreters beside the main one, one after the other and at once."""
    try:
        import _xxsubinterpreters as interpreters  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        import _interpreters as interpreters  # type: ignore[import-not-found,no-redef,unused-ignore]
    features = np.arange(1, 65, dtype=np.float32).reshape(8, 8)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=2, normalize="none")
    expected = (0, float(loss), sum(array("f", gradient.tobytes())))
    code = f"path = {pullpush.library_path()!r}\nexpected = {expected!r}\n{INTERPRETER}"
    failures: list[object] = []

    def interpret() -> None:
        try:
            for _ in range(5):
                interpreter = interpreters.create()
                failures.append(interpreters.run_string(interpreter, code))
                interpreters.destroy(interpreter)
        except Exception as error:
            failures.append(error)

    interpret()
    threads = [threading.Thread(target=interpret) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [None] * 25


class Watch(threading.Thread):
    """Looks at a gradient of NaNs until it is written, and says whether it saw it half written, by a call under way."""

    def __init__(self, gradient: NDArray[np.float32], *, interrupt: bool) -> None:
        super().__init__(daemon=True)
        self.gradient = gradient
        self.interrupt = interrupt
        self.saw = False
        self.start()

    def run(self) -> None:
        """Look; and interrupt what is seen."""
        while np.isnan(self.gradient[0, 0]):
            pass
        self.saw = bool(np.isnan(self.gradient[-1, -1]))
        if self.saw and self.interrupt:
            os.kill(os.getpid(), signal.SIGINT)


def other_threads_go_on() -> None:
    """Another thread of Python's sees the work of a call under way."""
    features = rows(100_000, 64)
    saw = False
    while not saw:
        gradient = np.full_like(features, np.nan)
        watch = Watch(gradient, interrupt=False)
        pullpush.value_and_grad(features, samples_per_id=4, out=gradient, num_threads=1)
        watch.join()
        saw = watch.saw


def interrupt(num_threads: str) -> None:
    """Control-C in the middle of a call takes effect when the call is complete, and the next calls are right."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    features = rows(100_000, 64)
    loss_fn = pullpush.PullPushLoss(num_threads=int(num_threads))
    pullpush.set_max_threads(4)
    expected = loss_fn(features, samples_per_id=4)
    try:
        while True:
            gradient = np.full_like(features, np.nan)
            watch = Watch(gradient, interrupt=True)
            loss_fn.value_and_grad(features, samples_per_id=4, out=gradient)
            watch.join()
    except KeyboardInterrupt:
        np.testing.assert_array_equal(gradient, expected.backward())
    again = loss_fn(features, samples_per_id=4)
    assert again.parts() == expected.parts()
    np.testing.assert_array_equal(again.backward(), expected.backward())


def resident() -> int:
    """The memory of this process that is its own, in KiB."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


class Mallinfo2(ctypes.Structure):
    """What glibc says of its heap."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names)


def allocated() -> int:
    """Bytes that are allocated from glibc, by the library or by Python."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo2
    info = mallinfo2()
    total: int = info.uordblks + info.hblkhd
    return total


def soak(calls: str) -> None:
    """Many calls, right and wrong ones, leave no object, no reference and no memory behind."""
    features, gradient = rows(8, 5), np.zeros((8, 5), np.float32)
    labels = np.array([3, 3, 1, 1, 2, 2, 3, 1])
    loss_fn = pullpush.PullPushLoss.preset("orthogonal")
    plain = memoryview(array("d", range(1, 9))).cast("B").cast("d", (4, 2))
    held = [features, gradient, labels, loss_fn, plain]

    def call() -> None:
        loss_fn(features, labels=labels).backward()
        pullpush.value_and_grad(features, samples_per_id=2, out=gradient, accumulate=True, upstream=1e-9)
        pullpush.value(plain, samples_per_id=2)
        for wrong in (7, "2"):
            try:
                pullpush.value_and_grad(features, samples_per_id=wrong, out=gradient)  # type: ignore[arg-type]
            except pullpush.InvalidArgument:
                continue
            raise AssertionError("a mistake was taken")

    def state() -> tuple[list[int], int, int]:
        gc.collect()
        return [sys.getrefcount(thing) for thing in held], len(gc.get_objects()), sys.getallocatedblocks()

    def repeat(count: int) -> None:
        for _ in range(count):
            call()

    turns = int(calls) // 5
    repeat(turns // 10)
    state()
    references, objects, blocks = state()
    allocated_before, resident_before = allocated(), resident()
    repeat(turns - turns // 10)
    references_after, objects_after, blocks_after = state()
    assert references_after == references
    assert objects_after <= objects + 5
    assert blocks_after <= blocks + 50
    assert allocated() - allocated_before <= 65536
    # Python makes a table of a few MiB anew now and then, and glibc keeps the room of the old one.
    assert resident() - resident_before <= 4096
