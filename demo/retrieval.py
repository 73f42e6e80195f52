"""Leave-one-out retrieval: every row queries all the others, and rows of its own label are the right answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Ranking = Literal["cosine", "euclidean"]


@dataclass(frozen=True)
class Retrieval:
    """Means over all queries that have a right answer, between 0 and 1."""

    recall_at_1: float
    mean_average_precision: float


def similarities(embeddings: Array, ranking: Ranking = "cosine") -> NDArray[np.float64]:
    """All pairs ``(rows, rows)``: larger is nearer. ``euclidean`` is minus the squared distance."""
    x = np.asarray(embeddings, np.float64)
    if ranking == "cosine":
        x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        return np.asarray(x @ x.T)
    squares = np.sum(x * x, axis=1)
    return np.asarray(2 * x @ x.T - squares[:, None] - squares)


def retrieve(embeddings: Array, labels: NDArray[np.integer], ranking: Ranking = "cosine") -> Retrieval:
    """Retrieval figures of ``(rows, dim)`` embeddings with one label a row.

    The average precision of a query is the mean, over its right answers, of the share of right answers down to that
    one. Equal similarities keep the order of the rows.

    Raises:
        ValueError: no label occurs twice, so there is nothing to find.
    """
    rows = len(labels)
    scores = similarities(embeddings, ranking)
    np.fill_diagonal(scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, : rows - 1]
    right = labels[order] == labels[:, None]
    right = right[right.any(axis=1)]
    if len(right) == 0:
        raise ValueError("labels: every label occurs once, expected at least one that occurs twice")
    precision = np.cumsum(right, axis=1) / np.arange(1, rows)
    average = np.sum(precision * right, axis=1) / np.sum(right, axis=1)
    return Retrieval(float(np.mean(right[:, 0])), float(np.mean(average)))
