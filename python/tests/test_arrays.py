"""Which arrays are read and written in place, which are copied, which are refused, and that nothing else is touched."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import cases
import numpy as np
import oracle
import pytest

import pullpush

SENTINEL = 77


def spaced(array: cases.Array, left: int, right: int, above: int) -> tuple[cases.Array, cases.Array]:
    """A larger buffer of sentinels, and a view into its middle that holds the array."""
    rows, dim = array.shape
    buffer = np.full((rows + 2 * above, left + dim + right), SENTINEL, array.dtype)
    view = buffer[above : above + rows, left : left + dim]
    view[...] = array
    return buffer, view


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("options", cases.every_push(), ids=cases.name)
@pytest.mark.parametrize("dim", [1, 7, 8, 9, 17, 33])
def test_strides_and_what_lies_around(dim: int, options: cases.Options, dtype: str) -> None:
    features = cases.rows(24, dim, dtype)
    for identities in ({"samples_per_id": 4}, {"labels": cases.mixed_labels(24)}):
        plain_loss, plain = pullpush.value_and_grad(features, **identities, **options)
        buffer, view = spaced(features, 3, 2, 2)
        before = buffer.copy()
        out_buffer, out = spaced(np.zeros_like(features), 1, 5, 1)
        loss, gradient = pullpush.value_and_grad(view, out=out, **identities, **options)
        assert gradient is out
        assert loss.parts() == plain_loss.parts()
        np.testing.assert_array_equal(gradient, plain)
        np.testing.assert_array_equal(buffer, before)
        out[...] = SENTINEL
        assert np.all(out_buffer == SENTINEL)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("order", cases.ORDERS)
@pytest.mark.parametrize(("rows", "dim"), [(12, 9), (12, 1), (2, 2), (1, 2)])
def test_every_order_of_memory_gives_the_same_bits(rows: int, dim: int, order: str, dtype: str) -> None:
    features = cases.rows(rows, dim, dtype)
    samples = 3 if rows == 12 else 1
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=samples)
    arranged = cases.ORDERS[order](features)
    before = arranged.copy()
    other_loss, other_gradient = pullpush.value_and_grad(arranged, samples_per_id=samples)
    assert other_loss.parts() == loss.parts()
    np.testing.assert_array_equal(other_gradient, gradient)
    np.testing.assert_array_equal(arranged, before)
    assert type(other_gradient) is np.ndarray
    assert other_gradient.dtype == features.dtype
    assert other_gradient.flags.c_contiguous


def test_rows_that_share_memory_are_read_as_they_are() -> None:
    line = cases.rows(1, 20, "float64")[0]
    for shared in (
        np.broadcast_to(line[:5], (12, 5)),
        np.lib.stride_tricks.sliding_window_view(line, 9),
    ):
        loss = pullpush.value(shared, samples_per_id=3, push="squared")
        assert loss.parts() == pullpush.value(shared.copy(), samples_per_id=3, push="squared").parts()


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_out_is_overwritten_or_added_to(dtype: str) -> None:
    features = cases.rows(12, 9, dtype)
    _, gradient = pullpush.value_and_grad(features, samples_per_id=3, normalize="none")
    out = np.full_like(features, np.nan)
    pullpush.value_and_grad(features, samples_per_id=3, normalize="none", out=out)
    np.testing.assert_array_equal(out, gradient)
    start = cases.rows(12, 9, dtype, seed=8)
    out[...] = start
    pullpush.value_and_grad(features, samples_per_id=3, normalize="none", out=out, accumulate=True)
    half_ulp = 2.0**-24 if dtype == "float32" else cases.ROUNDING.get(dtype, (2.0**-53,))[0]
    total = start.astype(np.float64) + gradient.astype(np.float64)
    np.testing.assert_allclose(out.astype(np.float64), total, rtol=2.1 * half_ulp, atol=2.1 * half_ulp * 0.5)


@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_accumulate_in_every_option(options: cases.Options) -> None:
    features = cases.rows(20, 9, "float64")
    for identities in ({"samples_per_id": 4}, {"labels": cases.mixed_labels(20)}):
        _, gradient = pullpush.value_and_grad(features, **identities, **options)
        out = np.ones_like(features)
        pullpush.value_and_grad(features, out=out, accumulate=True, **identities, **options)
        np.testing.assert_allclose(out, 1 + gradient, rtol=1e-14, atol=1e-15)


def test_a_gradient_of_one_row() -> None:
    out = np.ones((1, 4), np.float32)
    pullpush.value_and_grad(cases.rows(1, 4), samples_per_id=1, out=out)
    assert not out.any()


def test_one_label_beyond_int64_is_refused() -> None:
    labels = np.array([0, 0, 2**63, 2**63], np.uint64)
    with pytest.raises(pullpush.InvalidArgument, match="labels must fit in int64, got 9223372036854775808"):
        pullpush.value(cases.rows(4, 5), labels=labels)
    labels[2:] -= np.uint64(1)
    assert pullpush.value(cases.rows(4, 5), labels=labels).negative_pairs == 2


def test_labels_of_any_integer_type_and_order() -> None:
    features = cases.rows(8, 5)
    labels = np.array([3, 1, 3, 1, 0, 0, 3, 2])
    expected = pullpush.value(features, labels=labels).parts()
    wide = np.repeat(labels, 3)
    for given in (
        *(labels.astype(t) for t in "bBhHiIlLqQ"),
        labels.astype(">i8"),
        wide[::3],
        labels[::-1].copy()[::-1],
        labels.tolist(),
        tuple(labels.tolist()),
        np.frombuffer(b"x" + labels.tobytes(), np.int64, offset=1),
    ):
        assert pullpush.value(features, labels=given).parts() == expected


GOOD = cases.rows(12, 4)
FROZEN = np.zeros_like(GOOD)
FROZEN.flags.writeable = False

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"features": GOOD.tolist()}, r"features must be a numpy\.ndarray .* got builtins\.list"),
    ({"features": None}, r"features must be a numpy\.ndarray .* got builtins\.NoneType"),
    ({"features": np.ma.MaskedArray(GOOD)}, r"features must be a numpy\.ndarray .* got numpy\.ma\..*MaskedArray"),
    ({"features": GOOD.astype(np.int64)}, "features must be float32, .* got int64; nothing is cast silently"),
    ({"features": GOOD.astype(np.complex64)}, "features must be float32, .* got complex64"),
    ({"features": GOOD.astype(np.longdouble)}, "features must be float32, .* got (float128|float96|longdouble)"),
    ({"features": GOOD > 0}, "features must be float32, .* got bool"),
    ({"features": GOOD.astype(object)}, "features must be float32, .* got object"),
    ({"features": GOOD.astype(np.float16).view("V2")}, r"got \|V2; .*\.view\(ml_dtypes\.bfloat16\)"),
    ({"features": GOOD[0]}, r"features must have 2 dimensions .* got shape \(4,\)"),
    ({"features": GOOD[None]}, r"features must have 2 dimensions .* got shape \(1, 12, 4\)"),
    ({"features": GOOD[:0]}, r"rows.*\b0\b"),
    ({"features": GOOD[:, :0]}, r"dim.*\b0\b"),
    ({"samples_per_id": None}, "either samples_per_id or labels must be given, got neither"),
    ({"labels": [0] * 12}, "samples_per_id must not be given beside labels, got samples_per_id=3"),
    ({"samples_per_id": 0}, "samples_per_id must be an integer from 1 to .* got 0"),
    ({"samples_per_id": -3}, "samples_per_id must be an integer from 1 to .* got -3"),
    ({"samples_per_id": 3.0}, "samples_per_id must be an integer from 1 to .* got 3.0"),
    ({"samples_per_id": "3"}, "samples_per_id must be an integer from 1 to .* got '3'"),
    ({"samples_per_id": 2**64 + 3}, "samples_per_id must be an integer from 1 to .* got 18446744073709551619"),
    ({"samples_per_id": 5}, r"samples_per_id.*\b5\b|\b5\b.*samples_per_id"),
    ({"samples_per_id": 24}, r"samples_per_id.*\b24\b|\b24\b.*samples_per_id"),
    ({"samples_per_id": None, "labels": [0] * 11}, r"labels must have one label .* the 12 rows, got shape \(11,\)"),
    ({"samples_per_id": None, "labels": [[0] * 12]}, r"labels must have one label .* got shape \(1, 12\)"),
    ({"samples_per_id": None, "labels": [0.0] * 12}, "labels must be integers, got float64; .*return_inverse"),
    ({"samples_per_id": None, "labels": ["a"] * 12}, "labels must be integers, got <U1; .*return_inverse"),
    ({"samples_per_id": None, "labels": [True] * 12}, "labels must be integers, got bool"),
    ({"samples_per_id": None, "labels": [2**63] * 12}, "labels must fit in int64, got 9223372036854775808"),
    ({"upstream": "big"}, "upstream must be a finite number, got 'big'"),
    ({"upstream": None}, "upstream must be a finite number, got None"),
    ({"upstream": np.nan}, "upstream.*(?i:nan|finite)"),
    ({"upstream": np.inf}, "upstream.*(?i:inf|finite)"),
    ({"samples_per_id": None, "labels": [[0], [0, 0]] * 6}, r"labels must have one integer .* got builtins\.list"),
    ({"accumulate": "yes", "out": np.zeros_like(GOOD)}, "accumulate must be True or False, got 'yes'"),
    ({"accumulate": True}, "out must be given when accumulate=True adds to it, got out=None"),
    ({"out": GOOD.tolist()}, r"out must be a numpy\.ndarray, got builtins\.list"),
    ({"out": np.zeros((12, 4))}, r"out must have shape \(12, 4\) of float32, got shape \(12, 4\) of float64"),
    ({"out": np.zeros((11, 4), np.float32)}, r"out must have shape \(12, 4\) of float32, got shape \(11, 4\)"),
    ({"out": np.zeros((12, 4), ">f4")}, "out must have shape .* of float32, got shape .* of >f4"),
    ({"out": FROZEN}, "out must be writable, got a read-only array"),
    ({"out": np.zeros((4, 12), np.float32).T}, r"out must be aligned, .* got strides \(4, 48\)"),
    ({"out": np.zeros((12, 4), np.float32)[::-1]}, r"out must be aligned, .* got strides \(-16, 4\)"),
    ({"out": np.zeros((12, 8), np.float32)[:, ::2]}, r"out must be aligned, .* got strides \(32, 8\)"),
    (
        {"out": np.frombuffer(bytearray(1 + 12 * 4 * 4), np.float32, 48, offset=1).reshape(12, 4)},
        "out must be aligned",
    ),
    ({"out": np.lib.stride_tricks.as_strided(np.zeros(48, np.float32), (12, 4), (4, 4))}, r"got strides \(4, 4\)"),
    ({"out": GOOD}, "out must lie apart from features in memory, got arrays that overlap"),
    ({"features": GOOD[::-1], "out": GOOD}, "out must lie apart from features"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_refused_with_a_sentence(changes: dict[str, Any], message: str) -> None:
    before = GOOD.copy()
    arguments: dict[str, Any] = {"features": GOOD, "samples_per_id": 3} | changes
    with pytest.raises(pullpush.InvalidArgument, match=message):
        pullpush.value_and_grad(**arguments)
    np.testing.assert_array_equal(GOOD, before)
    assert not np.any(FROZEN)


def test_out_that_interleaves_with_the_features_is_refused() -> None:
    """Halves of the same rows share no number, but neither lies apart from the other."""
    buffer = np.ones((12, 8), np.float32)
    with pytest.raises(pullpush.InvalidArgument, match="out must lie apart from features"):
        pullpush.value_and_grad(buffer[:, :4], samples_per_id=3, out=buffer[:, 4:])
    assert np.all(buffer == 1)


GUARDED = """
import ctypes, mmap
import numpy as np
import cases, pullpush

