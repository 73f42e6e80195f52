"""Puts the Swift library into a wheel, and the sources it is built from into an sdist."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What scripts/build_library.sh reads; an sdist has it at its root, beside pyproject.toml.
SOURCES = ["Package.swift", "Sources", "include", "scripts/build_library.sh", "scripts/need.sh"]


class SwiftLibrary(BuildHookInterface[Any]):
    """The part of the build that is not Python."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel (``version`` is "standard" or "editable") or an sdist is put together."""
        here = Path(self.root)
        top = here if (here / "Package.swift").is_file() else here.parent
        if self.target_name == "sdist":
            files = build_data["force_include"]
            # Licence and README are links out of this folder; an archive needs what they point at.
            build_data["force_include"] = {os.path.realpath(path): place for path, place in files.items()}
            build_data["force_include"] |= {str(top / name): name for name in SOURCES}
            return
        library = built(top)
        # An editable package finds the library where it was built.
        if version != "editable":
            build_data["force_include"][str(library)] = f"pullpush/{library.name}"
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")


def built(top: Path) -> Path:
    """The shared library, or an end with a sentence that says what is missing."""
    if not sys.platform.startswith("linux"):
        sys.exit(f"PullPush can be built from source on Linux only, and this is {sys.platform}.")
    script = top / "scripts" / "build_library.sh"
    # Whoever installs a package does not ask for the system's packages: they are named, not installed.
    done = subprocess.run(["bash", script], env={**os.environ, "PULLPUSH_NO_APT": "1"}, check=False)
    if done.returncode != 0:
        sys.exit("The PullPush library could not be built; the reason is above.")
    return top / "build" / "libpullpush.so"
