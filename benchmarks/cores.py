"""Whether the cores are ours at the moment. Other processes, and other guests of a shared machine, come and go."""

from __future__ import annotations

from native import checked, native

# Additions in a try, about 10 µs of them; and what the quickest tries differ by on a core of one's own.
ADDITIONS = 8000
TOLERANCE = 1.15
CALIBRATION = 2000


class Cores:
    """Knows how quick additions are on a core that nobody else uses, as the quickest it has ever seen."""

    def __init__(self) -> None:
        """Look for a moment how quick the core can be."""
        self._quickest = min(_additions(1) for _ in range(CALIBRATION))

    def undisturbed(self, threads: int) -> bool:
        """Whether additions on so many cores are about as quick as they can be.

        A thread that shares its core with another loses a quarter to half of them.
        """
        taken = _additions(min(threads, 2))
        self._quickest = min(self._quickest, taken)
        return taken <= TOLERANCE * self._quickest


def _additions(threads: int) -> int:
    return checked(native().add_time(threads, ADDITIONS))
