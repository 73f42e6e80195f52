"""Retrieval figures against scikit-learn, query by query, and against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from retrieval import Ranking, retrieve
from scipy.spatial.distance import cdist  # type: ignore[import-untyped]
from sklearn.metrics import average_precision_score  # type: ignore[import-untyped]


@pytest.mark.parametrize("ranking", ["cosine", "euclidean"])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int, ranking: Ranking) -> None:
    rng = np.random.default_rng(seed)
    rows = 20 + 7 * seed
    embeddings, labels = rng.normal(size=(rows, 4)), rng.integers(0, 5, rows)
    distances = cdist(embeddings, embeddings, ranking)
    nearest, precisions = [], []
    for query in range(rows):
        others = np.arange(rows) != query
        right = labels[others] == labels[query]
        if right.any():
            nearest.append(right[np.argmin(distances[query, others])])
            precisions.append(average_precision_score(right, -distances[query, others]))
    figures = retrieve(embeddings, labels, ranking)
    assert figures.recall_at_1 == pytest.approx(np.mean(nearest), abs=1e-12)
    assert figures.mean_average_precision == pytest.approx(np.mean(precisions), abs=1e-12)


def test_worked_example() -> None:
    # On a line, from left to right: a a b a. The first a finds a, b, a: (1/1 + 2/3) / 2. The second likewise with b
    # in the middle. The last finds b, a, a: (1/2 + 2/3) / 2. The b has no right answer and does not count.
    figures = retrieve(np.array([[0.0], [1.0], [2.1], [3.3]]), np.array([0, 0, 1, 0]), "euclidean")
    assert figures.recall_at_1 == pytest.approx(2 / 3)
    assert figures.mean_average_precision == pytest.approx((5 / 6 + 5 / 6 + 7 / 12) / 3)


def test_cosine_ignores_length_and_distance_does_not() -> None:
    embeddings = np.array([[1.0, 0.0], [9.0, 0.0], [1.5, 1.0]])
    labels = np.array([0, 0, 1])
    assert retrieve(embeddings, labels, "cosine").recall_at_1 == 1
    assert retrieve(embeddings, labels, "euclidean").recall_at_1 == 0


def test_zero_row_is_ranked_without_nan() -> None:
    figures = retrieve(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.1]]), np.array([0, 1, 1]))
    assert figures.mean_average_precision == 1


def test_labels_that_never_repeat_are_refused() -> None:
    with pytest.raises(ValueError, match="labels: every label occurs once"):
        retrieve(np.eye(3), np.arange(3))
