"""A file of results, read for the report."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from shapes import Shape
from timing import Key

# The bits in a vector register of the instruction sets that the library may choose.
VECTOR_BITS = {"baseline": 128, "x86-64-v3": 256, "x86-64-v4": 512}


class Results:
    """What `run.py` wrote."""

    def __init__(self, data: dict[str, Any]) -> None:
        """From the contents of the JSON file."""
        self.machine: dict[str, Any] = data["machine"]
        self.quick: bool = data["quick"]
        self.missing: dict[str, str] = data["missing"]
        self.waited: bool = data.get("waited", True)
        self.sweeps = {name: [_keyed(entry) for entry in points] for name, points in data["sweeps"].items()}
        self._shapes = [_keyed(entry) for entry in data["shapes"]]
        self._memory: dict[str, Any] = data.get("memory", {})

    @classmethod
    def read(cls, path: Path) -> Results:
        """From a JSON file."""
        return cls(json.loads(path.read_text()))

    @property
    def shapes(self) -> list[Shape]:
        """The shapes that everyone was timed on."""
        return [shape for shape, _ in self._shapes]

    def record(self, shape: Shape, key: Key) -> dict[str, Any] | None:
        """Everything about a contestant on a shape; None if it was not there."""
        return dict(self._shapes)[shape].get(key)

    def seconds(self, shape: Shape, key: Key) -> float | None:
        """The median time of a call. Of a call that was given up, the time it had taken by then."""
        record = self.record(shape, key)
        return None if record is None else float(record["median" if "median" in record else "at_least"])

    def given_up(self, shape: Shape, key: Key) -> bool:
        """Whether the time is a lower bound."""
        return "at_least" in (self.record(shape, key) or {})

    def copy(self, shape: Shape, threads: int = 1) -> float:
        """The seconds of ``memcpy(gradient, features)``."""
        seconds = self.seconds(shape, Key("copy", threads=threads))
        assert seconds is not None
        return seconds

    def peak(self, shape: Shape, bits: int | None = None, threads: int = 1) -> float:
        """Operations a second of multiply-adds, in vectors of so many bits or in the best ones."""
        name = f"fma {bits}" if bits else "fma"
        keys = [key for key in dict(self._shapes)[shape] if key.name.startswith(name) and key.threads == threads]
        return max(rate for key in keys if (rate := self.rate(shape, key)) is not None)

    def rate(self, shape: Shape, key: Key) -> float | None:
        """Operations a second, for what counts its operations."""
        record = self.record(shape, key)
        return record["operations"] / record["median"] if record and "operations" in record else None

    @property
    def disturbed(self) -> float | None:
        """The part of the samples that count (see `Timing`) that were disturbed; None where nobody looked."""
        records = [record for _, timings in self._shapes for record in timings.values() if "samples" in record]
        if not any("disturbed" in record for record in records):
            return None
        return float(sum(r.get("disturbed", 0) for r in records) / sum(r["samples"] for r in records))

    @cached_property
    def vector_bits(self) -> int | None:
        """Of the kernels in use, None if the instruction set is not known here."""
        return VECTOR_BITS.get(self.machine["isa"])

    @property
    def memory_shape(self) -> Shape | None:
        """The shape of `memory`, None if it was not measured."""
        return Shape(*self._memory["shape"]) if self._memory else None

    @property
    def memory(self) -> dict[Key, int]:
        """The most bytes that a call held beside features and gradient."""
        return {_key(record): record["peak"] for record in self._memory.get("peaks", [])}


Timings = dict[Key, dict[str, Any]]


def _keyed(entry: dict[str, Any]) -> tuple[Shape, Timings]:
    return Shape(*entry["shape"]), {_key(record): record for record in entry["timings"]}


def _key(record: dict[str, Any]) -> Key:
    return Key(record["name"], record["normalize"], record["threads"])
