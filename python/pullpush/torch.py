"""The losses as PyTorch modules.

>>> loss_fn = pullpush.torch.PullPushLoss.preset("orthogonal")
>>> loss = loss_fn(embed(images), samples_per_id=4)  # or labels=labels
>>> loss.backward()
>>> loss_fn.last.pull, loss_fn.last.push

Tensors on the CPU go to the shared library in place, through the registered operator ``torch.ops.pullpush.evaluate``:
one call computes the loss and its gradient, and ``backward`` multiplies that by what arrives. Tensors on any other
device stay there (:mod:`pullpush.torch_formulas`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from . import _library, torch_formulas
from .arrays import check_identities
from .checks import INT64_MAX, integer
from .errors import InvalidArgument, NoGradient, NotFinite, PullPushError
from .loss import PARTS, Loss
from .options import DEFAULTS, OptionValues, Preset, options_from, preset

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

# Where the shared library can read.
LIBRARY_DEVICES = ("cpu",)

_DTYPES = {
    torch.float32: _library.Dtype.F32,
    torch.float64: _library.Dtype.F64,
    torch.float16: _library.Dtype.F16,
    torch.bfloat16: _library.Dtype.BF16,
}
_LABEL_DTYPES = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)

_SCHEMA = (
    "(Tensor features, Tensor? labels, int samples_per_id, bool with_gradient, "
    + ", ".join(f"{type(default).__name__} {name}" for name, default in DEFAULTS.items())
    + ") -> (Tensor loss, Tensor parts, Tensor gradient)"
)


class PullPushLoss(nn.Module):
    """The loss of a batch as a scalar tensor that autograd can follow.

    The options are those of :class:`pullpush.options.Options`.

    >>> loss_fn = PullPushLoss(push="hinge", margin=0.2)
    >>> loss_fn(features, labels=labels).backward()

    It works under ``torch.compile`` without a graph break, under autocast and ``torch.utils.checkpoint``. A second
    derivative is refused: the gradient is computed by the library and autograd knows nothing of how.
    """

    def __init__(self, **options: Unpack[OptionValues]) -> None:
        """Check and fix the options; :class:`pullpush.options.Options` explains them and their defaults."""
        super().__init__()
        self.options = options_from(options)
        self._values = tuple(getattr(self.options, name) for name in DEFAULTS)
        self._parts: Tensor | None = None

    @classmethod
    def preset(cls, name: Preset, **overrides: Unpack[OptionValues]) -> Self:
        """The options of a named set, some replaced: ``"original"`` or ``"orthogonal"``."""
        return cls(**preset(name, **overrides))

    def forward(self, features: Tensor, *, samples_per_id: int | None = None, labels: Tensor | None = None) -> Tensor:
        """The loss of a batch, in float64 for float64 features and in float32 for all others.

        Args:
            features: (B, D) tensor of float32, float64, float16 or bfloat16, raw: the normalisation is part of the
                loss. On the CPU it is read in place if the numbers of a row lie side by side; float16 is widened
                first, as autocast does for PyTorch's own losses, for a ``GradScaler`` must come before the rounding.
            samples_per_id: K, when the rows come identity after identity with K rows each; it must divide B.
            labels: (B,) integers on the device of the features, when they do not: any values in any order. Give
                either this or ``samples_per_id``.

        Raises:
            InvalidArgument: an argument cannot be used.
            NotFinite: ``check_finite=True`` and the features are not.
        """
        count, labels = _checked(features, samples_per_id, labels)
        if features.device.type in LIBRARY_DEVICES:
            if features.dtype == torch.float16:
                features = features.float()
            with_gradient = torch.is_grad_enabled() and features.requires_grad
            loss: Tensor
            loss, self._parts, _ = _evaluate(features, labels, count, with_gradient, *self._values)
            return loss
        if self.options.check_finite:
            _check_finite(features)
        wide = features if features.dtype == torch.float64 else features.float()
        loss, self._parts = torch_formulas.evaluate(wide, labels, count, self.options)
        return loss

    @property
    def last(self) -> Loss:
        """The parts of the loss of the latest batch, for a log; it has no ``backward``.

        Nothing is computed again. On another device than the CPU, reading them waits for that device.
        """
        if self._parts is None:
            raise PullPushError("there is no last loss yet: call the module with a batch first")
        result = _library.Result(_library.RESULT_SIZE)
        for name, value in zip(PARTS, self._parts.tolist(), strict=True):
            setattr(result, name, int(value) if name.endswith("_pairs") else value)
        return Loss(result)

    def extra_repr(self) -> str:
        """The options that are not at their default."""
        return str(self.options)


class PullPushFeaturesLoss(nn.Module):
    """The original module ``Pull_Push_Features_loss``: in a training script only the name of the class changes.

    >>> loss = PullPushFeaturesLoss()(features, batch_size, person_num)

    Its features come normalised already, so ``normalize`` is ``"none"`` unless given; all else is the original loss.
    """

    def __init__(self, **options: Unpack[OptionValues]) -> None:
        """Check and fix the options, as :class:`PullPushLoss` does."""
        super().__init__()
        options.setdefault("normalize", "none")
        self.loss_fn = PullPushLoss(**options)

    def forward(self, features: Tensor, batch_size: int, person_num: int) -> Tensor:
        """The loss of ``batch_size`` rows: ``person_num`` of one identity after the other."""
        if features.shape[:1] != (batch_size,):
            raise InvalidArgument(
                "batch_size must be the number of rows of features, "
                f"got {batch_size!r} for shape {tuple(features.shape)}"
            )
        loss: Tensor = self.loss_fn(features, samples_per_id=person_num)
        return loss

    @property
    def last(self) -> Loss:
        """As :attr:`PullPushLoss.last`."""
        return self.loss_fn.last


@torch.library.custom_op("pullpush::evaluate", mutates_args=(), device_types="cpu", schema=_SCHEMA)
def _evaluate(
    features: Tensor, labels: Tensor | None, samples_per_id: int, with_gradient: bool, *values: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss, its parts in float64, and its gradient (of no elements when it is not wanted)."""
    options = options_from(dict(zip(DEFAULTS, values, strict=True)))
    if features.stride(1) != 1 or features.stride(0) < features.shape[1]:
        features = features.contiguous()
    # A contiguous tensor may have any stride along a dimension of one element.
    stride = 0 if features.is_contiguous() else features.stride(0)
    batch = _library.batch(
        features.data_ptr(),
        features.shape[0],
        features.shape[1],
        stride,
        0 if labels is None else labels.data_ptr(),
        samples_per_id,
        _DTYPES[features.dtype],
    )
    gradient = features.new_empty(features.shape if with_gradient else (0,))
    result = _library.evaluate(batch, options.struct, gradient.data_ptr() if with_gradient else None)
    parts = torch.tensor([getattr(result, name) for name in PARTS], dtype=torch.float64)
    return torch.tensor(result.loss, dtype=loss_dtype(features)), parts, gradient


