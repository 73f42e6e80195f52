"""What the demo claims, on short runs."""

from __future__ import annotations

import numpy as np
import pytest
from dataset import load
from network import Network
from numpy.typing import NDArray
from pullpush import PullPushLoss
from pullpush.options import Preset
from retrieval import retrieve
from training import DIM, HIDDEN, IDS_PER_BATCH, train


def test_halves_are_stratified_and_share_no_image() -> None:
    training, held_out = load(seed=3)
    assert len(training.labels) + len(held_out.labels) == 1797
    for digit in range(10):
        assert abs(np.sum(training.labels == digit) - np.sum(held_out.labels == digit)) <= 1
    images = np.concatenate((training.pixels, held_out.pixels))
    assert len(np.unique(images, axis=0)) == 1797
    assert images.min() == 0
    assert images.max() == 1
    assert not np.array_equal(training.pixels, load(seed=4)[0].pixels)


def test_orthogonal_run_improves_on_pixels_and_on_the_start() -> None:
    training, held_out = load()
    run = train(training, PullPushLoss.preset("orthogonal"), steps=300, quiet=True)

    def precision(embeddings: NDArray[np.floating]) -> float:
        return retrieve(embeddings, held_out.labels).mean_average_precision

    start = Network.random(64, HIDDEN, DIM, np.random.default_rng(0))
    trained = precision(run.network(held_out.pixels))
    assert trained > precision(held_out.pixels) + 0.2
    assert trained > precision(start(held_out.pixels)) + 0.2
    assert run.loss[-50:].mean() < 0.5 * run.loss[:5].mean()


def test_original_run_comes_to_the_bound_and_lets_digits_coincide() -> None:
    training, held_out = load()
    run = train(training, PullPushLoss.preset("original"), steps=1000, quiet=True)
    bound = -1 / (IDS_PER_BATCH - 1)
    # Rows in float32 may pass the bound by rounding only.
    assert run.push.min() >= bound - 1e-5
    assert run.push[-100:].mean() < bound + 0.01
    embeddings = run.network(held_out.pixels)
    centres = np.array([embeddings[held_out.labels == digit].mean(0) for digit in range(10)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    cosines = centres @ centres.T - np.eye(10)
    assert cosines.max() > 0.9


@pytest.mark.parametrize("preset", ["original", "orthogonal"])
def test_a_seed_decides_the_run(preset: Preset) -> None:
    training, _ = load()
    first, same, other = (
        train(training, PullPushLoss.preset(preset), steps=20, seed=seed, quiet=True) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.loss, same.loss)
    assert not np.array_equal(first.loss, other.loss)
    np.testing.assert_allclose(first.loss, first.pull + first.push, rtol=1e-12)
