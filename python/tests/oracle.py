"""What the loss should be, twice over and independent of the library.

``evaluate`` is the whole definition by brute force: every pair of rows in float64, explicit B×B masks, the gradient by
autograd. ``original`` is the original loss alone, a loop over identities as the article tells it. Neither shares a
formula with the library, which never forms a pair of rows for the linear push.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

DEFAULTS: dict[str, Any] = {
    "normalize": "renorm",
    "self_pairs": "include",
    "push": "linear",
    "target": 0.0,
    "margin": 0.0,
    "reduction": "mean",
    "push_between": "representatives",
    "objective": "inner_product",
    "pull_weight": 1.0,
    "push_weight": 1.0,
}


@dataclass(frozen=True)
class Outcome:
    """Everything the library reports, and the gradient of ``upstream * loss``."""

    loss: float
    pull: float
    push: float
    mean_positive: float
    mean_negative: float
    positive_pairs: int
    negative_pairs: int
    active_pairs: int
    gradient: Float64

    def parts(self) -> dict[str, float | int]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "gradient"}


def evaluate(
    features: NDArray[Any],
    *,
    samples_per_id: int | None = None,
    labels: NDArray[Any] | None = None,
    upstream: float = 1.0,
    **options: Any,
) -> Outcome:
    """The loss of a batch over all its pairs."""
    if labels is None:
        assert samples_per_id is not None
        labels = np.arange(len(features)) // samples_per_id
    raw = torch.tensor(features.astype(np.float64), requires_grad=True)
    parts = loss_parts(raw, torch.tensor(np.asarray(labels, dtype=np.int64)), **options)
    if parts["loss"].requires_grad:
        (upstream * parts["loss"]).backward()  # type: ignore[no-untyped-call]
    gradient = np.zeros(features.shape) if raw.grad is None else raw.grad.numpy()
    numbers: dict[str, Any] = {name: part.item() for name, part in parts.items()}
    return Outcome(**numbers, gradient=gradient)


def loss_parts(raw: torch.Tensor, labels: torch.Tensor, **changed: Any) -> dict[str, torch.Tensor]:
    """The parts of the loss as tensors that know how they came about."""
    assert changed.keys() <= DEFAULTS.keys()
    options = DEFAULTS | changed
    x = normalized(raw, options["normalize"])
    euclidean = options["objective"] == "squared_euclidean"
    include = options["self_pairs"] == "include"

    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(x), dtype=torch.bool)
    positive = same & ~itself
    pulled = positive | (itself & positive.any(dim=1)) if include else positive
    pull = mean_over(squared_distances(x) if euclidean else 1 - x @ x.T, pulled, positive.sum())

    first = torch.tensor([labels.tolist().index(label) for label in sorted(set(labels.tolist()))])
    if options["push_between"] == "representatives":
        pushed, names = x[first], labels[first]
    elif options["push_between"] == "centroids":
        pushed = torch.stack([x[labels == labels[row]].mean(dim=0) for row in first])
        names = labels[first]
    else:
        pushed, names = x, labels
    negative = names[:, None] != names[None, :]
    s = pushed @ pushed.T
    d = squared_distances(pushed)
    count = active = negative.sum()
    if options["push"] == "linear":
        push = mean_over(-d if euclidean else s, negative, count)
        if include and not euclidean and options["push_between"] == "representatives" and count:
            push = push + (s.trace() - len(s)) / count
    elif options["push"] == "squared":
        push = mean_over((s - options["target"]) ** 2, negative, count)
    else:
        hinge = torch.relu(options["margin"] - d if euclidean else s - options["margin"])
        active = ((hinge > 0) & negative).sum()
        push = mean_over(hinge, negative, active if options["reduction"] == "mean_active" else count)

    return {
        "loss": options["pull_weight"] * pull + options["push_weight"] * push,
        "pull": pull,
        "push": push,
        "mean_positive": mean_over(x @ x.T, positive, positive.sum()),
        "mean_negative": mean_over(s, negative, count),
        "positive_pairs": positive.sum(),
        "negative_pairs": count,
        "active_pairs": active,
    }


def normalized(raw: torch.Tensor, how: str) -> torch.Tensor:
    """The rows the loss sees. Norms that are not divided by are replaced first, to keep NaN out of the backward."""
    if how == "none":
        return raw
    squares = (raw * raw).sum(dim=1, keepdim=True)
    norms = torch.where(squares > 0, torch.where(squares > 0, squares, 1).sqrt(), 0)
    threshold, extra = (1e-12, 0.0) if how == "l2" else (1e-5, 1e-7)
    large = norms > threshold
    return torch.where(large, raw / (torch.where(large, norms, 1) + extra), raw / threshold)


def squared_distances(x: torch.Tensor) -> torch.Tensor:
    return ((x[:, None, :] - x[None, :, :]) ** 2).sum(dim=2)


def mean_over(values: torch.Tensor, pairs: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """The sum over the marked pairs divided by a count, or 0 when there is nothing to count."""
    total = torch.where(pairs, values, 0.0).sum()
    return total / count if count else 0 * total


def original(features: NDArray[Any], person_num: int) -> tuple[float, Float64]:
    """The original loss on raw rows, renorm as PyTorch has it, and its gradient: a loop over the identities."""
    raw = torch.tensor(features.astype(np.float64), requires_grad=True)
    unit = raw.renorm(2, 0, 1e-5).mul(1e5)
    id_num = len(features) // person_num
    pull = torch.zeros((), dtype=torch.float64)
    firsts = []
    for start in range(0, len(features), person_num):
        block = unit[start : start + person_num]
        pull = pull + (1 - torch.mm(block, block.T)).sum()
        firsts.append(block[:1])
    pull = pull / (id_num * person_num * (person_num - 1))
    representatives = torch.cat(firsts)
    push = (torch.mm(representatives, representatives.T).sum() - id_num) / (id_num * (id_num - 1))
    loss = pull + push
    loss.backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    return loss.item(), raw.grad.numpy()
