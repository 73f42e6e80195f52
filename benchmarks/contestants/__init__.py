"""Who is timed. Every module has a function `contestants(batch)`; those that cannot be imported are left out."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable

from shapes import Batch
from timing import Contestant

MODULES = ("ceilings", "products", "ours", "careful_c", "torch_forms", "jax_form", "numpy_form", "numba_form")

Make = Callable[[Batch], Iterable[Contestant]]


def load() -> tuple[dict[str, Make], dict[str, str]]:
    """The `contestants` functions by module, and why the other modules are missing."""
    found: dict[str, Make] = {}
    missing: dict[str, str] = {}
    for name in MODULES:
        try:
            found[name] = importlib.import_module(f"contestants.{name}").contestants
        except ImportError as error:
            missing[name] = str(error)
    return found, missing
