"""The modules, and the oracle of the package's tests, are imported by their bare names."""

import sys
from pathlib import Path

ACCURACY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ACCURACY), str(ACCURACY.parent / "python" / "tests")]
