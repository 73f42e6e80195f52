"""Rows gigabytes apart, and sizes beyond all memory."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import batches
import numpy as np
import pullpush
import pytest
from pullpush import _library

# Python 3.13 knows it.
MAP_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
TOO_LARGE = (_library.Status.ERROR_SIZE, _library.Status.ERROR_MEMORY)


@pytest.mark.parametrize("options", [{}, batches.ORTHOGONAL, {"push": "hinge", "push_between": "all"}], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_rows_gigabytes_apart(dtype: str, options: Any) -> None:
    """Only the pages that hold the rows exist."""
    rows = batches.spread(6, 37, "apart").astype(dtype)
    apart = 2**32 + 4096
    maps = [mmap.mmap(-1, 6 * apart, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE) for _ in range(2)]
    strides = (apart, rows.itemsize)
    features, gradient = (np.ndarray(rows.shape, rows.dtype, memory, strides=strides) for memory in maps)
    features[...] = rows
    loss, _ = pullpush.value_and_grad(features, samples_per_id=2, out=gradient, **options)
    expected, expected_gradient = pullpush.value_and_grad(rows, samples_per_id=2, **options)
    assert loss.parts() == expected.parts()
    np.testing.assert_array_equal(gradient, expected_gradient)


@pytest.mark.parametrize("between", batches.BETWEEN)
@pytest.mark.parametrize("push", batches.PUSHES)
@pytest.mark.parametrize("dtype", list(_library.Dtype))
def test_sizes_beyond_memory_are_refused(dtype: _library.Dtype, push: str, between: Any) -> None:
    """Rows of 2^44 elements and more, whatever a product of sizes would wrap around to: a status, and no access."""
    options = pullpush.options.Options(**batches.PUSHES[push], push_between=between).struct
    memory = np.ones(64)
    before = memory.copy()
    address = memory.ctypes.data
    for dim in (2**exponent + extra for exponent in range(44, 64) for extra in (-1, 0, 1, 2**40)):
        for rows in (1, 2, 3):
            batch = _library.Batch(_library.BATCH_SIZE, address, rows, dim, 0, None, 1, dtype, 0)
            result = _library.Result(_library.RESULT_SIZE)
            message = ctypes.create_string_buffer(200)
            for gradient, refused in ((None, TOO_LARGE), (address + 256, (*TOO_LARGE, _library.Status.ERROR_OVERLAP))):
                status = _library.LIBRARY.pullpush_evaluate(batch, options, result, gradient, 0, message, 200)
                assert status in refused, (dim, rows, message.value)
                assert message.value
    assert np.array_equal(memory, before)
