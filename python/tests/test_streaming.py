"""Files larger than memory: the same numbers, a bounded footprint, and files that stay whole."""

from __future__ import annotations

import pickle
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import cases
import numpy as np
import oracle
import pytest

import pullpush

FEATURES = cases.rows(60, 9)
EXPECTED = oracle.evaluate(FEATURES, samples_per_id=4)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "features.npy"
    np.save(path, FEATURES)
    return path


@pytest.mark.parametrize("block_bytes", [1, 500, 2**25])
def test_a_file_gives_what_its_rows_give(source: Path, tmp_path: Path, block_bytes: int) -> None:
    out = tmp_path / "gradient.npy"
    loss = pullpush.stream(source, samples_per_id=4, out=out, block_bytes=block_bytes)
    cases.assert_matches(loss, np.load(out), EXPECTED, "float32")
    assert pullpush.stream(str(source), samples_per_id=4, block_bytes=block_bytes).parts() == loss.parts()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.npy", "gradient.npy"]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("push", ["linear", "squared"])
@pytest.mark.parametrize("between", ["representatives", "centroids", "all"])
def test_memory_maps_of_every_type(tmp_path: Path, between: str, push: str, dtype: str) -> None:
    shape = (60, 9)
    element = cases.DTYPES[dtype]
    source = np.memmap(tmp_path / "raw", element, "w+", offset=24, shape=shape)
    source[...] = cases.rows(*shape, dtype)
    out = np.memmap(tmp_path / "out", element, "w+", shape=shape)
    options: dict[str, Any] = {"push": push, "push_between": between}
    loss = pullpush.stream(source, samples_per_id=4, out=out, upstream=2.0, block_bytes=300, **options)
    expected = oracle.evaluate(source, samples_per_id=4, upstream=2.0, **options)
    cases.assert_matches(loss, np.asarray(out), expected, dtype)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out", element).reshape(shape), out)


@pytest.mark.parametrize("block_bytes", [1, 200, 500, 10**6])
def test_labels_in_runs(source: Path, block_bytes: int) -> None:
    labels = np.repeat([5, -2, 9, 0, 2**63 - 1, -(2**63)], [1, 20, 3, 30, 5, 1])
    out = np.zeros_like(FEATURES)
    loss = pullpush.stream(source, labels=labels, out=out, block_bytes=block_bytes)
    cases.assert_matches(loss, out, oracle.evaluate(FEATURES, labels=labels), "float32")