PAGE = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)
keep = []

def fenced(array, at_end):
    # Whole pages between two that must not be touched; the array leans on one fence or the other.
    pages = -(-array.nbytes // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for fence in (start, start + (pages + 1) * PAGE):
        assert libc.mprotect(ctypes.c_void_p(fence), ctypes.c_size_t(PAGE), 0) == 0
    keep.append(memory)
    offset = PAGE + (pages * PAGE - array.nbytes if at_end else 0)
    view = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    view[...] = array
    return view

labels = [fenced(cases.mixed_labels(12), at_end) for at_end in (False, True)]
for dtype in cases.DTYPES:
    for dim in cases.EDGE_DIMS:
        for at_end in (False, True):
            features = fenced(cases.rows(12, dim, dtype), at_end)
            out = fenced(np.zeros_like(features), at_end)
            for options in cases.every_push():
                for identities in ({"samples_per_id": 4}, {"labels": labels[at_end]}):
                    pullpush.value_and_grad(features, out=out, **identities, **options)
print("untouched")
"""


def test_nothing_beyond_the_buffers_is_read_or_written(request: pytest.FixtureRequest) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GUARDED], cwd=request.path.parent, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "untouched", f"status {done.returncode}: {done.stderr}"


def test_bfloat16_is_the_oracle_on_widened_numbers() -> None:
    features = cases.rows(12, 9, "bfloat16")
    loss = pullpush.value(features, samples_per_id=3)
    assert float(loss) == pytest.approx(oracle.evaluate(features, samples_per_id=3).loss, rel=1e-6)
    assert float(loss) == pytest.approx(float(pullpush.value(features.astype(np.float32), samples_per_id=3)), rel=1e-6)
