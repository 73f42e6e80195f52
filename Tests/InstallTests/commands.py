"""How the tests here run programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Words = Sequence[str | Path]
# Whatever pip installs, to build or to run with, has the versions that the tests have.
CONSTRAINTS = dict.fromkeys(("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"), ROOT / "scripts/constraints.txt")


def attempt(command: Words, where: Path = ROOT, **environment: str | Path) -> subprocess.CompletedProcess[str]:
    """A program with variables beside those of this process, which must not reach into the tests."""
    # A make above hands its own variables down.
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PULLPUSH"))}
    variables: Mapping[str, str | Path] = {**inherited, **CONSTRAINTS, **environment}
    return subprocess.run(command, cwd=where, env=variables, capture_output=True, text=True, check=False)


def run(command: Words, where: Path = ROOT, **environment: str | Path) -> str:
    """The output of a program that must succeed."""
    done = attempt(command, where, **environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