def blocks(source: cases.Array, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> list[int]:
    """The rows of each block, as a progress bar is told of them."""
    counts: list[int] = []

    class Bar:
        def __init__(self, **told: Any) -> None:
            pass

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def update(self, count: int) -> None:
            counts.append(count)

    monkeypatch.setitem(sys.modules, "tqdm", types.SimpleNamespace(tqdm=Bar))
    pullpush.stream(source, progress=True, **arguments)
    return counts


@pytest.mark.parametrize("runs", [[4] * 15, [1, 20, 3, 30, 5, 1], [1] * 60], ids=["fours", "any", "ones"])
@pytest.mark.parametrize("block_rows", [1, 3, 4, 7, 8, 21, 24, 30, 33, 59, 60, 1000])
def test_blocks_are_whole_identities_up_to_their_bytes(
    block_rows: int, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes the next identity as long as that fits."""
    expected: list[int] = []
    for run in runs:
        if expected and expected[-1] + run <= block_rows:
            expected[-1] += run
        else:
            expected.append(run)
    ways: list[dict[str, Any]] = [{"labels": np.repeat(np.arange(len(runs)), runs)}]
    ways += [{"samples_per_id": runs[0]}] if len(set(runs)) == 1 else []
    for identities in ways:
        for spare_bytes in (0, 9 * 4 - 1):
            block_bytes = 9 * 4 * block_rows + spare_bytes
            assert blocks(FEATURES, monkeypatch, block_bytes=block_bytes, **identities) == expected


def test_blocks_are_32_mib_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.zeros((2**16 + 4, 512), np.float16)
    assert blocks(rows, monkeypatch, samples_per_id=4) == [2**15, 2**15, 4]


def test_arrays_of_any_order_stream_too(tmp_path: Path) -> None:
    np.save(tmp_path / "fortran.npy", np.asfortranarray(FEATURES))
    np.save(tmp_path / "swapped.npy", FEATURES.astype(FEATURES.dtype.newbyteorder()))
    for source in (FEATURES, FEATURES[::-1][::-1], tmp_path / "fortran.npy", tmp_path / "swapped.npy"):
        out = np.zeros_like(FEATURES)
        loss = pullpush.stream(source, samples_per_id=4, out=out, block_bytes=100)
        cases.assert_matches(loss, out, EXPECTED, "float32")


def test_private_changes_to_a_map_survive(source: Path) -> None:
    """Pages changed in a copy-on-write map exist in memory only and must not be dropped."""
    private = np.load(source, mmap_mode="c")
    private[...] = cases.rows(60, 9, seed=4)
    expected = pullpush.value(cases.rows(60, 9, seed=4), samples_per_id=4)
    loss = pullpush.stream(private, samples_per_id=4, block_bytes=100)
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)
    np.testing.assert_array_equal(private, cases.rows(60, 9, seed=4))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"push": "hinge"}, "push='hinge' looks at every pair and has no additive statistics"),
    ({"samples_per_id": None}, "either samples_per_id or labels must be given"),
    ({"samples_per_id": 7}, "samples_per_id must divide the number of rows, 60, got 7"),
    ({"samples_per_id": 0}, "samples_per_id must be an integer from 1"),
    ({"samples_per_id": None, "labels": [1] * 20 + [2] * 20 + [1] * 20}, "got label 1 in 2 separate places"),
    ({"samples_per_id": None, "labels": [1] * 59}, "labels must have one label for each of the 60 rows"),
    ({"block_bytes": 0}, "block_bytes must be an integer from 1"),
    ({"upstream": "x", "out": np.zeros_like(FEATURES)}, "upstream must be a finite number"),
    ({"out": np.zeros((61, 9), np.float32)}, r"out must have shape \(60, 9\) of float32"),
    ({"out": np.zeros((60, 9))}, "out must have shape .* got shape .* of float64"),
    ({"source": FEATURES[:0]}, "source must have at least 1 row, got 0"),
    ({"source": FEATURES.astype(int)}, "source must be float32, .* got int64"),
    ({"source": FEATURES[0]}, "source must have 2 dimensions"),
    ({"source": [[1.0]]}, "source must be a numpy.ndarray"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:50] for _, message in REFUSED])
def test_refused_with_a_sentence(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"source": FEATURES, "samples_per_id": 4} | changes
    with pytest.raises(pullpush.InvalidArgument, match=message):
        pullpush.stream(**arguments)
    assert not np.any(arguments.get("out", 0))


@pytest.mark.parametrize("content", [b"", b"rows", pickle.dumps(FEATURES)], ids=["empty", "text", "pickle"])
def test_what_is_no_file_of_numbers_is_refused(tmp_path: Path, content: bytes) -> None:
    wrong = tmp_path / "wrong.npy"
    wrong.write_bytes(content)
    with pytest.raises(
        pullpush.InvalidArgument, match=r"source must be an \.npy file of numbers, got '.*wrong\.npy': "
    ):
        pullpush.stream(wrong, samples_per_id=4)


def test_a_gradient_needs_the_name_of_a_file() -> None:
    for nameless in ("", ".", "/"):
        with pytest.raises(pullpush.InvalidArgument, match="out must be the path of a file, got "):
            pullpush.stream(FEATURES, samples_per_id=4, out=nameless)


def test_a_gradient_over_its_own_features_is_refused(source: Path) -> None:
    features, same = np.load(source, mmap_mode="r"), np.load(source, mmap_mode="r+")
    with pytest.raises(pullpush.InvalidArgument, match="out must be another file than the features"):
        pullpush.stream(features, samples_per_id=4, out=same)
    with pytest.raises(pullpush.InvalidArgument, match="out must lie apart from source"):
        pullpush.stream(same, samples_per_id=4, out=same)
    with pytest.raises(pullpush.InvalidArgument, match="out must be another file than the features"):
        pullpush.stream(source, samples_per_id=4, out=source)
    np.testing.assert_array_equal(np.load(source), FEATURES)


def test_a_failure_leaves_no_file_and_an_old_one_as_it_was(source: Path, tmp_path: Path) -> None:
    bad = FEATURES.copy()
    bad[41, 3] = np.inf
    np.save(source, bad)
    old = tmp_path / "old.npy"
    old.write_bytes(b"old")
    for out in (old, tmp_path / "new.npy"):
        with pytest.raises(pullpush.NotFinite):
            pullpush.stream(source, samples_per_id=4, out=out, check_finite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.npy", "old.npy"]
    assert old.read_bytes() == b"old"


def test_the_bad_row_is_named_as_in_the_file() -> None:
    bad = FEATURES.copy()
    bad[41, 3] = np.inf
    with pytest.raises(
        pullpush.NotFinite, match="row 41 of source holds a NaN or an infinity: expected finite numbers"
    ):
        pullpush.stream(bad, samples_per_id=4, check_finite=True, block_bytes=400)


def test_progress(source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pullpush.stream(source, samples_per_id=4, progress=True)
    assert "60.0/60.0" in capsys.readouterr().err
    pullpush.stream(source, samples_per_id=4, out=np.zeros_like(FEATURES), progress=True)
    assert "120/120" in capsys.readouterr().err
    for quiet in (None, False):
        pullpush.stream(source, samples_per_id=4, progress=quiet)
        assert capsys.readouterr().err == ""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    pullpush.stream(source, samples_per_id=4)
    with pytest.raises(pullpush.InvalidArgument, match="progress=True needs tqdm"):
        pullpush.stream(source, samples_per_id=4, progress=True)


FOOTPRINT = """
import re, sys
import pullpush

def peak():  # of this program alone: ru_maxrss would begin with that of the parent
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

before = peak()
loss = pullpush.stream(sys.argv[1], samples_per_id=4, out=sys.argv[2])
print(float(loss), loss.push, peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_two_gibibytes_in_little_memory(tmp_path: Path) -> None:
    rows, dim, copies = 2**15, 512, 32
    chunk = cases.rows(rows, dim)
    path, out = tmp_path / "large.npy", tmp_path / "gradient.npy"
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows * copies, dim)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(copies):
            file.write(chunk.data)
    assert path.stat().st_size > 2**31
    done = subprocess.run([sys.executable, "-c", FOOTPRINT, path, out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loss, push, grown = (float(word) for word in done.stdout.split())
    assert grown < 160 * 2**20

    unit = chunk.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True) + 1e-7
    ids = copies * rows // 4
    pull = (16 - (unit.reshape(-1, 4, dim).sum(axis=1) ** 2).sum(axis=1)).mean() / 12
    total = copies * unit[::4].sum(axis=0)
    assert push == pytest.approx((total @ total - ids) / (ids * (ids - 1)), rel=1e-5, abs=1e-12)
    assert loss == pytest.approx(pull + push, rel=1e-6)
    gradient = np.load(out, mmap_mode="r")
    assert gradient.shape == (rows * copies, dim)
    np.testing.assert_array_equal(gradient[:100], gradient[-rows : -rows + 100])
    assert np.all(np.isfinite(gradient[::997]))
    assert np.all(np.any(gradient[::997], axis=1))
