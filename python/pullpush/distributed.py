"""One batch over many processes: each passes its own rows and gets the loss of all rows and the gradient of its own.

>>> loss, gradient = pullpush.distributed.value_and_grad(local_rows, samples_per_id=4)

The result is that of one process with the whole batch. Two sums go over the wire: eight numbers by which the ranks
make sure that they mean the same, and the statistics of :mod:`pullpush.statistics`: D + 5 numbers for the default
options and D² + 1 more for the squared push, whatever the number of rows. ``torch.distributed`` or MPI adds them up.

Every rank must call, every identity must lie whole on one rank, and the hinge push is refused, for it looks at every
pair. If a rank refuses its rows, has rows of another length or other options, or is gone, every rank raises an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import statistics
from .arrays import label_array
from .errors import InvalidArgument, RankFailed
from .interchange import AnyArray, to_numpy
from .loss import Loss
from .options import OptionValues, options_from

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Options that change how a rank works but not what it works out.
_LOCAL_OPTIONS = ("num_threads", "check_finite")
# Squares of so many bits, summed over thousands of ranks, are exact in float64.
PIECE_BITS, PIECES = 20, 3


class Ranks(Protocol):
    """The processes of a group. Another engine than the two below takes part by having these four."""

    rank: int
    size: int

    def sum(self, numbers: NDArray[np.float64]) -> None:
        """Replace numbers, as many on every rank, by their sum over the ranks."""

    def gather(self, numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """What each rank has, in the order of the ranks; their counts may differ."""


def value_and_grad(
    local_rows: AnyArray,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    group: Any = None,
    check_labels: bool = True,
    upstream: float = 1.0,
    out: AnyArray | None = None,
    accumulate: bool = False,
    **options: Unpack[OptionValues],
) -> tuple[Loss, Any]:
    """The loss of the whole batch and the gradient of ``upstream * loss`` with respect to this rank's rows.

    Args:
        local_rows: this rank's rows, as the features of :func:`pullpush.value`; their number may differ between ranks.
        samples_per_id: as for :func:`pullpush.value`; it may differ between ranks.
        labels: as for :func:`pullpush.value`; the same label means the same identity on every rank.
        group: None for the default group of ``torch.distributed``, one of its process groups, an ``mpi4py``
            communicator, or any object with the methods of :class:`Ranks`.
        check_labels: with labels, let the ranks tell each other theirs (8 bytes an identity) and refuse an identity
            that lies on two of them. All ranks must pass the same.
        upstream: as for :func:`pullpush.value_and_grad`.
        out: as for :func:`pullpush.value_and_grad`.
        accumulate: as for :func:`pullpush.value_and_grad`.
        **options: see :class:`pullpush.options.Options`; the same on every rank.

    Raises:
        InvalidArgument: an argument cannot be used, the ranks do not agree, or an identity lies on two ranks.
        RankFailed: another rank refused its rows, or could not be reached.
    """
    total = _total(local_rows, samples_per_id, labels, group, check_labels, options)
    return statistics.finish(
        local_rows,
        total,
        samples_per_id=samples_per_id,
        labels=labels,
        upstream=upstream,
        out=out,
        accumulate=accumulate,
        **options,
    )


def value(
    local_rows: AnyArray,
    *,
    samples_per_id: int | None = None,
    labels: ArrayLike | None = None,
    group: Any = None,
    check_labels: bool = True,
    **options: Unpack[OptionValues],
) -> Loss:
    """The loss of the whole batch, without a gradient; arguments and errors are those of :func:`value_and_grad`.

    A rank may call this while others call :func:`value_and_grad`.
    """
    total = _total(local_rows, samples_per_id, labels, group, check_labels, options)
    return statistics.finish_value(local_rows, total, samples_per_id=samples_per_id, labels=labels, **options)


def ranks_of(group: Any) -> Ranks:
    """The engine of a group as :func:`value_and_grad` takes it."""
    if isinstance(getattr(group, "size", None), int) and hasattr(group, "gather") and hasattr(group, "sum"):
        ranks: Ranks = group
        return ranks
    return MPIRanks(group) if hasattr(group, "Allreduce") else TorchRanks(group)


class TorchRanks:
    """A process group of ``torch.distributed``, of any backend."""

    def __init__(self, group: Any = None) -> None:
        """None means the default group, which must have been initialised."""
        try:
            import torch
            import torch.distributed
        except ImportError:
            raise InvalidArgument(
                f"group={group!r} needs PyTorch, which is not installed; an mpi4py communicator would do as well"
            ) from None
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            raise InvalidArgument(
                "group must belong to torch.distributed, which is not initialised: call init_process_group first, "
                "or pass an mpi4py communicator"
            )
        self._torch, self._group = torch, group
        self.rank: int = torch.distributed.get_rank(group)
        self.size: int = torch.distributed.get_world_size(group)
        if self.rank < 0:
            raise InvalidArgument("group must hold this process, got a group that it is not a member of")
        # NCCL moves memory of a GPU only.
        nccl = torch.distributed.get_backend(group) == "nccl"
        self._device = torch.device("cuda", torch.cuda.current_device()) if nccl else torch.device("cpu")

    def sum(self, numbers: NDArray[np.float64]) -> None:
        """An all-reduce."""
        here = self._torch.from_numpy(numbers)
        there = here.to(self._device)
        self._torch.distributed.all_reduce(there, group=self._group)
        if there is not here:  # pragma: no cover - needs a GPU
            here.copy_(there)

    def gather(self, numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """An all-gather of the counts, and one of the numbers, padded to the largest count."""
        counts = [int(part[0]) for part in self._gather_equal(np.array([len(numbers)]))]
        padded = np.zeros(max(counts), np.int64)
        padded[: len(numbers)] = numbers
        return [part[:count] for part, count in zip(self._gather_equal(padded), counts, strict=True)]

    def _gather_equal(self, numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        mine = self._torch.from_numpy(numbers).to(self._device)
        parts = [self._torch.empty_like(mine) for _ in range(self.size)]
        self._torch.distributed.all_gather(parts, mine, group=self._group)
        return [part.cpu().numpy() for part in parts]


class MPIRanks:
    """An ``mpi4py`` communicator."""

    def __init__(self, communicator: Any) -> None:
        """Any intracommunicator, for example ``MPI.COMM_WORLD``."""
        self._communicator = communicator
        self.rank: int = communicator.Get_rank()
        self.size: int = communicator.Get_size()

    def sum(self, numbers: NDArray[np.float64]) -> None:
        """An all-reduce in place."""
        from mpi4py import MPI

        self._communicator.Allreduce(MPI.IN_PLACE, numbers, op=MPI.SUM)

    def gather(self, numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """An all-gather."""
        parts: list[NDArray[np.int64]] = self._communicator.allgather(numbers)
        return parts


def _total(
    local_rows: AnyArray,
    samples_per_id: int | None,
    labels: ArrayLike | None,
    group: Any,
    check_labels: bool,
    options: OptionValues,
) -> statistics.Statistics:
    """The statistics of the whole batch, once the ranks agree that there is one."""
    ranks = ranks_of(group)
    share, meaning, dim, refusal = np.zeros(0), "", 0, None
    try:
        share = statistics.accumulate(local_rows, samples_per_id=samples_per_id, labels=labels, **options)
        meaning = _meaning(len(share), labels is not None and check_labels, options)
        dim = to_numpy("local_rows", local_rows)[0].shape[1]
    except Exception as error:
        # The other ranks are on their way to the first sum and must be told.
        refusal = error
    with _reaching(ranks):
        _agree(ranks, dim, meaning, refusal is not None)
        if refusal is None:
            if labels is not None and check_labels:
                _refuse_split_identities(ranks, np.unique(label_array(labels, np.shape(labels)[0])))
            ranks.sum(share)
    if refusal is not None:
        raise refusal
    return share


@contextmanager
def _reaching(ranks: Ranks) -> Iterator[None]:
    """Whatever the engine raises when a rank is gone, as one kind of error."""
    try:
        yield
    except (InvalidArgument, RankFailed):
        raise
    except Exception as error:
        raise RankFailed(
            f"rank {ranks.rank} could not sum over the {ranks.size} ranks, of which one may have ended: {error}"
        ) from error


def _meaning(size: int, tells_labels: bool, options: OptionValues) -> str:
    """What must be the same on every rank."""
    changed = options_from(options).changed()
    words = [f"{name}={value!r}" for name, value in changed.items() if name not in _LOCAL_OPTIONS]
    return ", ".join([f"statistics of {size} numbers", "labels" if tells_labels else "no labels", *words])


def _agree(ranks: Ranks, dim: int, meaning: str, refused: bool) -> None:
    """Raise on every other rank if one refused its rows, and on every rank if they do not all mean the same.

    Numbers are equal on n ranks if and only if n times the sum of their squares is the square of their sum, so a sum of
    constant length tells, however long the vectors are that would follow.
    """
    digest = int.from_bytes(hashlib.sha256(meaning.encode()).digest(), "little")
    pieces = np.array([(digest >> PIECE_BITS * i) % 2**PIECE_BITS for i in range(PIECES)], np.float64)
    header = np.concatenate([[refused, refused * ranks.rank], pieces, pieces * pieces])
    ranks.sum(header)
    refusals, where, *sums = (int(number) for number in header)
    if refused:
        return
    if refusals:
        which = f"rank {where}" if refusals == 1 else f"{refusals} ranks"
        raise RankFailed(f"{which} of {ranks.size} refused the rows given to it; the error there says why")
    if all(ranks.size * square == total**2 for total, square in zip(sums[:PIECES], sums[PIECES:], strict=True)):
        return
    dims = [int(part[0]) for part in ranks.gather(np.array([dim]))]
    if len(set(dims)) > 1:
        listed = ", ".join(f"{dim} on rank {rank}" for rank, dim in enumerate(dims))
        raise InvalidArgument(f"local_rows must have rows of one length on every rank, got {listed}")
    others = [rank for rank, part in enumerate(ranks.gather(pieces.astype(np.int64))) if any(part != pieces)]
    raise InvalidArgument(
        "options, and whether labels are exchanged, must be the same on every rank; rank "
        f"{ranks.rank} differs from {', '.join(map(str, others))} in having {meaning}"
    )


def _refuse_split_identities(ranks: Ranks, names: NDArray[np.int64]) -> None:
    """Raise on every rank if two of them have rows of one identity. ``names`` are this rank's, each once."""
    parts = ranks.gather(names)
    everywhere = np.concatenate(parts)
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.argsort(everywhere, kind="stable")
    twice = np.flatnonzero(np.diff(everywhere[order]) == 0)
    if len(twice):
        one, other = order[twice[0]], order[twice[0] + 1]
        raise InvalidArgument(
            f"labels must keep an identity whole on one rank, got label {everywhere[one]} on ranks {owners[one]} and "
            f"{owners[other]} ({len(np.unique(everywhere[order][twice]))} such labels); deal out identities to the "
            "ranks, not rows"
        )
