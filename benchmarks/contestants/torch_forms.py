"""The loss in PyTorch, with autograd: the original module, with batched products, over all pairs, in closed form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no compiling helpers beside the measurement

import torch
import torch._dynamo
from shapes import Batch, Shape
from timing import Contestant, Key, Outcome, python_timer
from torch.nn.functional import normalize

Loss = Callable[[torch.Tensor], torch.Tensor]
ValueAndGradient = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

# From here on PyTorch too has something to share among two threads.
SIZE_FOR_TWO_THREADS = 1024 * 512

# Beyond this product of P, B and D, a call of the original module takes minutes: the gradient of every slice of rows is
# first as large as the batch.
LOOP_LIMIT = 10**10

# Beyond this many rows, the matrices of all pairs take gigabytes.
MATRIX_LIMIT = 4096


def contestants(batch: Batch) -> Iterator[Contestant]:
    """Each form from unit rows and from raw ones; the closed forms of large batches on two threads too."""
    torch._dynamo.reset()
    shape = batch.shape
    for name, form in (("torch loop", loop), ("torch batched", batched)):
        for normalization in ("none", "renorm"):
            slow = form is loop and shape.identities * shape.size > LOOP_LIMIT
            function = _by_autograd(_with(normalization, form(shape)))
            yield _contestant(batch, Key(name, normalization), function, slow)
    if shape.rows <= MATRIX_LIMIT:
        yield _contestant(batch, Key("torch matrix"), _by_autograd(matrix(shape)))
    for threads in (1, 2) if shape.size >= SIZE_FOR_TWO_THREADS else (1,):
        for normalization in ("none", "l2"):
            loss = _with(normalization, closed(shape))
            yield _contestant(batch, Key("torch closed", normalization, threads), _by_autograd(loss))
            yield _contestant(batch, Key("torch compiled", normalization, threads), _compiled(loss))


def loop(shape: Shape) -> Loss:
    """The original module: identity after identity, one small product each, and the representatives concatenated."""
    k, p = shape.samples_per_id, shape.identities

    def loss(x: torch.Tensor) -> torch.Tensor:
        pull = torch.zeros(())
        firsts = []
        for start in range(0, len(x), k):
            rows = x[start : start + k]
            pull = pull + (1 - torch.mm(rows, rows.T)).sum()
            firsts.append(rows[:1])
        representatives = torch.cat(firsts)
        push = torch.mm(representatives, representatives.T).sum() - p
        return pull / shape.positive_pairs + push / shape.negative_pairs

    return loss


def batched(shape: Shape) -> Loss:
    """The same with one batched product for all identities."""
    k, p = shape.samples_per_id, shape.identities

    def loss(x: torch.Tensor) -> torch.Tensor:
        rows = x.view(p, k, -1)
        pull = (1 - torch.bmm(rows, rows.transpose(1, 2))).sum()
        representatives = rows[:, 0]
        push = torch.mm(representatives, representatives.T).sum() - p
        return pull / shape.positive_pairs + push / shape.negative_pairs

    return loss


def closed(shape: Shape) -> Loss:
    """The squared norms of sums."""
    k, p = shape.samples_per_id, shape.identities

    def loss(x: torch.Tensor) -> torch.Tensor:
        rows = x.view(p, k, -1)
        sums, total = rows.sum(1), rows[:, 0].sum(0)
        pull = p * k * k - (sums * sums).sum()
        push = (total * total).sum() - p
        return pull / shape.positive_pairs + push / shape.negative_pairs

    return loss


def matrix(shape: Shape) -> Loss:
    """All B×B inner products, and masks that say which count: how losses on arbitrary pairs are often written."""
    k, p = shape.samples_per_id, shape.identities
    identity = torch.arange(shape.rows) // k
    same = identity[:, None] == identity[None, :]
    first = torch.arange(shape.rows) % k == 0
    apart = first[:, None] & first[None, :]

    def loss(x: torch.Tensor) -> torch.Tensor:
        products = x @ x.T
        pull = torch.where(same, 1 - products, 0).sum()
        push = torch.where(apart, products, 0).sum() - p
        return pull / shape.positive_pairs + push / shape.negative_pairs

    return loss


def _with(normalization: str, loss: Loss) -> Loss:
    if normalization == "renorm":
        return lambda raw: loss(raw.renorm(2, 0, 1e-5).mul(1e5))
    if normalization == "l2":
        return lambda raw: loss(normalize(raw))
    return loss


def _by_autograd(loss: Loss) -> ValueAndGradient:
    def call(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = features.detach().requires_grad_()
        value = loss(features)
        return value, torch.autograd.grad(value, features)[0]

    return call


def _compiled(loss: Loss) -> ValueAndGradient:
    """Loss and gradient in one graph, which compiles to fewer passes than a compiled loss with autograd around it."""
    function: ValueAndGradient = torch.compile(_value_and_gradient(loss), dynamic=False)
    return function


def _value_and_gradient(loss: Loss) -> ValueAndGradient:
    differentiated = torch.func.grad_and_value(loss)

    def call(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gradient, value = differentiated(features)
        return value, gradient

    return call


def _contestant(batch: Batch, key: Key, function: ValueAndGradient, slow: bool = False) -> Contestant:
    features = torch.from_numpy(batch.features(key.normalize))

    def outcome() -> Outcome:
        torch.set_num_threads(key.threads)
        value, gradient = function(features)
        return value.item(), gradient.numpy()

    timer = python_timer(lambda: function(features), lambda: torch.set_num_threads(key.threads))
    return Contestant(key, timer, outcome, slow=slow)
