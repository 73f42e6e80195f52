"""The options of the loss: their words, their defaults and their checks."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np

from . import _library, arrays
from .checks import INT32_MAX, flag, integer, number
from .errors import InvalidArgument, UnknownOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Every word and its number in the header: PULLPUSH_<OPTION>_<WORD>.
WORDS: dict[str, dict[str, int]] = {
    "normalize": {"none": 0, "l2": 1, "renorm": 2},
    "self_pairs": {"include": 0, "exclude": 1},
    "push": {"linear": 0, "squared": 1, "hinge": 2},
    "reduction": {"mean": 0, "mean_active": 1},
    "push_between": {"representatives": 0, "centroids": 1, "all": 2},
    "objective": {"inner_product": 0, "squared_euclidean": 1},
    "preset": {"original": 0, "orthogonal": 1},
}
NUMBERS = ("target", "margin", "pull_weight", "push_weight")

Preset = Literal["original", "orthogonal"]


class OptionValues(TypedDict, total=False):
    """The options as keywords; :class:`Options` says what each means and its default."""

    normalize: Literal["none", "l2", "renorm"]
    self_pairs: Literal["include", "exclude"]
    push: Literal["linear", "squared", "hinge"]
    target: float
    margin: float
    reduction: Literal["mean", "mean_active"]
    push_between: Literal["representatives", "centroids", "all"]
    objective: Literal["inner_product", "squared_euclidean"]
    pull_weight: float
    push_weight: float
    num_threads: int
    check_finite: bool


@dataclass(frozen=True, kw_only=True)
class Options:
    """A checked set of options that never changes, so calls on many threads may share it.

    With ``x`` the rows after normalisation and ``s`` the inner product of a pair of pushed vectors:

    normalize
        how a raw row ``f`` of norm ``n`` becomes ``x``: ``"none"`` (as it is), ``"l2"`` (``f / max(n, 1e-12)``) or
        ``"renorm"`` (``f / (n + 1e-7)``, and ``1e5 * f`` where ``n <= 1e-5``). The gradient is that of the raw rows.
    self_pairs
        whether the pairs ``(a, a)`` count in the pull and in the linear push between representatives: ``"include"``
        or ``"exclude"``.
    push
        what is averaged over the pairs of identities: ``"linear"`` (``s``), ``"squared"`` (``(s - target)**2``) or
        ``"hinge"`` (``max(0, s - margin)``).
    target, margin
        of the squared and of the hinge push; any finite number.
    reduction
        what a hinge push is divided by: ``"mean"`` (all pairs) or ``"mean_active"`` (the pairs above 0).
    push_between
        which vectors are pushed apart: ``"representatives"`` (the first row of each identity), ``"centroids"`` (the
        mean row of each) or ``"all"`` (all rows of different identities).
    objective
        what a pair is judged by: ``"inner_product"`` (pull ``1 - x_a . x_b``) or ``"squared_euclidean"`` (pull
        ``|x_a - x_b|**2``, linear push minus that, hinge push ``max(0, margin - |.|**2)``).
    pull_weight, push_weight
        ``loss = pull_weight * pull + push_weight * push``; any finite numbers.
    num_threads
        0 lets the library choose by size; 1 stays on the calling thread.
    check_finite
        refuse features with a NaN or an infinity, naming the first such row.

    ``push="squared"`` with ``objective="squared_euclidean"`` and ``reduction="mean_active"`` without ``push="hinge"``
    have no meaning and are refused.
    """

    normalize: str = "renorm"
    self_pairs: str = "include"
    push: str = "linear"
    target: float = 0.0
    margin: float = 0.0
    reduction: str = "mean"
    push_between: str = "representatives"
    objective: str = "inner_product"
    pull_weight: float = 1.0
    push_weight: float = 1.0
    num_threads: int = 0
    check_finite: bool = False
    struct: _library.Options = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check every value and keep the struct the library reads."""
        given = vars(self)
        struct = _library.options(WORDS["preset"]["original"])
        for name in WORDS.keys() & given.keys():
            setattr(struct, name, code(name, given[name]))
        for name in NUMBERS:
            self._settle(struct, name, number(name, given[name]))
        self._settle(struct, "num_threads", integer("num_threads", self.num_threads, 0, INT32_MAX))
        self._settle(struct, "check_finite", flag("check_finite", self.check_finite))
        object.__setattr__(self, "struct", struct)
        _probe(struct)

    def _settle(self, struct: _library.Options, name: str, value: float) -> None:
        setattr(struct, name, value)
        object.__setattr__(self, name, value)

    def changed(self) -> dict[str, Any]:
        """The options that are not at their default, by name."""
        return {name: getattr(self, name) for name, default in DEFAULTS.items() if getattr(self, name) != default}

    def __str__(self) -> str:
        """The options that are not at their default, as they are written in a call."""
        return ", ".join(f"{name}={value!r}" for name, value in self.changed().items())


def _probe(struct: _library.Options) -> None:
    """Let the library judge numbers and combinations, on a batch of one zero: it alone holds those rules."""
    batch = arrays.batch(np.zeros((1, 1)), 1, None)
    _library.evaluate(batch.struct, struct)


DEFAULTS = {option.name: option.default for option in fields(Options) if option.init}


def code(name: str, word: object) -> int:
    """The library's number for a word of an option."""
    words = WORDS[name]
    if not isinstance(word, str) or word not in words:
        raise InvalidArgument(f"{name} must be one of {_listed(words)}, got {word!r}{_suggestion(word, words)}")
    return words[word]


def options_from(given: Mapping[str, Any]) -> Options:
    """The checked options for keywords, made once for each set of values."""
    for name in given:
        if name not in DEFAULTS:
            suggestion = _suggestion(name, DEFAULTS)
            raise UnknownOption(f"{name!r} is not an option{suggestion}; the options are {', '.join(DEFAULTS)}")
    try:
        return _made_once(**given)
    except TypeError:  # a value without a hash, which no option takes: let the checks say which
        return Options(**given)


@functools.lru_cache(maxsize=256, typed=True)
def _made_once(**given: Any) -> Options:
    return Options(**given)


def struct_for(options: Options, upstream: float, accumulate: bool) -> _library.Options:
    """The struct the library reads in one call: that of ``options``, or a copy with the arguments that are not."""
    if accumulate is False and type(upstream) is float and upstream == 1.0:
        return options.struct
    accumulate = flag("accumulate", accumulate)
    return _library.options_with(options.struct, number("upstream", upstream), accumulate)


def preset(name: Preset, **overrides: Unpack[OptionValues]) -> dict[str, Any]:
    """The options of a named set, as the library fills them, with some of them replaced."""
    struct = _library.options(code("preset", name))
    values = {option: getattr(struct, option) for option in DEFAULTS}
    for option in WORDS.keys() & values.keys():
        values[option] = next(word for word, number in WORDS[option].items() if number == values[option])
    values["check_finite"] = bool(values["check_finite"])
    return values | overrides


def _listed(words: Iterable[str]) -> str:
    return ", ".join(repr(word) for word in words)


def _suggestion(word: object, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word).lower(), list(words), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
