"""The loss of a batch: its value, its parts and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from . import _library, arrays
from .arrays import Array
from .checks import number
from .errors import InvalidArgument, NoGradient
from .interchange import AnyArray, from_numpy, to_numpy
from .options import Options, OptionValues, Preset, options_from, preset, struct_for

if TYPE_CHECKING:
    from typing_extensions import Unpack

PARTS = (
    "loss",
    "pull",
    "push",
    "mean_positive",
    "mean_negative",
    "positive_pairs",
    "negative_pairs",
    "active_pairs",
)


class Loss:
    """The loss of one batch: ``float(loss)``, its parts, and its gradient if that was computed with it."""

    __slots__ = ("_gradient", "_kind", "_result")

    def __init__(self, result: _library.Result, gradient: Array | None = None, kind: str | None = None) -> None:
        """Made by the functions of this package."""
        self._result = result
        self._gradient = gradient
        self._kind = kind

    @property
    def loss(self) -> float:
        """``pull_weight * pull + push_weight * push``, also ``float(self)``."""
        return float(self._result.loss)

    @property
    def pull(self) -> float:
        """The mean over the pairs of one identity, before its weight; 0 without such a pair."""
        return float(self._result.pull)

    @property
    def push(self) -> float:
        """The mean over the pairs of identities, before its weight; 0 without such a pair."""
        return float(self._result.push)

    @property
    def mean_positive(self) -> float:
        """The mean inner product over the pairs of different rows of one identity; 0 without such a pair."""
        return float(self._result.mean_positive)

    @property
    def mean_negative(self) -> float:
        """The mean inner product over the pairs the push is between; 0 without such a pair."""
        return float(self._result.mean_negative)

    @property
    def positive_pairs(self) -> int:
        """How many ordered pairs of different rows share an identity."""
        return int(self._result.positive_pairs)

    @property
    def negative_pairs(self) -> int:
        """How many ordered pairs the push is between."""
        return int(self._result.negative_pairs)

    @property
    def active_pairs(self) -> int:
        """How many pairs of a hinge push are above 0; for the other pushes ``negative_pairs``."""
        return int(self._result.active_pairs)

    def backward(self, upstream: float = 1.0) -> Any:
        """The gradient of ``upstream * loss`` with respect to the raw features, in their shape, dtype and kind.

        With ``upstream=1`` it is the kept array itself, not a copy. Otherwise it is a new array: each number is
        multiplied in float64 and rounded once to the dtype. What float16 had already rounded away stays lost; to
        scale before rounding (loss scaling), use ``value_and_grad(..., upstream=...)``.
        """
        if self._gradient is None:
            raise NoGradient("this loss was computed without its gradient: call the loss itself or value_and_grad")
        factor = number("upstream", upstream)
        if factor == 1.0:
            return from_numpy(self._gradient, self._kind)
        if not np.isfinite(factor):
            raise InvalidArgument(f"upstream must be a finite number, got {upstream!r}")
        scaled = np.empty_like(self._gradient)
        np.multiply(self._gradient, factor, out=scaled, dtype=np.float64, casting="unsafe")
        return from_numpy(scaled, self._kind)

    def parts(self) -> dict[str, float | int]:
        """Every number above by name, for a log."""
        return {name: getattr(self, name) for name in PARTS}

    def __float__(self) -> float:
        """The loss."""
        return self.loss

    def __format__(self, spec: str) -> str:
        """The loss, formatted as a float when there is a format."""
        return format(self.loss, spec) if spec else str(self)

    def __repr__(self) -> str:
        """The parts, rounded."""
        return f"Loss({', '.join(f'{name}={value:.6g}' for name, value in self.parts().items())})"


def value(
    features: AnyArray,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    **options: Unpack[OptionValues],
) -> Loss:
    """The loss of a batch, without its gradient.

    Args:
        features: (B, D) array of float32, float64, float16 or ``ml_dtypes.bfloat16``, raw: the normalisation is part
            of the loss. It may be read-only or have spaced rows; an order the library cannot walk is copied. A
            ``numpy.ndarray``, or any array in the CPU's memory that speaks DLPack (PyTorch, JAX),
            ``__array_interface__`` or the buffer protocol.
        samples_per_id: K, when the rows come identity after identity with K rows each; it must divide B.
        labels: (B,) integers, when they do not: any values in any order. Give either this or ``samples_per_id``.
        **options: see :class:`pullpush.options.Options`; the defaults are the original loss.

    Raises:
        InvalidArgument: an argument, an option or a combination cannot be used.
        UnknownOption: a keyword is not an option.
        NotFinite: ``check_finite=True`` and the features are not.
        OutOfMemory: there is no scratch memory.
    """
    return _value(features, samples_per_id, labels, options_from(options))


def value_and_grad(
    features: AnyArray,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    upstream: float = 1.0,
    out: AnyArray | None = None,
    accumulate: bool = False,
    **options: Unpack[OptionValues],
) -> tuple[Loss, Any]:
    """The loss of a batch and the gradient of ``upstream * loss`` with respect to the raw features, in one call.

    Args:
        features: as for :func:`value`.
        samples_per_id: as for :func:`value`.
        labels: as for :func:`value`.
        upstream: the factor of the gradient, any finite number; the loss itself is not multiplied.
        out: where the gradient goes: a writable, aligned array of the gradient's shape and dtype whose rows are
            contiguous and at a positive stride, and which lies apart from the inputs. By default a new array.
        accumulate: add the gradient to ``out`` instead of overwriting it.
        **options: see :class:`pullpush.options.Options`.

    Returns:
        The loss, which does not keep the gradient, and the gradient: ``out`` if given, else a new array in the shape of
        the features, in their dtype (native byte order) and of their package if they speak DLPack.
    """
    return _value_and_grad(features, samples_per_id, labels, options_from(options), upstream, out, accumulate)


def _value(features: AnyArray, samples_per_id: int | None, labels: ArrayLike | None, options: Options) -> Loss:
    batch = arrays.batch(features, samples_per_id, labels)
    return Loss(_library.evaluate(batch.struct, options.struct))


def _value_and_grad(
    features: AnyArray,
    samples_per_id: int | None,
    labels: ArrayLike | None,
    options: Options,
    upstream: float,
    out: AnyArray | None,
    accumulate: bool,
) -> tuple[Loss, Any]:
    batch = arrays.batch(features, samples_per_id, labels)
    struct = struct_for(options, upstream, accumulate)
    gradient, address, stride = arrays.gradient_target(batch, out, accumulate)
    result = _library.evaluate(batch.struct, struct, address, stride)
    return Loss(result), from_numpy(gradient, batch.kind) if out is None else out


class PullPushLoss:
    """The loss with its options fixed: call it with a batch.

    >>> loss_fn = PullPushLoss(push="hinge", margin=0.2)
    >>> loss = loss_fn(features, samples_per_id=4)  # or labels=labels
    >>> float(loss), loss.pull, loss.push
    >>> gradient = loss.backward()

    It never changes, holds nothing of a batch and may be called from many threads at once.
    """

    __slots__ = ("options",)

    def __init__(self, **options: Unpack[OptionValues]) -> None:
        """Check and fix the options; :class:`pullpush.options.Options` explains them and their defaults."""
        self.options = options_from(options)

    @classmethod
    def preset(cls, name: Preset, **overrides: Unpack[OptionValues]) -> PullPushLoss:
        """The options of a named set, some replaced.

        ``"original"``: every default. ``"orthogonal"``: l2, self pairs excluded, squared push with target 0 between
        representatives.
        """
        return cls(**preset(name, **overrides))

    def __call__(
        self, features: AnyArray, *, samples_per_id: int | None = None, labels: ArrayLike | None = None
    ) -> Loss:
        """The loss of a batch with its gradient, computed in one pass and kept for ``backward``.

        Arguments and errors are those of :func:`value`.
        """
        batch = arrays.batch(features, samples_per_id, labels)
        gradient, address, stride = arrays.gradient_target(batch, None, False)
        result = _library.evaluate(batch.struct, self.options.struct, address, stride)
        return Loss(result, gradient, batch.kind)

    def value(self, features: AnyArray, *, samples_per_id: int | None = None, labels: ArrayLike | None = None) -> Loss:
        """The loss of a batch without its gradient; arguments and errors are those of :func:`value`."""
        return _value(features, samples_per_id, labels, self.options)

    def value_and_grad(
        self,
        features: AnyArray,
        *,
        samples_per_id: int | None = None,
        labels: ArrayLike | None = None,
        upstream: float = 1.0,
        out: AnyArray | None = None,
        accumulate: bool = False,
    ) -> tuple[Loss, Any]:
        """The loss and the gradient; arguments, result and errors are those of :func:`value_and_grad`."""
        return _value_and_grad(features, samples_per_id, labels, self.options, upstream, out, accumulate)

    def __eq__(self, other: object) -> bool:
        """Two losses with the same options are equal."""
        return isinstance(other, PullPushLoss) and self.options == other.options

    def __hash__(self) -> int:
        """The hash of the options."""
        return hash(self.options)

    def __repr__(self) -> str:
        """The options that are not at their default."""
        return f"{type(self).__name__}({self.options})"


class PullPushFeaturesLoss:
    """The call of the original PyTorch module ``Pull_Push_Features_loss``, for code that was written around it.

    >>> loss = PullPushFeaturesLoss()(features, batch_size, person_num)

    Its features come normalised already, so ``normalize`` is ``"none"`` unless given; all else is the original loss.
    """

    __slots__ = ("loss_fn",)

    def __init__(self, **options: Unpack[OptionValues]) -> None:
        """Check and fix the options, as :class:`PullPushLoss` does."""
        options.setdefault("normalize", "none")
        self.loss_fn = PullPushLoss(**options)

    def __call__(self, features: AnyArray, batch_size: int, person_num: int) -> Loss:
        """The loss, with its gradient, of ``batch_size`` rows: ``person_num`` of one identity after the other."""
        shape = np.shape(to_numpy("features", features)[0])
        if shape[:1] != (batch_size,):
            raise InvalidArgument(
                f"batch_size must be the number of rows of features, got {batch_size!r} for shape {shape}"
            )
        return self.loss_fn(features, samples_per_id=person_num)

    def __repr__(self) -> str:
        """The options that are not at the default of :class:`PullPushLoss`."""
        return repr(self.loss_fn).replace("PullPushLoss", "PullPushFeaturesLoss")
