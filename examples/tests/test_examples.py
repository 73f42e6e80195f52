"""Every example is built as its reader would build it, run, and its output compared with the file beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1]
ROOT = EXAMPLES.parent
BUILD = ROOT / "build"

COMPILERS = {
    ".c": [os.environ.get("CC", "cc"), "-std=c99"],
    ".cpp": [os.environ.get("CXX", "c++"), "-std=c++17"],
}
STRICT = ["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
LINK = [f"-I{ROOT / 'include'}", f"-L{BUILD}", "-lpullpush", f"-Wl,-rpath,{BUILD}"]
RUST = ["rustc", "--edition", "2021", "-D", "warnings", "-L", str(BUILD), "-C", f"link-arg=-Wl,-rpath,{BUILD}"]
SOURCES = sorted(
    path for path in EXAMPLES.rglob("*") if path.suffix in {*COMPILERS, ".py", ".rs"} and path.parent.name != "tests"
)


def run(command: Sequence[str | Path], where: Path) -> str:
    """The standard output of a command that must succeed without a warning."""
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expected(source: Path) -> str:
    return source.with_suffix(".txt").read_text()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_example_prints_what_it_should(source: Path, tmp_path: Path) -> None:
    if source.suffix == ".py":
        printed = run([sys.executable, "-W", "error", source], tmp_path)
    else:
        program = tmp_path / source.stem
        if source.suffix == ".rs":
            if shutil.which("rustc") is None:
                pytest.skip("no Rust compiler on the path: apt-get install rustc")
            run([*RUST, source, "-o", program], tmp_path)
        else:
            run([*COMPILERS[source.suffix], *STRICT, source, "-o", program, *LINK], tmp_path)
        printed = run([program], tmp_path)
    assert printed == expected(source)


def test_swift_package_prints_what_it_should() -> None:
    if shutil.which("swift") is None:
        pytest.skip("no Swift compiler on the path")
    package = EXAMPLES / "swift"
    build: list[str | Path] = ["--package-path", package, "--scratch-path", BUILD / "swift-examples"]
    run(["swift", "build", *build], ROOT)
    assert run(["swift", "run", *build, "--skip-build", "Example"], ROOT) == expected(
        package / "Sources/Example/main.swift"
    )


def test_every_language_has_an_example() -> None:
    assert {source.suffix for source in SOURCES} == {".c", ".cpp", ".py", ".rs"}
