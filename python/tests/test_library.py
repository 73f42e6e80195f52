"""The bridge against the header, and what is said when there is no library or the wrong one."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

import pullpush
from pullpush import _library
from pullpush.options import WORDS

PACKAGE = Path(pullpush.__file__).parent
HEADER = re.sub(
    r"/\*.*?\*/", " ", (PACKAGE.parents[1] / "include" / "pullpush.h").read_text(encoding="utf-8"), flags=re.DOTALL
)

STRUCTS = {
    "pullpush_batch": _library.Batch,
    "pullpush_options": _library.Options,
    "pullpush_result": _library.Result,
}
TYPES: dict[str, Any] = {
    "size_t": ctypes.c_size_t,
    "int": ctypes.c_int,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "double": ctypes.c_double,
    "char *": ctypes.c_char_p,
    "size_t *": ctypes.POINTER(ctypes.c_size_t),
    "void *": ctypes.c_void_p,
    "float *": ctypes.c_void_p,
    "double *": ctypes.c_void_p,
    "int64_t *": ctypes.c_void_p,
} | {f"{name} *": ctypes.POINTER(struct) for name, struct in STRUCTS.items()}


def declared(text: str) -> tuple[str, Any]:
    """``const double *total`` as its name and its ctypes type."""
    match = re.fullmatch(r"\s*(?:const\s+)?(\w+)\s*(\*?)\s*(\w+)\s*", text)
    assert match, text
    return match[3], TYPES[f"{match[1]} {match[2]}".strip()]


def test_every_enum_value_is_in_the_package() -> None:
    constants = {name: int(number) for name, number in re.findall(r"\bPULLPUSH_(\w+) = (\d+)", HEADER)}
    assert len(constants) > 30
    known = {status.name: status.value for status in _library.Status}
    known |= {f"DTYPE_{dtype.name}": dtype.value for dtype in _library.Dtype}
    known |= {f"{option}_{word}".upper(): number for option, words in WORDS.items() for word, number in words.items()}
    assert known == constants


def test_every_struct_has_the_fields_of_the_header_in_their_order() -> None:
    found = re.findall(r"typedef struct (\w+) \{(.*?)\} (\w+);", HEADER, flags=re.DOTALL)
    assert {name for name, _, _ in found} == STRUCTS.keys()
    for name, body, _ in found:
        fields = [declared(line) for line in body.split(";") if line.strip()]
        assert list(STRUCTS[name]._fields_) == fields


def test_every_function_is_declared_as_in_the_header() -> None:
    found = {
        name: (
            declared(f"{result} result")[1],
            tuple(declared(part)[1] for part in arguments.split(",") if part != "void"),
        )
        for result, name, arguments in re.findall(
            r"^((?:const )?\w+ ?\*?)\s*(pullpush_\w+)\(([^)]*)\);", HEADER, flags=re.MULTILINE
        )
    }
    assert found == _library.FUNCTIONS
    for name, (result, arguments) in found.items():
        function = getattr(_library.LIBRARY, name)
        assert function.restype is result
        assert function.argtypes == arguments


def test_one_version_everywhere() -> None:
    assert re.search(r'#define PULLPUSH_VERSION_STRING "(.*)"', HEADER)[1] == pullpush.__version__  # type: ignore[index]
    number = int(re.search(r"#define PULLPUSH_VERSION (\d+)", HEADER)[1])  # type: ignore[index]
    assert number == _library.version_number(pullpush.__version__) == _library.LIBRARY.pullpush_version()
    assert _library.version_number("12.3.4") == 12_003_004
    assert _library.LIBRARY.pullpush_version_string().decode() == pullpush.__version__


def test_defaults_and_presets_of_the_header() -> None:
    """The defaults documented beside the fields, as the initialiser fills them."""
    struct = _library.Options()
    assert _library.LIBRARY.pullpush_options_init(struct, _library.OPTIONS_SIZE) == 0
    assert bytes(struct) == bytes(_library.options(WORDS["preset"]["original"]))
    values = {name: getattr(struct, name) for name, _ in struct._fields_}
    assert values == {
        "struct_size": ctypes.sizeof(struct), "normalize": 2, "self_pairs": 0, "push": 0, "reduction": 0,
        "push_between": 0, "objective": 0, "target": 0.0, "margin": 0.0, "pull_weight": 1.0, "push_weight": 1.0,
        "upstream": 1.0, "num_threads": 0, "check_finite": 0, "accumulate": 0, "reserved": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("dtype", "call"), [("float32", "pullpush_loss_f32"), ("float64", "pullpush_loss_f64")])
def test_the_plain_calls_are_the_original_loss_without_normalisation(dtype: str, call: str) -> None:
    features = cases.rows(12, 9, dtype)
    gradient = np.zeros_like(features)
    loss = ctypes.c_double()
    status = getattr(_library.LIBRARY, call)(
        features.ctypes.data, 12, 9, 3, ctypes.addressof(loss), gradient.ctypes.data
    )
    assert status == 0
    expected, slope = pullpush.value_and_grad(features, samples_per_id=3, normalize="none")
    assert loss.value == float(expected)
    np.testing.assert_array_equal(gradient, slope)


def test_every_status_has_a_sentence() -> None:
    sentences = {_library.LIBRARY.pullpush_status_string(status) for status in _library.Status}
    assert len(sentences) == len(_library.Status)
    assert _library.LIBRARY.pullpush_status_string(12345)


def test_statuses_become_exceptions() -> None:
    special = {_library.Status.ERROR_NOT_FINITE: pullpush.NotFinite, _library.Status.ERROR_MEMORY: pullpush.OutOfMemory}
    _library._check(0)
    for status in list(_library.Status)[1:]:
        expected = special.get(status, pullpush.InvalidArgument)
        with pytest.raises(expected, match="the very words"):
            _library._check(status, b"the very words")
        with pytest.raises(expected, match=re.escape(_library.LIBRARY.pullpush_status_string(status).decode())):
            _library._check(status)


def test_every_call_looks_at_its_status() -> None:
    options = _library.options(WORDS["preset"]["original"])
    batch = _library.Batch(_library.BATCH_SIZE)
    for call in (
        lambda: _library.options(99),
        lambda: _library.evaluate(batch, options),
        lambda: _library.statistics_size(0, options),
        lambda: _library.statistics_accumulate(batch, options, 0, 1),
        lambda: _library.statistics_reduce(0, 0, 1),
        lambda: _library.statistics_finish(batch, options, 0, 1),
    ):
        with pytest.raises(pullpush.InvalidArgument):
            call()


def imported(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``import pullpush`` in a new process, from wherever this one has it."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PULLPUSH_")}
    variables["PYTHONPATH"] = str(PACKAGE.parent)
    code = "import pullpush; print(pullpush.library_path(), pullpush.isa())"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=variables | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_names_the_library(tmp_path: Path) -> None:
    link = tmp_path / "elsewhere.so"
    link.symlink_to(pullpush.library_path())
    done = imported(tmp_path, PULLPUSH_LIBRARY=str(link))
    assert done.stdout.split() == [str(link), pullpush.isa()], done.stderr


def test_a_library_beside_the_package_is_found(tmp_path: Path) -> None:
    package = tmp_path / "pullpush"
    package.mkdir()
    for file in PACKAGE.glob("*.py"):
        (package / file.name).write_bytes(file.read_bytes())
    (package / _library.FILE_NAME).symlink_to(pullpush.library_path())
    done = imported(tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stdout.split()[:1] == [str(package / _library.FILE_NAME)], done.stderr


def test_a_missing_library_lists_every_path_that_was_tried(tmp_path: Path) -> None:
    done = imported(tmp_path, PULLPUSH_LIBRARY="/nowhere/libpullpush.so")
    assert "LibraryNotFound: the PullPush library could not be loaded; tried:" in done.stderr
    assert "\n  /nowhere/libpullpush.so: no such file\n" in done.stderr
    assert "set PULLPUSH_LIBRARY to the path of libpullpush.so" in done.stderr

    package = tmp_path / "up" / "pullpush"
    package.mkdir(parents=True)
    for file in PACKAGE.glob("*.py"):
        (package / file.name).write_bytes(file.read_bytes())
    done = imported(tmp_path, PYTHONPATH=str(package.parent))
    for path in (package / _library.FILE_NAME, tmp_path / "build" / _library.FILE_NAME):
        assert f"\n  {path}: no such file\n" in done.stderr


def test_a_file_that_is_no_library_is_said_to_be_none(tmp_path: Path) -> None:
    fake = tmp_path / "libpullpush.so"
    fake.write_text("not a library")
    done = imported(tmp_path, PULLPUSH_LIBRARY=str(fake))
    assert re.search(rf"LibraryNotFound: .*\n  {re.escape(str(fake))}: .+", done.stderr)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "unsigned pullpush_version(void) { return 2007; }",
            r"is version 2007 of PullPush .* this package is .* needs",
        ),
        ("unsigned pullpush_version(void) { return VERSION; }", r"is not the PullPush library of version .*pullpush_"),
        ("int unrelated;", r"is not the PullPush library of version .*pullpush_version"),
    ],
    ids=["another version", "a function missing", "another library"],
)
def test_another_version_is_refused(tmp_path: Path, source: str, message: str) -> None:
    code, fake = tmp_path / "fake.c", tmp_path / "libpullpush.so"
    code.write_text(source.replace("VERSION", str(_library.version_number(pullpush.__version__))))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", fake, code], check=True)
    done = imported(tmp_path, PULLPUSH_LIBRARY=str(fake))
    assert done.returncode == 1
    assert re.search(rf"LibraryMismatch: {re.escape(str(fake))} {message}", done.stderr), done.stderr


def test_instruction_sets() -> None:
    """Those this machine has are right, and used: AVX2 and AVX-512 round once in x y + z, and add up pairs alike."""
    told = {}
    for isa in ("baseline", "x86-64-v3", "x86-64-v4"):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("instruction_set.py"))],
            cwd=PACKAGE.parent,
            env=os.environ | {"PYTHONPATH": str(PACKAGE.parent), "PULLPUSH_ISA": isa, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told[isa] = json.loads(done.stdout)
    assert told["baseline"]["isa"] == "baseline"
    assert told["baseline"]["rest"] == [0, 0]
    if pullpush.isa() == "baseline":
        return
    assert told["x86-64-v3"]["isa"] == "x86-64-v3"
    assert told["x86-64-v3"]["rest"] == [2.0**-24, 2.0**-54]
    assert told["x86-64-v3"]["linear"] != told["baseline"]["linear"]
    assert told["x86-64-v4"]["isa"] == pullpush.isa()
    # Of raw rows AVX-512 has twice the sums.
    assert (told["x86-64-v4"]["linear"] != told["x86-64-v3"]["linear"]) == (pullpush.isa() == "x86-64-v4")
    for what in ("rest", "pairs"):
        assert told["x86-64-v4"][what] == told["x86-64-v3"][what]
