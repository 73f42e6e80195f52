"""The benchmark's modules are imported by their bare names, as `python benchmarks/run.py` does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
