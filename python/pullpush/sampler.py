"""Batches of P identities with K samples each, the P×K batches the loss is made for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import labels_given
from .checks import INT64_MAX, integer
from .errors import InvalidArgument

SHORTAGES = ("replace", "refuse", "drop")


class PKSampler:
    """Lists of row indices, ``ids_per_batch`` identities of ``samples_per_id`` rows each, identity after identity.

    It serves as the ``batch_sampler`` of a PyTorch ``DataLoader``, and a list indexes a NumPy array just as well:

    >>> sampler = PKSampler(labels, ids_per_batch=10, samples_per_id=8)
    >>> for epoch in range(epochs):
    ...     sampler.set_epoch(epoch)
    ...     for indices in sampler:
    ...         loss = loss_fn(embed(images[indices]), samples_per_id=sampler.samples_per_id)

    **Identities.** A round shuffles the identities and cuts them into batches, so that each comes at most once a round.
    If ``ids_per_batch`` does not divide their number, the rest sits the round out; the next shuffle draws anew.

    **Samples.** An identity shuffles its rows and hands out ``samples_per_id`` of them a round. When fewer are left it
    shuffles all of them again, so a batch never holds a row twice and every row gets its turn. An identity with
    fewer than ``samples_per_id`` rows follows ``shortage``.

    **Epochs.** The batches depend on ``seed`` and the epoch alone. Iterating does not advance the epoch: without
    ``set_epoch`` the same batches come again.

    Args:
        labels: (N,) integers, the identity of every row of the data set.
        ids_per_batch: P, at least 1 and at most the number of identities.
        samples_per_id: K, at least 1.
        seed: any integer from 0.
        shortage: what to do with an identity that has fewer than K rows: ``"replace"`` takes all of them and draws the
            rest among them, as evenly as possible; ``"refuse"`` raises; ``"drop"`` leaves the identity out.
        batches_per_epoch: the length of an epoch; by default one round. Epochs follow each other without a gap in
            the endless sequence of rounds.
    """

    def __init__(
        self,
        labels: ArrayLike,
        ids_per_batch: int = 10,
        samples_per_id: int = 8,
        seed: int = 0,
        *,
        shortage: Literal["replace", "refuse", "drop"] = "replace",
        batches_per_epoch: int | None = None,
    ) -> None:
        """Group the rows by identity and check that full batches can be made of them."""
        self.ids_per_batch = integer("ids_per_batch", ids_per_batch, 1, INT64_MAX)
        self.samples_per_id = integer("samples_per_id", samples_per_id, 1, INT64_MAX)
        self.seed = integer("seed", seed, 0, INT64_MAX)
        if shortage not in SHORTAGES:
            raise InvalidArgument(f"shortage must be one of {', '.join(map(repr, SHORTAGES))}, got {shortage!r}")
        self.shortage = shortage
        self.epoch = 0
        self._rows_of = _rows_by_identity(labels, self.samples_per_id, shortage)
        if len(self._rows_of) < self.ids_per_batch:
            raise InvalidArgument(
                f"ids_per_batch must be at most the number of usable identities, {len(self._rows_of)}, "
                f"got {self.ids_per_batch}"
            )
        self._batches_per_round = len(self._rows_of) // self.ids_per_batch
        self._batches_per_epoch = (
            self._batches_per_round
            if batches_per_epoch is None
            else integer("batches_per_epoch", batches_per_epoch, 1, INT64_MAX)
        )

    def set_epoch(self, epoch: int) -> None:
        """Choose which epoch the next iteration yields, counted from 0."""
        self.epoch = integer("epoch", epoch, 0, INT64_MAX)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return self._batches_per_epoch

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of the epoch, each a list of ``ids_per_batch * samples_per_id`` row indices."""
        first = self.epoch * self._batches_per_epoch
        order, current_round = np.empty(0, np.int64), -1
        for number in range(first, first + self._batches_per_epoch):
            round_, position = divmod(number, self._batches_per_round)
            if round_ != current_round:
                order, current_round = self._generator(0, round_).permutation(len(self._rows_of)), round_
            identities = order[position * self.ids_per_batch : (position + 1) * self.ids_per_batch]
            yield [row for identity in identities.tolist() for row in self._samples(identity, round_)]

    def _samples(self, identity: int, round_: int) -> list[int]:
        """The rows that an identity hands out in a round."""
        rows, count = self._rows_of[identity], self.samples_per_id
        shares = max(1, len(rows) // count)  # rounds that one shuffle lasts
        shuffle, share = divmod(round_, shares)
        generator = self._generator(1 + identity, shuffle)
        drawn = generator.permutation(rows)[share * count : (share + 1) * count]
        while len(drawn) < count:
            drawn = np.concatenate((drawn, generator.permutation(rows)[: count - len(drawn)]))
        picked: list[int] = drawn.tolist()
        return picked

    def _generator(self, stream: int, number: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, stream, number))


def _rows_by_identity(labels: ArrayLike, samples_per_id: int, shortage: str) -> list[NDArray[np.int64]]:
    """The row indices of every usable identity."""
    array = labels_given(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidArgument(f"labels must be integers with 1 dimension, got shape {array.shape} of {array.dtype}")
    identities, starts, counts = np.unique(np.sort(array, kind="stable"), return_index=True, return_counts=True)
    short = counts < samples_per_id
    if shortage == "refuse" and short.any():
        first = int(np.argmax(short))
        raise InvalidArgument(
            f"labels must give every identity at least samples_per_id={samples_per_id} rows, got {counts[first]} for "
            f"label {identities[first]} ({int(short.sum())} such labels); shortage='replace' repeats rows, "
            "shortage='drop' leaves such identities out"
        )
    groups = np.split(np.argsort(array, kind="stable"), starts[1:]) if len(array) else []
    return [rows for rows, lacking in zip(groups, short, strict=True) if not (lacking and shortage == "drop")]
