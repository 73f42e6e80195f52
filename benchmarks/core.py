"""Whether this core is ours at the moment. Other processes, and other guests of a shared machine, come and go."""

from __future__ import annotations

from native import native

# Eight additions each, 20 to 30 µs in all; what they differ by on a core of one's own; how often to try them at first.
ADDITIONS = 30_000
TOLERANCE = 1.15
CALIBRATION = 2000


class Core:
    """Knows how quick additions are on a core that nobody else uses, as the quickest it has ever seen."""

    def __init__(self) -> None:
        """Look for a moment how quick the core can be."""
        self._quickest = min(_additions() for _ in range(CALIBRATION))

    def undisturbed(self) -> bool:
        """Whether additions are about as quick as they can be.

        A thread that shares its core with another loses a fifth to two fifths of them.
        """
        taken = _additions()
        self._quickest = min(self._quickest, taken)
        return taken <= TOLERANCE * self._quickest


def _additions() -> int:
    return int(native().add_time(ADDITIONS))
