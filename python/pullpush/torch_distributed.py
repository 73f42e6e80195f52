"""The loss of a batch over many processes as a PyTorch module, for use with DistributedDataParallel.

>>> model = DistributedDataParallel(network)
>>> loss_fn = pullpush.torch_distributed.PullPushLoss()
>>> loss_fn(model(images), samples_per_id=4).backward()

DistributedDataParallel averages: with f_r the rows of rank r and u_r what ``backward`` hands them, the parameters get
1/R Σ_r (∂f_r/∂θ)ᵀ u_r. The whole batch asks for Σ_r (∂f_r/∂θ)ᵀ ∂loss/∂f_r, so u_r = R ∂loss/∂f_r.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from . import distributed
from .errors import PullPushError
from .loss import Loss
from .options import OptionValues, Preset, preset
from .statistics import additive_options
from .torch import loss_dtype, refuse_second_derivative

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class PullPushLoss(nn.Module):
    """The loss of the rows of all ranks, the same number on each, as a scalar tensor that autograd can follow.

    Every rank must call it, and then ``backward``, in the same order. Rows on another device travel through the host's
    memory; what the ranks exchange is in :mod:`pullpush.distributed`. Under ``torch.compile`` it is a graph break.
    """

    def __init__(self, *, group: Any = None, averaged: bool = True, **options: Unpack[OptionValues]) -> None:
        """Check and fix the options.

        Args:
            group: as for :func:`pullpush.distributed.value_and_grad`.
            averaged: whether the gradients of the parameters will be averaged over the ranks, as
                DistributedDataParallel does; False if they will be summed.
            **options: see :class:`pullpush.options.Options`. A hinge push is refused.
        """
        super().__init__()
        self.options = additive_options(options)
        self.group = group
        self.averaged = averaged
        self._last: Loss | None = None

    @classmethod
    def preset(cls, name: Preset, *, group: Any = None, averaged: bool = True, **changes: Unpack[OptionValues]) -> Self:
        """The options of a named set, some replaced: ``"original"`` or ``"orthogonal"``."""
        return cls(group=group, averaged=averaged, **preset(name, **changes))

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, local_rows: Tensor, *, samples_per_id: int | None = None, labels: Tensor | None = None) -> Tensor:
        """The loss of all rows, in float64 for float64 rows and in float32 for all others.

        Args:
            local_rows: this rank's rows, as the features of :class:`pullpush.torch.PullPushLoss`.
            samples_per_id: as there.
            labels: as there; the same label means the same identity on every rank.
        """
        if local_rows.dtype in (torch.float16, torch.bfloat16):
            local_rows = local_rows.float()
        loss: Tensor = _WholeBatch.apply(local_rows, self, samples_per_id, labels)  # type: ignore[no-untyped-call]
        return loss

    @property
    def last(self) -> Loss:
        """The parts of the loss of the latest batch, for a log; it has no ``backward``."""
        if self._last is None:
            raise PullPushError("there is no last loss yet: call the module with a batch first")
        return self._last

    def extra_repr(self) -> str:
        """The options that are not at their default."""
        return str(self.options)


class _WholeBatch(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, local_rows: Tensor, module: PullPushLoss, samples_per_id: int | None, labels: Tensor | None
    ) -> Tensor:
        arguments: dict[str, Any] = {
            "samples_per_id": samples_per_id,
            "labels": labels if labels is None else labels.cpu(),
            "group": module.group,
            **module.options.changed(),
        }
        here = local_rows.detach().cpu()
        if ctx.needs_input_grad[0]:
            module._last, gradient = distributed.value_and_grad(here, **arguments)
            ctx.save_for_backward(gradient.to(local_rows.device))
            ctx.scale = distributed.ranks_of(module.group).size if module.averaged else 1
        else:
            module._last = distributed.value(here, **arguments)
        return local_rows.new_tensor(module._last.loss, dtype=loss_dtype(local_rows))

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivative()
        (gradient,) = ctx.saved_tensors
        return ctx.scale * upstream * gradient, None, None, None
