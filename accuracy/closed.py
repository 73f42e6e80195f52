"""The two presets by their formulas in long double, for batches of too many rows to write out their pairs."""

from __future__ import annotations

import numpy as np
from batches import Call
from exact import Exact, wide


def evaluate(call: Call) -> Exact:
    """The loss of identities of equal size."""
    order = np.argsort(call.labels, kind="stable")
    ids = len(np.unique(call.labels))
    samples = len(order) // ids
    raw = wide(call.features)[order]
    orthogonal = call.options.get("push") == "squared"
    norms = np.sqrt((raw * raw).sum(axis=1, keepdims=True))
    scale = 1 / (norms + (0 if orthogonal else np.longdouble(1e-7)))
    x = raw * scale
    positive, negative = ids * samples * (samples - 1), ids * (ids - 1)
    by_id = x.reshape(ids, samples, -1)
    squares = (x * x).sum(axis=1, keepdims=True)
    gradient = np.zeros_like(x)
    pull = push = np.longdouble(0)
    if positive:
        self_pairs = 0 if orthogonal else 1
        spread = ((by_id - by_id.mean(axis=1, keepdims=True)) ** 2).sum()
        pull = (samples * spread + (samples - 1 + self_pairs) * (1 - squares).sum()) / positive
        sums = np.repeat(by_id.sum(axis=1), samples, axis=0)
        gradient -= 2 / np.longdouble(positive) * (sums - (1 - self_pairs) * x)
    if negative:
        leads, lengths = x[::samples], squares[::samples]
        products = leads.T @ leads if len(leads) > leads.shape[1] else leads @ leads.T
        total = leads.sum(axis=0)
        if orthogonal:
            push = ((products**2).sum() - (lengths**2).sum()) / negative
            turned = leads @ products if len(leads) > leads.shape[1] else products @ leads
            gradient[::samples] += 4 / np.longdouble(negative) * (turned - lengths * leads)
        else:
            push = (total @ total - ids) / negative
            gradient[::samples] += 2 / np.longdouble(negative) * total
    along = (raw * gradient).sum(axis=1, keepdims=True)
    back = np.empty_like(gradient)
    back[order] = scale * gradient - scale**2 * along / norms * raw
    terms = np.sqrt((gradient * gradient).sum(axis=1)) * scale[:, 0]
    return Exact(pull + push, pull, push, call.upstream * back, call.upstream * terms, np.inf)
