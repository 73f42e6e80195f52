"""The demo's modules are imported by their bare names, as `python demo/digits.py` does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
