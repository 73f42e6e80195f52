"""What a measurement was made on and with. No names of machines or people."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pullpush
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

PACKAGES = ("numpy", "torch", "jax", "numba")


def describe() -> dict[str, Any]:
    """Machine, versions, date and commit."""
    return {
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "caches": caches(),
        "system": f"{_os_name()}, Linux {platform.release().split('-')[0]}, {' '.join(platform.libc_ver())}",
        "versions": versions(),
        "isa": pullpush.isa(),
        "blas": [f"{i['internal_api']} {i['version']} ({i.get('architecture')})" for i in _blas()],
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
    }


def slug(facts: dict[str, Any]) -> str:
    """A file name for a machine: processor, what tells its generation, and cores."""
    words = re.sub(r"\(r\)|\(tm\)|@[^(]*|\d+-core[^(]*| cpu\b| processor", " ", str(facts["cpu"]), flags=re.IGNORECASE)
    return "-".join(re.findall(r"[a-z0-9]+", words.lower())) + f"-{facts['cores']}-cores"


def processor() -> str:
    """The name of the processor with what tells its generation."""
    fields = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE))
    if "model name" not in fields:
        return platform.machine()
    return f"{fields['model name']} (family {fields.get('cpu family', '?')}, model {fields.get('model', '?')})"


def caches() -> dict[str, str]:
    """Sizes of the first processor's caches, as the kernel gives them."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found


def versions() -> dict[str, str]:
    """Of PullPush, the peers and the compiler."""
    found = {"pullpush": pullpush.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    found["gcc"] = _output("gcc", "-dumpfullversion")
    return found


def commit() -> str:
    """The checked-out commit; "-changed" when files differ from it."""
    return _output("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=-changed", "--exclude=*")


def _blas() -> list[dict[str, Any]]:
    return [info for info in threadpool_info() if info["user_api"] == "blas"]


def _cpuinfo() -> str:
    return Path("/proc/cpuinfo").read_text()


def _os_name() -> str:
    return platform.freedesktop_os_release()["PRETTY_NAME"]


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