@_evaluate.register_fake
def _(
    features: Tensor, labels: Tensor | None, samples_per_id: int, with_gradient: bool, *values: Any
) -> tuple[Tensor, Tensor, Tensor]:
    return (
        features.new_empty((), dtype=loss_dtype(features)),
        features.new_empty((len(PARTS),), dtype=torch.float64),
        features.new_empty(features.shape if with_gradient else (0,)),
    )


def _keep_gradient(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    _, parts, gradient = output
    ctx.mark_non_differentiable(parts, gradient)
    ctx.save_for_backward(gradient)


def _backward(ctx: Any, upstream: Tensor, *others: Tensor) -> tuple[Tensor | None, ...]:
    refuse_second_derivative()
    (gradient,) = ctx.saved_tensors
    # Often backward starts at this loss: then the kept gradient is the answer, without a pass over it.
    return gradient if _is_one(upstream) else upstream * gradient, *[None] * (3 + len(DEFAULTS))


_evaluate.register_autograd(_backward, setup_context=_keep_gradient)


def _is_one(upstream: Tensor) -> bool:
    """Whether a scalar is known to be 1: a compiler's stand-in and a batch of ``vmap`` are not known."""
    try:
        return type(upstream) is Tensor and upstream.item() == 1
    except RuntimeError:
        return False


def refuse_second_derivative() -> None:
    """Raise in a backward that autograd wants to differentiate again."""
    if torch.is_grad_enabled():
        raise NoGradient(
            "the library has no second derivative: create_graph must be False for a gradient that passes through the "
            "loss, got True"
        )


def loss_dtype(features: Tensor) -> torch.dtype:
    """The dtype of the loss of these features."""
    return torch.float64 if features.dtype == torch.float64 else torch.float32


def _checked(features: Tensor, samples_per_id: int | None, labels: Tensor | None) -> tuple[int, Tensor | None]:
    """Refuse what is not a batch; return the number of rows of each identity, or 0 and int64 labels."""
    if not isinstance(features, Tensor):
        raise InvalidArgument(f"features must be a torch.Tensor, got {type(features).__qualname__}")
    if features.dtype not in _DTYPES:
        raise InvalidArgument(
            f"features must be float32, float64, float16 or bfloat16, got {features.dtype}; nothing is cast silently"
        )
    if features.dim() != 2:
        raise InvalidArgument(f"features must have 2 dimensions (rows, dim), got shape {tuple(features.shape)}")
    rows, dim = features.shape
    if rows == 0 or dim == 0:
        raise InvalidArgument(f"features must have at least 1 row and 1 column, got shape {tuple(features.shape)}")
    check_identities(samples_per_id, labels)
    if labels is None:
        count = integer("samples_per_id", samples_per_id, 1, INT64_MAX)
        if rows % count:
            raise InvalidArgument(f"samples_per_id must divide the number of rows, {rows}, got {count}")
        return count, None
    if not isinstance(labels, Tensor) or labels.dtype not in _LABEL_DTYPES:
        kind = labels.dtype if isinstance(labels, Tensor) else type(labels).__qualname__
        raise InvalidArgument(f"labels must be a torch.Tensor of integers, got {kind}")
    if labels.shape != (rows,):
        raise InvalidArgument(
            f"labels must have one label for each of the {rows} rows, got shape {tuple(labels.shape)}"
        )
    if labels.device != features.device:
        raise InvalidArgument(f"labels must be on the device of the features, {features.device}, got {labels.device}")
    return 0, labels.to(torch.int64).contiguous()


def _check_finite(features: Tensor) -> None:
    finite = features.isfinite().all(1)
    if not finite.all():
        row = int(finite.to(torch.uint8).argmin())
        raise NotFinite(f"row {row} of features holds a NaN or an infinity: expected finite numbers")
