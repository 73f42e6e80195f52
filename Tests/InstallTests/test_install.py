"""`make install` and `make uninstall`, and the programs that find the library by pkg-config and by CMake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import ROOT, Words, attempt, run

CONSUMER = Path(__file__).parent / "consumer"
PREFIX = "/opt/pullpush"
(VERSION,) = re.findall(r'define PULLPUSH_VERSION_STRING "(.*)"', (ROOT / "include/pullpush.h").read_text())
COMPILERS = {".c": ["cc", "-std=c99"], ".cpp": ["c++", "-std=c++17"]}


def installed_files(folder: Path) -> dict[str, str]:
    """Everything below a folder with its mode, or with where it points."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else oct(path.stat().st_mode)
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library lies: installed for one prefix, staged in a folder."""
    stage = tmp_path_factory.mktemp("stage") / "not-made-yet"
    run(["make", "install", f"PREFIX={PREFIX}", f"DESTDIR={stage}"])
    return stage / PREFIX[1:]


def stage_of(prefix: Path) -> Path:
    return Path(str(prefix).removesuffix(PREFIX))


def pkg_config(prefix: Path, *arguments: str) -> list[str]:
    where = {"PKG_CONFIG_PATH": prefix / "lib/pkgconfig", "PKG_CONFIG_SYSROOT_DIR": stage_of(prefix)}
    return run(["pkg-config", *arguments, "pullpush"], **where).split()


def needed(program: Path) -> list[str]:
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run(["readelf", "--dynamic", program]))


def test_the_files_of_an_installation(prefix: Path) -> None:
    soname, file = f"libpullpush.so.{VERSION.split('.')[0]}", f"libpullpush.so.{VERSION}"
    assert {name: mode for name, mode in installed_files(prefix).items() if not (prefix / name).is_dir()} == {
        "include/pullpush.h": "0o100644",
        f"lib/{file}": "0o100755",
        f"lib/{soname}": file,
        "lib/libpullpush.so": soname,
        "lib/libpullpush.a": "0o100644",
        "lib/pkgconfig/pullpush.pc": "0o100644",
        "lib/cmake/pullpush/pullpush-config.cmake": "0o100644",
        "lib/cmake/pullpush/pullpush-config-version.cmake": "0o100644",
        "share/doc/pullpush/LICENSE": "0o100644",
        "share/doc/pullpush/README.md": "0o100644",
        "share/doc/pullpush/CHANGELOG.md": "0o100644",
        "share/pullpush/installed.txt": "0o100644",
    }
    for path in prefix.rglob("*.*"):
        assert path.suffix not in (".pc", ".cmake") or "@" not in path.read_text()


def test_pkg_config_says_what_was_installed(prefix: Path) -> None:
    assert pkg_config(prefix, "--modversion") == [VERSION]
    where = {"PKG_CONFIG_PATH": prefix / "lib/pkgconfig"}
    flags = run(["pkg-config", "--cflags", "--libs", "pullpush"], **where)
    assert flags.split() == [f"-I{PREFIX}/include", f"-L{PREFIX}/lib", "-lpullpush"]


@pytest.mark.parametrize("suffix", COMPILERS)
def test_a_program_by_pkg_config(prefix: Path, tmp_path: Path, suffix: str) -> None:
    source = CONSUMER / f"consumer{suffix}"
    compiler: Words = [*COMPILERS[suffix], "-Wall", "-Wextra", "-Wpedantic", "-Werror", source]
    shared, archive, static = (tmp_path / name for name in ("shared", "archive", "static"))
    run([*compiler, *pkg_config(prefix, "--cflags", "--libs"), "-lm", "-o", shared])
    assert f"libpullpush.so.{VERSION.split('.')[0]}" in needed(shared)
    run([shared], LD_LIBRARY_PATH=prefix / "lib")

    flags = pkg_config(prefix, "--cflags", "--libs-only-L")
    run([*compiler, *flags, "-l:libpullpush.a", "-lm", "-pthread", "-o", archive])
    assert not [name for name in needed(archive) if "pullpush" in name]
    run([archive])

    run([*compiler, "-static", *pkg_config(prefix, "--static", "--cflags", "--libs"), "-o", static])
    assert needed(static) == []
    run([static])


def test_programs_by_cmake(prefix: Path, tmp_path: Path) -> None:
    run(["cmake", "-S", CONSUMER, "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}", "-Werror=dev"])
    run(["cmake", "--build", tmp_path])
    for language in ("c", "cpp"):
        shared, static = (tmp_path / f"{language}-{kind}" for kind in ("pullpush", "static"))
        assert f"libpullpush.so.{VERSION.split('.')[0]}" in needed(shared)
        assert not [name for name in needed(static) if "pullpush" in name]
        run([shared])
        run([static])


def test_cmake_takes_a_version_of_the_same_series(prefix: Path, tmp_path: Path) -> None:
    major, minor, patch = map(int, VERSION.split("."))
    assert major == 0, "the requests below are those of a version before 1.0"
    requests = {
        f"{major}.{minor}": True,
        VERSION: True,
        f"{VERSION},EXACT": True,
        f"{major}.{minor - 1}": False,
        f"{major}.{minor}.{patch + 1}": False,
        f"{major}.{minor}{minor}": False,
        f"{major}.{minor + 1}": False,
        f"{major + 1}": False,
        f"{VERSION}...{VERSION}": True,
        f"0.0...<{VERSION}": False,
        f"{major}.{minor}...<{major}.{minor + 1}": True,
        f"{major}.{minor + 1}...{major + 1}": False,
    }
    settings = [f"-DCMAKE_PREFIX_PATH={prefix}", f"-DREQUESTS={';'.join(requests)}"]
    found = run(["cmake", "-S", CONSUMER.parent / "versions", "-B", tmp_path, *settings])
    for request, wanted in requests.items():
        assert f"-- {request}: {int(wanted)}\n" in found


def test_the_page_asks_for_the_version_that_there_is() -> None:
    line = f"find_package(pullpush {VERSION.rpartition('.')[0]} REQUIRED)"
    for page in (CONSUMER / "CMakeLists.txt", ROOT / "docs/install.md"):
        assert line in page.read_text()


def test_the_archive_shows_what_the_header_declares_and_nothing_else(prefix: Path) -> None:
    archive = prefix / "lib/libpullpush.a"
    declared = set(re.findall(r"^\w.*?\b(pullpush_\w+)\(", (prefix / "include/pullpush.h").read_text(), re.MULTILINE))
    shown = run(["nm", "--extern-only", "--defined-only", "--format=posix", archive]).splitlines()[1:]
    assert {line.split()[0] for line in shown} == declared
    missing = {line.split()[0] for line in run(["nm", "--undefined-only", "--format=posix", archive]).splitlines()[1:]}
    assert missing
    assert not [name for name in missing if "swift" in name or name.startswith("$s")]


def test_uninstalling_leaves_what_was_there_before(tmp_path: Path) -> None:
    others = ["lib/cmake/other/other-config.cmake", "include/other.h", "share/doc/other"]
    for name in others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    before = installed_files(tmp_path)
    arguments = [f"PREFIX={tmp_path}", "LIBDIR=lib/somewhere"]
    # Twice, and the second time elsewhere: what the first left must not stay behind.
    run(["make", "install", f"PREFIX={tmp_path}"])
    run(["make", "install", *arguments])
    assert installed_files(tmp_path).keys() > before.keys()
    assert not (tmp_path / "lib/libpullpush.so").exists()
    assert run(["pkg-config", "--libs", "pullpush"], PKG_CONFIG_PATH=tmp_path / "lib/somewhere/pkgconfig").split() == [
        f"-L{tmp_path}/lib/somewhere", "-lpullpush"
    ]  # fmt: skip
    run(["make", "uninstall", *arguments])
    assert installed_files(tmp_path) == before

    again = attempt(["make", "uninstall", *arguments])
    assert again.returncode != 0
    assert f"PullPush is not installed in {tmp_path}" in again.stderr


def test_cmake_finds_the_prefix_from_a_deeper_library_folder(tmp_path: Path) -> None:
    run(["make", "install", f"PREFIX={tmp_path}", "LIBDIR=lib/a/b"])
    config = tmp_path / "lib/a/b/cmake/pullpush/pullpush-config.cmake"
    script = tmp_path / "show.cmake"
    script.write_text(
        "function(add_library)\nendfunction()\n"
        "function(set_target_properties name)\nmessage(STATUS ${ARGN})\nendfunction()\n"
        f"include({config})\n"
    )
    shown = run(["cmake", "-P", script])
    assert f"IMPORTED_LOCATION{tmp_path}/lib/a/b/libpullpush.so.{VERSION}" in shown
    assert f"INTERFACE_INCLUDE_DIRECTORIES{tmp_path}/include" in shown


@pytest.mark.parametrize("arguments", [["PREFIX=usr"], ["PREFIX=/a b"], ["LIBDIR=/usr/lib"]], ids=str)
def test_a_prefix_that_cannot_be_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    done = attempt(["make", "install", f"DESTDIR={tmp_path}/stage", *arguments])
    assert done.returncode != 0
    assert "expected an absolute path and one within it, without spaces" in done.stderr
    assert not (tmp_path / "stage").exists()
