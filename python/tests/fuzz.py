#!/usr/bin/env python
"""fuzz.py ARGUMENTS: test_made_up_calls.py under atheris, which makes up calls that reach ever more of the package.

Arguments are libFuzzer's: ``-max_total_time=60 FOLDER``. ``make fuzz`` installs atheris and runs it.
"""

from __future__ import annotations

import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["pullpush"]):
    import pullpush  # noqa: F401

import conftest  # noqa: F401
import test_made_up_calls

test: Any = test_made_up_calls.test_a_call_with_any_mistakes
atheris.Setup(sys.argv, test.hypothesis.fuzz_one_input)
atheris.Fuzz()
