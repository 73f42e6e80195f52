"""Checks of single values: each returns the value in its plain Python type or names the argument that is wrong."""

from __future__ import annotations

import operator
from typing import SupportsFloat, SupportsIndex, cast

from .errors import InvalidArgument

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1


def integer(name: str, value: object, least: int, most: int) -> int:
    """``value`` as an int from ``least`` to ``most``; anything that is not an integer is refused, 1.0 too."""
    if type(value) is int and least <= value <= most:
        return value
    try:
        number = operator.index(cast(SupportsIndex, value))
    except TypeError:
        number = least - 1
    if not least <= number <= most:
        raise InvalidArgument(f"{name} must be an integer from {least} to {most}, got {value!r}")
    return number


def number(name: str, value: object) -> float:
    """``value`` as a float. Text is refused; whether the number must be finite is for the library to say."""
    if type(value) is float:
        return value
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgument(f"{name} must be a finite number, got {value!r}") from None


def flag(name: str, value: object) -> bool:
    """``value`` as a bool; 0 and 1 are refused, for they are usually an argument in the wrong place."""
    if type(value) is bool:
        return value
    if type(value).__name__ not in ("bool", "bool_"):
        raise InvalidArgument(f"{name} must be True or False, got {value!r}")
    return bool(value)
