"""Training of the network with a PullPush loss on P x K batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dataset import Split
from network import Adam, Network
from numpy.typing import NDArray
from pullpush import PKSampler, PullPushLoss
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

IDS_PER_BATCH = 10
SAMPLES_PER_ID = 8
HIDDEN = 128
DIM = 16


@dataclass(frozen=True)
class Run:
    """A trained network and what the loss was made of at every step, each ``(steps,)``."""

    network: Network
    loss: NDArray[np.float64]
    pull: NDArray[np.float64]
    push: NDArray[np.float64]


def train(data: Split, loss_fn: PullPushLoss, *, steps: int, seed: int = 0, name: str = "", quiet: bool = False) -> Run:
    """Train for `steps` batches. Runs with one `seed` start from the same weights and see the same batches."""
    network = Network.random(data.pixels.shape[1], HIDDEN, DIM, np.random.default_rng(seed))
    optimizer = Adam(network.parameters)
    sampler = PKSampler(data.labels, IDS_PER_BATCH, SAMPLES_PER_ID, seed, batches_per_epoch=steps)
    history = np.full((3, steps), np.nan)
    progress = tqdm(sampler, desc=name, unit="step", disable=quiet)
    # More threads would wait for each other more than they work, and their number would change the last digits.
    with threadpool_limits(limits=1):
        for step, indices in enumerate(progress):
            x = data.pixels[indices]
            embeddings, hidden = network.forward(x)
            loss = loss_fn(embeddings, samples_per_id=SAMPLES_PER_ID)
            optimizer.step(network.backward(x, hidden, loss.backward()))
            history[:, step] = float(loss), loss.pull, loss.push
            if step % 50 == 0:
                progress.set_postfix(loss=f"{float(loss):+.3f}", pull=f"{loss.pull:.3f}", push=f"{loss.push:+.3f}")
    return Run(network, *history)
