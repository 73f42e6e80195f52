"""Which rows come together, how often, and that it is the same every time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

import pullpush

LABELS = np.repeat([10, 20, 30, 40, 50, 60, 70], [12, 8, 9, 30, 8, 11, 16])


def epoch_of(sampler: pullpush.PKSampler, epoch: int) -> list[list[int]]:
    sampler.set_epoch(epoch)
    return list(sampler)


def test_batches_are_identities_one_after_another() -> None:
    shuffled = np.random.default_rng(0).permutation(LABELS)
    sampler = pullpush.PKSampler(shuffled, ids_per_batch=3, samples_per_id=4)
    for batch in sampler:
        assert type(batch) is list
        assert {type(index) for index in batch} == {int}
        blocks = shuffled[batch].reshape(3, 4)
        assert (blocks == blocks[:, :1]).all()
        assert len(set(blocks[:, 0])) == 3
        assert len(set(batch)) == 12


@pytest.mark.parametrize("rows", [3, 4, 5, 6, 7])
def test_no_row_twice_in_a_batch_where_there_are_enough(rows: int) -> None:
    """Also where rounds of one shuffle leave rows over."""
    sampler = pullpush.PKSampler(np.repeat([1, 2], rows), 2, 3)
    for epoch in range(60):
        for batch in epoch_of(sampler, epoch):
            assert len(set(batch)) == 6


def test_defaults_are_ten_by_eight() -> None:
    sampler = pullpush.PKSampler(np.arange(200) // 10)
    assert len(sampler) == 2
    assert [len(batch) for batch in sampler] == [80, 80]
    assert list(sampler) == epoch_of(pullpush.PKSampler(np.arange(200) // 10, 10, 8, seed=0, shortage="replace"), 0)


def test_counts_from_the_smallest_to_the_largest() -> None:
    for number in (0, 2**63 - 1):
        sampler = pullpush.PKSampler(LABELS, 1, 1, seed=number, batches_per_epoch=1)
        ((row,),) = epoch_of(sampler, number)
        assert 0 <= row < len(LABELS)


@pytest.mark.parametrize(("ids_per_batch", "batches"), [(1, 7), (2, 3), (3, 2), (4, 1), (7, 1)])
def test_an_epoch_takes_every_identity_once_as_far_as_batches_are_full(ids_per_batch: int, batches: int) -> None:
    sampler = pullpush.PKSampler(LABELS, ids_per_batch, 4)
    assert len(sampler) == batches
    left_out: Counter[int] = Counter()
    for epoch in range(40):
        taken = [label for batch in epoch_of(sampler, epoch) for label in LABELS[batch[::4]]]
        assert len(taken) == len(set(taken)) == batches * ids_per_batch
        left_out.update(set(LABELS) - set(taken))
    if 7 % ids_per_batch:
        assert len(left_out) == 7  # the remainder is a different one every time
    else:
        assert not left_out


def test_deterministic_in_seed_and_epoch() -> None:
    def batches(seed: int, epoch: int) -> list[list[int]]:
        return epoch_of(pullpush.PKSampler(LABELS, 3, 4, seed), epoch)

    assert batches(0, 5) == batches(0, 5)
    assert len({str(batches(seed, epoch)) for seed in range(5) for epoch in range(5)}) == 25


def test_iterating_does_not_advance() -> None:
    sampler = pullpush.PKSampler(LABELS, 3, 4)
    first = list(sampler)
    assert list(sampler) == first
    assert epoch_of(sampler, 1) != first
    assert epoch_of(sampler, 0) == first


def test_an_identity_shows_all_its_rows_before_it_repeats() -> None:
    sampler = pullpush.PKSampler(LABELS, 7, 4)
    seen: dict[int, list[int]] = {label: [] for label in LABELS.tolist()}
    for epoch in range(6):
        for index in epoch_of(sampler, epoch)[0]:
            seen[int(LABELS[index])].append(index)
    for label, indices in seen.items():
        shares = np.count_nonzero(label == LABELS) // 4
        for start in range(0, 6 - shares + 1, shares):
            window = indices[start * 4 : (start + shares) * 4]
            assert len(set(window)) == len(window)


def test_every_row_gets_its_turn() -> None:
    """Also those that are left over when samples_per_id does not divide the number of rows."""
    sampler = pullpush.PKSampler(LABELS, 7, 5)
    counts = Counter(index for epoch in range(200) for batch in epoch_of(sampler, epoch) for index in batch)
    assert len(counts) == len(LABELS)
    for label in set(LABELS.tolist()):
        shares = [counts[index] for index in np.flatnonzero(label == LABELS).tolist()]
        assert max(shares) < 1.6 * min(shares)


SHORT = np.array([1, 1, 1, 2, 2, 2, 2, 2, 3, 4, 4, 4, 4])


def test_a_short_identity_is_drawn_evenly_with_replacement() -> None:
    sampler = pullpush.PKSampler(SHORT, 4, 5)
    for epoch in range(20):
        (batch,) = epoch_of(sampler, epoch)
        for label, count in Counter(SHORT.tolist()).items():
            rows = Counter(index for index in batch if SHORT[index] == label)
            assert sum(rows.values()) == 5
            assert len(rows) == min(5, count)
            assert max(rows.values()) - min(rows.values()) <= 1


def test_a_short_identity_may_be_dropped_or_refused() -> None:
    dropping = pullpush.PKSampler(SHORT, 2, 4, shortage="drop")
    assert len(dropping) == 1
    assert {int(SHORT[index]) for batch in dropping for index in batch} == {2, 4}
    with pytest.raises(
        pullpush.InvalidArgument, match=r"at least samples_per_id=4 rows, got 3 for label 1 \(2 such labels\)"
    ):
        pullpush.PKSampler(SHORT, 2, 4, shortage="refuse")
    assert len(pullpush.PKSampler(SHORT[SHORT != 3], 1, 3, shortage="refuse")) == 3


def test_epochs_of_a_chosen_length_follow_each_other() -> None:
    rounds = [batch for epoch in range(5) for batch in epoch_of(pullpush.PKSampler(LABELS, 2, 4), epoch)]
    sampler = pullpush.PKSampler(LABELS, 2, 4, batches_per_epoch=5)
    assert len(sampler) == 5
    assert [batch for epoch in range(3) for batch in epoch_of(sampler, epoch)] == rounds


@pytest.mark.parametrize("workers", [0, 2])
def test_as_the_batch_sampler_of_a_data_loader(workers: int) -> None:
    features = torch.arange(len(LABELS) * 2.0).reshape(-1, 2)
    data = torch.utils.data.TensorDataset(features, torch.tensor(LABELS))
    sampler = pullpush.PKSampler(LABELS, 3, 4)
    loader: Any = torch.utils.data.DataLoader(data, batch_sampler=sampler, num_workers=workers)
    assert len(loader) == len(sampler)
    expected = list(sampler)
    for (rows, labels), indices in zip(loader, expected, strict=True):
        assert torch.equal(rows, features[indices])
        loss = pullpush.value(rows.numpy(), samples_per_id=sampler.samples_per_id)
        assert loss.parts() == pullpush.value(rows.numpy(), labels=labels).parts()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"labels": [[1, 2]]}, r"labels must be integers with 1 dimension, got shape \(1, 2\)"),
    ({"labels": [1.0, 2.0]}, "labels must be integers with 1 dimension, got .* float64"),
    ({"labels": ["a"]}, "labels must be integers"),
    ({"labels": []}, "labels must be integers"),
    ({"labels": np.zeros(0, int)}, "ids_per_batch must be at most the number of usable identities, 0, got 3"),
    ({"ids_per_batch": 0}, "ids_per_batch must be an integer from 1"),
    ({"ids_per_batch": 8}, "ids_per_batch must be at most the number of usable identities, 7, got 8"),
    ({"samples_per_id": 0}, "samples_per_id must be an integer from 1"),
    ({"samples_per_id": 2.0}, "samples_per_id must be an integer from 1 .* got 2.0"),
    ({"samples_per_id": 31, "shortage": "drop"}, "usable identities, 0, got 3"),
    ({"seed": -1}, "seed must be an integer from 0 .* got -1"),
    ({"seed": None}, "seed must be an integer from 0 .* got None"),
    ({"shortage": "repeat"}, "shortage must be one of 'replace', 'refuse', 'drop', got 'repeat'"),
    ({"batches_per_epoch": 0}, "batches_per_epoch must be an integer from 1"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:50] for _, message in REFUSED])
def test_refused_with_a_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pullpush.InvalidArgument, match=message):
        pullpush.PKSampler(**{"labels": LABELS, "ids_per_batch": 3, "samples_per_id": 4, **changes})


@pytest.mark.parametrize("epoch", [-1, 1.0, None])
def test_an_epoch_is_a_count(epoch: Any) -> None:
    with pytest.raises(pullpush.InvalidArgument, match="epoch must be an integer from 0"):
        pullpush.PKSampler(LABELS, 3, 4).set_epoch(epoch)
