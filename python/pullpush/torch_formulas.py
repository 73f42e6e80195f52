"""The loss in torch operations, for tensors on a device where the shared library cannot read.

The formulas are the library's. Nothing is read back from the device, so a call waits for nothing there, and autograd
makes the gradient. The linear push costs O(B D). The squared push and the hinge hold a matrix of all pairs of M pushed
vectors: M is the number of identities with ``samples_per_id`` and between representatives or centroids, else B.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .options import Options


def evaluate(features: Tensor, labels: Tensor | None, samples_per_id: int, options: Options) -> tuple[Tensor, Tensor]:
    """The loss, which autograd can follow, and the numbers of :data:`pullpush.loss.PARTS` in one tensor.

    ``features`` are (B, D) in float32 or float64; ``labels`` are (B,) int64, or None with ``samples_per_id``.
    """
    # Autocast would round the rows to 16 bits before multiplying them.
    with torch.autocast(features.device.type, enabled=False):
        identities = _InOrder(features, samples_per_id) if labels is None else _Labelled(features, labels)
        return _loss(features, identities, options)


class _Identities(Protocol):
    """The identities of a batch, in slots of which a last few may be empty."""

    sizes: Tensor  # (slots,) int64, the rows of each identity, 0 in an empty slot

    def sums(self, rows: Tensor) -> Tensor:
        """(B, ...) to (slots, ...): the sum over each identity."""

    def firsts(self, rows: Tensor) -> Tensor:
        """(B, ...) to (slots, ...): the first row of each identity, 0 in an empty slot."""

    def spread(self, slots: Tensor) -> Tensor:
        """(slots, ...) to (B, ...): to every row what its identity has."""


class _InOrder:
    """Identity after identity, with as many rows each."""

    def __init__(self, features: Tensor, samples_per_id: int) -> None:
        self.samples_per_id = samples_per_id
        self.sizes = torch.full((len(features) // samples_per_id,), samples_per_id, device=features.device)

    def sums(self, rows: Tensor) -> Tensor:
        return rows.reshape(-1, self.samples_per_id, *rows.shape[1:]).sum(1)

    def firsts(self, rows: Tensor) -> Tensor:
        return rows[:: self.samples_per_id]

    def spread(self, slots: Tensor) -> Tensor:
        return slots.repeat_interleave(self.samples_per_id, 0)


class _Labelled:
    """Any labels, and a slot for each row: how many identities there are, a device tells only those who wait for it."""

    def __init__(self, features: Tensor, labels: Tensor) -> None:
        # In a stable order the first of each run of equal labels is the identity's first row in the batch.
        ordered, order = labels.sort(stable=True)
        starts = torch.ones_like(ordered, dtype=torch.bool)
        starts[1:] = ordered[1:] != ordered[:-1]
        self.slots = torch.empty_like(order).scatter(0, order, starts.cumsum(0) - 1)
        self.leads = torch.empty_like(starts).scatter(0, order, starts)
        self.sizes = self.sums(torch.ones_like(labels))

    def sums(self, rows: Tensor) -> Tensor:
        return torch.zeros_like(rows).index_add(0, self.slots, rows)

    def firsts(self, rows: Tensor) -> Tensor:
        leads = self.leads.view(-1, *[1] * (rows.dim() - 1))
        return self.sums(torch.where(leads, rows, 0))

    def spread(self, slots: Tensor) -> Tensor:
        return slots[self.slots]


def _loss(features: Tensor, identities: _Identities, options: Options) -> tuple[Tensor, Tensor]:
    euclidean = options.objective == "squared_euclidean"
    include = options.self_pairs == "include"
    x, lack = _normalized(features, options.normalize)

    sizes = identities.sizes
    of_row = identities.spread(sizes)
    positive_pairs = (sizes * (sizes - 1)).sum()
    # With c the mean row of an identity, its pairs (a, b) have sum |x_a - x_b|^2 = 2 K sum |x_a - c|^2, and
    # 1 - x_a . x_b = (|x_a - x_b|^2 + (1 - |x_a|^2) + (1 - |x_b|^2)) / 2. Nothing cancels where an identity is tight.
    sums = identities.sums(x)
    centroids = sums / sizes.clamp(min=1)[:, None]
    apart = (of_row * _squares(x - identities.spread(centroids))).sum()
    unlike = apart + ((of_row - 1) * lack).sum()
    if euclidean:
        pull = _mean(2 * apart, positive_pairs)
    elif include:
        pull = _mean(apart + (of_row * (of_row > 1) * lack).sum(), positive_pairs)
    else:
        pull = _mean(unlike, positive_pairs)
    mean_positive = torch.where(positive_pairs > 0, 1 - _mean(unlike, positive_pairs), 0)

    if options.push_between == "all":
        pushed, exists = x, torch.ones_like(of_row, dtype=torch.bool)
        names = identities.spread(torch.arange(len(sizes), device=x.device))
        within, apart_within = _squares(sums).sum(), 2 * apart
        negative_pairs = len(x) ** 2 - (sizes * sizes).sum()
    else:
        pushed, exists = centroids if options.push_between == "centroids" else identities.firsts(x), sizes > 0
        names = torch.arange(len(sizes), device=x.device)
        within, apart_within = _squares(pushed).sum(), x.new_zeros(())
        negative_pairs = exists.sum() ** 2 - exists.sum()
    total = pushed.sum(0)
    alike = total @ total - within
    active_pairs = negative_pairs
    if options.push == "linear" and euclidean:
        count = exists.sum()
        spread = torch.where(exists, _squares(pushed - total / count), 0).sum()
        push = _mean(apart_within - 2 * count * spread, negative_pairs)
    elif options.push == "linear":
        counts_itself = include and options.push_between == "representatives"
        push = _mean(alike - identities.firsts(lack).sum() if counts_itself else alike, negative_pairs)
    else:
        across = (names[:, None] != names) & exists[:, None] & exists
        values = pushed @ pushed.T
        if euclidean:
            lengths = _squares(pushed)
            values = torch.relu(options.margin - (lengths[:, None] + lengths - 2 * values))
        elif options.push == "squared":
            values = (values - options.target) ** 2
        else:
            values = torch.relu(values - options.margin)
        if options.push == "hinge":
            active_pairs = ((values > 0) & across).sum()
        divisor = active_pairs if options.reduction == "mean_active" else negative_pairs
        push = _mean(torch.where(across, values, 0).sum(), divisor)

    loss = options.pull_weight * pull + options.push_weight * push
    numbers = (loss, pull, push, mean_positive, _mean(alike, negative_pairs))
    pairs = (positive_pairs, negative_pairs, active_pairs)
    # Apple's devices know no float64.
    wide = torch.float32 if x.device.type == "mps" else torch.float64
    return loss, torch.stack([number.detach().to(wide) for number in (*numbers, *pairs)])


def _normalized(features: Tensor, how: str) -> tuple[Tensor, Tensor]:
    """The rows the loss sees, and ``1 - |x|^2`` of each without the rounding of ``|x|``."""
    if how == "none":
        return features, 1 - _squares(features)
    threshold, extra = (1e-12, 0.0) if how == "l2" else (1e-5, 1e-7)
    squares = _squares(features)
    long = squares > threshold * threshold
    # A norm that nothing is divided by becomes 1, for the derivative of a root at 0 is infinite.
    norms = torch.where(long, squares, 1).sqrt()
    short = features / threshold
    x = torch.where(long[:, None], features / (norms + extra)[:, None], short)
    lack = torch.where(long, extra * (2 * norms + extra) / (norms + extra) ** 2, 1 - _squares(short))
    return x, lack


def _squares(rows: Tensor) -> Tensor:
    """The squared norm of every row."""
    return (rows * rows).sum(1)


def _mean(total: Tensor, pairs: Tensor) -> Tensor:
    """A sum over pairs divided by their number, 0 when there is none."""
    return torch.where(pairs > 0, total / pairs.clamp(min=1), 0)
