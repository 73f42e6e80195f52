"""Every code block of the README and the pages does what the page says."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from snippets import PAGES, ROOT, Snippet, in_language, snippets

BUILD = ROOT / "build"
MANIFEST = "// swift-tools-version"
LANGUAGES = {"python", "c", "swift", "bash", "math"}


def run(command: Sequence[str | Path], where: Path, **environment: str) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=where, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(snippet: Snippet, printed: str) -> None:
    assert snippet.expected is None or printed == snippet.expected, f"{snippet} printed\n{printed}"


def run_python(snippet: Snippet, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(snippet.code, str(snippet), "exec"), names)
    return printed.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_and_shell(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page are one session in one folder, in which the last C program is program.c."""
    monkeypatch.chdir(tmp_path)
    for name in ("build", "include"):
        (tmp_path / name).symlink_to(ROOT / name)
    names: dict[str, Any] = {"__name__": page.stem}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for snippet in snippets(page):
        if snippet.language == "python":
            check(snippet, run_python(snippet, names))
        elif snippet.language == "c":
            (tmp_path / "program.c").write_text(snippet.code)
        elif snippet.language == "bash" and snippet.reason is None:
            check(snippet, run(["bash", "-euo", "pipefail", "-c", snippet.code], tmp_path, PATH=path))


@pytest.mark.parametrize("snippet", in_language("c"), ids=str)
def test_c(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "snippet.c").write_text(snippet.code)
    command = [os.environ.get("CC", "cc"), "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "snippet.c"]
    link = [f"-I{ROOT / 'include'}", f"-L{BUILD}", "-lpullpush", f"-Wl,-rpath,{BUILD}"]
    run([*command, "-o", "snippet", *link], tmp_path)
    check(snippet, run([tmp_path / "snippet"], tmp_path))


needs_swift = pytest.mark.skipif(shutil.which("swift") is None, reason="no Swift compiler on the path")


@needs_swift
def test_swift() -> None:
    """All blocks are built as the programs of one package."""
    programs = {
        f"snippet{number}": snippet
        for number, snippet in enumerate(in_language("swift"))
        if not snippet.code.startswith(MANIFEST)
    }
    package = BUILD / "swift-snippets"
    shutil.rmtree(package / "Sources", ignore_errors=True)
    product = '.product(name: "PullPush", package: "PullPush")'
    targets = [f'.executableTarget(name: "{name}", dependencies: [{product}])' for name in programs]
    package.mkdir(parents=True, exist_ok=True)
    (package / "Package.swift").write_text(
        f"{MANIFEST}: 6.2\nimport PackageDescription\n"
        f'let root = Package.Dependency.package(name: "PullPush", path: {json.dumps(str(ROOT))})\n'
        f'let package = Package(name: "Snippets", dependencies: [root], targets: [{", ".join(targets)}])\n'
    )
    for name, snippet in programs.items():
        folder = package / "Sources" / name
        folder.mkdir(parents=True)
        (folder / "main.swift").write_text(snippet.code)
    run(["swift", "build"], package)
    for name, snippet in programs.items():
        check(snippet, run([package / ".build" / "debug" / name], package))


@needs_swift
@pytest.mark.parametrize("snippet", [s for s in in_language("swift") if s.code.startswith(MANIFEST)], ids=str)
def test_swift_manifest(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "Package.swift").write_text(snippet.code)
    manifest = json.loads(run(["swift", "package", "dump-package"], tmp_path))
    assert "PullPush" in json.dumps(manifest["targets"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_known_and_only_installing_opts_out(page: Path) -> None:
    for snippet in snippets(page):
        assert snippet.language in LANGUAGES, f"{snippet}: {snippet.language!r} is no language that is tested"
        allowed = snippet.reason is None or (snippet.language, snippet.reason) == ("bash", "installs")
        assert allowed, f"{snippet} may not be left untested"
    fences = page.read_text().count("\n```")
    assert fences == sum(4 if snippet.expected is not None else 2 for snippet in snippets(page))
