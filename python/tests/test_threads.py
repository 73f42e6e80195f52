"""Threads within a call change no bit, calls at once do not mix, and a forked child works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import cases
import numpy as np
import pytest

import pullpush


@pytest.fixture(autouse=True)
def _as_many_threads_as_asked() -> Iterator[None]:
    before = pullpush.set_max_threads(16)
    yield
    pullpush.set_max_threads(before)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("options", cases.every_push(), ids=cases.name)
def test_the_same_bits_for_any_number_of_threads(options: cases.Options, dtype: str) -> None:
    count, dim = (4096, 96) if options["push"] == "linear" else (768, 96)
    features = cases.rows(count, dim, dtype)
    for identities in ({"samples_per_id": 4}, {"labels": np.random.default_rng(0).integers(0, 200, count)}):
        one, gradient = pullpush.value_and_grad(features, num_threads=1, **identities, **options)
        for threads in (0, 2, 3, 16):
            loss, other = pullpush.value_and_grad(features, num_threads=threads, **identities, **options)
            assert loss.parts() == one.parts()
            np.testing.assert_array_equal(other, gradient)


def test_the_limit_is_returned_and_kept() -> None:
    assert pullpush.set_max_threads(1) == 16
    assert pullpush.set_max_threads(0) == 1
    for wrong in (-1, 1.5, 2**31, None):
        with pytest.raises(pullpush.InvalidArgument, match="count must be an integer from 0 to 2147483647"):
            pullpush.set_max_threads(wrong)  # type: ignore[arg-type]


def test_calls_at_once_do_not_mix() -> None:
    work: list[tuple[cases.Array, dict[str, Any]]] = [
        (cases.rows(24 + 24 * (number % 5), 8 + number, seed=number), options | {"num_threads": number % 3})
        for number, options in enumerate(cases.every_push())
    ]
    expected = [pullpush.value_and_grad(features, samples_per_id=4, **options) for features, options in work]
    together = Barrier(4)

    def repeat(worker: int) -> None:
        together.wait()
        for turn in range(150):
            number = (turn * 7 + worker) % len(work)
            features, options = work[number]
            loss, gradient = pullpush.value_and_grad(features, samples_per_id=4, upstream=1.0, **options)
            assert loss.parts() == expected[number][0].parts()
            np.testing.assert_array_equal(gradient, expected[number][1])

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(repeat, worker) for worker in range(4)]:
            done.result()


def test_errors_at_once_do_not_mix() -> None:
    features = cases.rows(60, 4)
    together = Barrier(4)

    def fail(wrong: int) -> None:
        together.wait()
        for _ in range(300):
            with pytest.raises(pullpush.InvalidArgument, match=rf"\b{wrong}\b"):
                pullpush.value(features, samples_per_id=wrong)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(fail, wrong) for wrong in (7, 11, 13, 17)]:
            done.result()


FORKED = """
import os, signal
import cases, pullpush
features = cases.rows(4096, 128)
expected = pullpush.value(features, samples_per_id=4, num_threads=2).parts()
child = os.fork()
if child == 0:
    signal.alarm(30)  # a child that waits for threads it does not have is ended, and seen to be
    same = pullpush.value(features, samples_per_id=4, num_threads=2).parts() == expected
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_works(request: pytest.FixtureRequest) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED], cwd=request.path.parent, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "0", f"{done.stdout} {done.stderr}"
