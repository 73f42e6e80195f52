"""The wheel and the sdist: what is in them, and that they work where there is no Swift, or say that it is missing."""

from __future__ import annotations

import email
import re
import shutil
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from commands import ROOT, attempt, run

SCRIPT = ROOT / "scripts/build_packages.sh"
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
PROGRAM = """
import sys, numpy, pullpush
rows = numpy.random.default_rng(0).normal(size=(12, 17))
step = 1e-6 * numpy.eye(1, rows.size).reshape(rows.shape)
def reference(rows):
    x = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
    s, label = x @ x.T, numpy.arange(len(x)) // 3
    pull = sum(1 - s[a, b] for a in range(12) for b in range(12) if a != b and a // 3 == b // 3) / 24
    push = sum(s[a, b] for a in range(0, 12, 3) for b in range(0, 12, 3) if a != b) / 12
    return pull + push
loss, gradient = pullpush.value_and_grad(rows, samples_per_id=3, normalize="l2", self_pairs="exclude")
slope = (reference(rows + step) - reference(rows - step)) / 2e-6
assert abs(float(loss) - reference(rows)) < 1e-12, (float(loss), reference(rows))
assert abs(gradient[0, 0] - slope) < 1e-8, (gradient[0, 0], slope)
print(pullpush.library_path(), pullpush.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([SCRIPT, "wheel", folder])
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run([SCRIPT, "sdist", folder])
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def no_swift(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with what the build script calls before it looks for Swift."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("bash", "dirname", "head", "sed", "sort"):
        (folder / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name} on the path"))
    return folder


def package_files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("pullpush/") and not name.endswith("/")]
        return {name: archive.read(name) for name in names}


def test_the_wheel_is_small_and_whole(wheel: Path) -> None:
    assert wheel.stat().st_size < 200_000
    files = package_files(wheel)
    sources = {str(path.relative_to(ROOT / "python")) for path in (ROOT / "python/pullpush").rglob("*.py")}
    assert files.keys() == sources | {"pullpush/py.typed", "pullpush/libpullpush.so"}


def test_the_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_string(archive.read(name).decode())
        assert archive.read(name.replace("METADATA", "licenses/LICENSE")) == (ROOT / "LICENSE").read_bytes()
    header = (ROOT / "include/pullpush.h").read_text()
    assert f'PULLPUSH_VERSION_STRING "{metadata["Version"]}"' in header
    assert wheel.name.startswith(f"pullpush-{metadata['Version']}-py3-none-")
    assert {"demo", "jax", "torch"} <= set(metadata.get_all("Provides-Extra", []))
    plain = [wanted for wanted in metadata.get_all("Requires-Dist", []) if "extra ==" not in wanted]
    assert [re.split(r"\W", wanted)[0] for wanted in plain] == ["numpy"]
    assert metadata.get_payload() == (ROOT / "README.md").read_text()


def test_the_wheel_is_named_after_the_glibc_it_needs(wheel: Path, tmp_path: Path) -> None:
    shown = run([Path(sys.executable).with_name("auditwheel"), "show", wheel])
    shown = " ".join(shown.split())
    tag = wheel.stem.split("-")[-1]
    assert f'is consistent with the following platform tag: "{tag}"' in shown
    match = re.fullmatch(r"manylinux_(\d+)_(\d+)_\w+", tag)
    assert match, tag

    library = tmp_path / "libpullpush.so"
    library.write_bytes(package_files(wheel)["pullpush/libpullpush.so"])
    symbols = run(["readelf", "--version-info", "--wide", library])
    newest = max((int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", symbols))
    assert newest <= (int(match[1]), int(match[2]))


def test_the_wheel_works_in_a_new_environment_without_swift(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin/python"
    only = {"PATH": environment / "bin"}
    run([python, *PIP[1:], "install", wheel], tmp_path, **only)
    path, version = run([python, "-W", "error", "-c", PROGRAM], tmp_path, **only).split()
    assert Path(path).is_relative_to(environment)
    assert version in wheel.name
    info = run([python, "-m", "pullpush", "info"], tmp_path, **only)
    assert path in info


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    assert {"LICENSE", "PKG-INFO", "Package.swift", "README.md", "Sources", "include", "pyproject.toml"} <= top

    # Twice in a row: an sdist is also what an sdist can be built from.
    run(["tar", "xzf", sdist], tmp_path)
    (unpacked,) = tmp_path.iterdir()
    run([Path(sys.executable).with_name("hatchling"), "build", "--target", "sdist"], unpacked)
    (again,) = (unpacked / "dist").iterdir()
    with tarfile.open(sdist) as first, tarfile.open(again) as second:
        assert set(first.getnames()) == set(second.getnames())

    run([*PIP, "wheel", "--no-deps", "--wheel-dir", tmp_path / "built", again], tmp_path)
    (built,) = (tmp_path / "built").iterdir()
    ours, theirs = package_files(wheel), package_files(built)
    assert ours.keys() == theirs.keys()
    assert not [name for name in ours if ours[name] != theirs[name]]
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "import")
    path, _ = run([sys.executable, "-c", PROGRAM], tmp_path, PYTHONPATH=tmp_path / "import").split()
    assert Path(path).is_relative_to(tmp_path)


def test_building_without_swift_says_so(no_swift: Path, tmp_path: Path) -> None:
    done = attempt([*PIP, "wheel", "--no-deps", "--no-build-isolation", ROOT / "python"], tmp_path, PATH=no_swift)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert said.count("PullPush needs Swift 6.2 or later, but 'swift' on the PATH is not there.") == 1
    assert "Traceback" not in said
