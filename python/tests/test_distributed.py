"""A batch over processes gives what one process with all of it gives, and no mistake makes a rank wait forever."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cases
import numpy as np
import oracle
import pytest
import torch
import torch.distributed
from processes import on_ranks
from torch import nn

import pullpush
import pullpush.distributed_cost
import pullpush.torch
import pullpush.torch_distributed
from pullpush import distributed

ADDITIVE = [options for options in cases.every_options() if options["push"] != "hinge"]
LABELS = np.array([3, 1, 3, 1, 1, 9, -8, 7, -8, 7, 7, 7, 2**62, 0, 0, 0, 0, 5])
# Ranks with unequal shares; identities that are mixed within a rank and one row alone.
SHARES = {2: [slice(0, 6), slice(6, 18)], 3: [slice(0, 6), slice(6, 12), slice(12, 18)]}


class ThreadOfMany:
    """A rank that is a thread: an engine of the least that one must have."""

    def __init__(self, rank: int, shared: list[cases.Array], barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, len(shared)
        self.shared, self.barrier = shared, barrier

    def gather(self, numbers: cases.Array) -> list[cases.Array]:
        self.shared[self.rank] = numbers.copy()
        self.barrier.wait()
        parts = list(self.shared)
        self.barrier.wait()
        return parts

    def sum(self, numbers: cases.Array) -> None:
        numbers[:] = np.sum(self.gather(numbers), axis=0)


def on_threads(size: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What a function returns for every rank, with the rank before its arguments and the group behind them."""
    shared, barrier = [np.zeros(0)] * size, threading.Barrier(size, timeout=20)
    with ThreadPoolExecutor(size) as pool:
        ranks = [ThreadOfMany(rank, shared, barrier) for rank in range(size)]
        return [one.result() for one in [pool.submit(function, each.rank, *arguments, each) for each in ranks]]


def test_any_engine_with_a_sum_and_a_gather() -> None:
    class Alone:
        rank, size = 0, 1

        def sum(self, numbers: cases.Array) -> None:
            pass

        def gather(self, numbers: cases.Array) -> list[cases.Array]:
            return [numbers]

    features = cases.rows(18, 7)
    extremes = np.repeat([-(2**63), 2**63 - 1], 9)
    for identities in ({"samples_per_id": 3}, {"labels": LABELS}, {"labels": extremes}):
        loss, gradient = distributed.value_and_grad(features, group=Alone(), **identities)
        expected, slope = pullpush.value_and_grad(features, **identities)
        assert loss.parts() == pytest.approx(expected.parts(), rel=1e-6, abs=1e-7)
        np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-6)


@contextlib.contextmanager
def one_rank(backend: str, folder: Path) -> Iterator[None]:
    """The default process group, of this process alone."""
    with pytest.MonkeyPatch.context() as patch:
        for engine in ("GLOO", "NCCL"):
            patch.setenv(f"{engine}_SOCKET_IFNAME", "lo")
        store = f"file://{folder / 'store'}"
        torch.distributed.init_process_group(backend, init_method=store, rank=0, world_size=1)
        try:
            yield
        finally:
            torch.distributed.destroy_process_group()


def test_every_backend_but_one_is_given_memory_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = cases.rows(18, 7)
    expected = pullpush.value(features, labels=LABELS)
    with one_rank("gloo", tmp_path):
        for backend in ("gloo", "mpi", "ucc"):
            with monkeypatch.context() as patch:
                patch.setattr(torch.distributed, "get_backend", lambda group, name=backend: name)
                loss = distributed.value(features, labels=LABELS)
            assert loss.parts() == pytest.approx(expected.parts(), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("backend", ["gloo", *(["nccl"] if torch.cuda.is_available() else [])])
def test_a_process_group_of_one_rank(backend: str, tmp_path: Path) -> None:
    features = cases.rows(18, 7)
    with one_rank(backend, tmp_path):
        for options in ADDITIVE:
            loss, gradient = distributed.value_and_grad(features, labels=LABELS, **options)
            expected, slope = pullpush.value_and_grad(features, labels=LABELS, **options)
            assert loss.parts() == pytest.approx(expected.parts(), rel=1e-6, abs=1e-7)
            np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module", params=["threads", "torch"])
def engine(request: pytest.FixtureRequest) -> str:
    """What carries the sums; the quick one comes first, in all tests that ask for both."""
    name: str = request.param
    return name


def every_case(rank: int, size: int, group: Any = None) -> list[tuple[dict[str, Any], cases.Array]]:
    """The parts of the loss and this rank's gradient for every option and both ways to tell identities apart."""
    rows = SHARES[size][rank]
    results = []
    for options in ADDITIVE:
        features = cases.rows(18, 7, "float64")[rows]
        for identities in ({"samples_per_id": 3}, {"labels": LABELS[rows]}):
            given = {"group": group, **identities, **options}
            loss, gradient = distributed.value_and_grad(features, upstream=-0.5, **given)
            assert distributed.value(features, **given).parts() == loss.parts()
            results.append((loss.parts(), gradient))
    return results


@pytest.mark.parametrize("size", [2, 3])
def test_every_option_is_the_oracle_on_the_whole_batch(size: int, engine: str, tmp_path: Path) -> None:
    torch_ranks = engine == "torch"
    results = on_ranks(tmp_path, size, every_case, size) if torch_ranks else on_threads(size, every_case, size)
    features = cases.rows(18, 7, "float64")
    expected = [
        oracle.evaluate(features, upstream=-0.5, **identities, **options)
        for options in ADDITIVE
        for identities in ({"samples_per_id": 3}, {"labels": LABELS})
    ]
    assert [len(rank) for rank in results] == [len(expected)] * size
    for ranks, outcome in zip(zip(*results, strict=True), expected, strict=True):
        cases.assert_gradient(np.concatenate([gradient for _, gradient in ranks]), outcome.gradient, "float64")
        for parts, _ in ranks:
            assert parts == ranks[0][0]
            assert parts == pytest.approx(outcome.parts(), rel=1e-12, abs=1e-13)


def some_of_everything(rank: int) -> str:
    """Kinds of arrays, dtypes, a given out, a subgroup and another engine."""
    features = cases.rows(12, 7)
    part = slice(0, 6) if rank == 0 else slice(6, 12)
    whole, slope = pullpush.value_and_grad(features, samples_per_id=3, push="squared")
    loss, gradient = distributed.value_and_grad(torch.from_numpy(features[part]), samples_per_id=3, push="squared")
    assert isinstance(gradient, torch.Tensor)
    np.testing.assert_allclose(gradient.numpy(), slope[part], rtol=1e-4, atol=1e-6)
    assert loss.parts() == pytest.approx(whole.parts(), rel=1e-5, abs=1e-6)

    out = np.ones_like(features[part])
    arguments: dict[str, Any] = {"samples_per_id": 3, "out": out, "accumulate": True, "num_threads": 1 + rank}
    assert distributed.value_and_grad(features[part], **arguments)[1] is out
    np.testing.assert_allclose(
        out - 1, pullpush.value_and_grad(features, samples_per_id=3)[1][part], rtol=1e-3, atol=1e-6
    )

    alone = [torch.distributed.new_group([0]), torch.distributed.new_group([1])]
    mine = distributed.value(features[part], samples_per_id=3, group=alone[rank])
    assert mine.loss == pytest.approx(pullpush.value(features[part], samples_per_id=3).loss, rel=1e-6)
    with pytest.raises(pullpush.InvalidArgument, match="group must hold this process"):
        distributed.value(features[part], samples_per_id=3, group=alone[1 - rank])

    # Equal labels on both ranks are two halves of an identity, which the caller may vouch are not.
    labels = np.repeat([1, 2], 3)
    arguments = {"labels": labels, "check_labels": False}
    assert distributed.value(features[part], **arguments).positive_pairs == 24
    return "done"


def test_arrays_groups_and_engines(tmp_path: Path) -> None:
    assert on_ranks(tmp_path, 2, some_of_everything) == ["done", "done"]


# What each rank does, and what each is told. A rank past the end of a list does as the last.
MISTAKES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "another dim": (
        [{}, {}, {"dim": 8}],
        ["InvalidArgument: local_rows must have rows of one length on every rank, got 7 on rank 0, 7 on rank 1, 8 on "],
    ),
    "other options": (
        [{}, {"push": "squared"}, {}],
        [
            "InvalidArgument: options, and whether labels are exchanged, must be the same on every rank; "
            "rank 0 differs from 1 in having statistics of 12 numbers, no labels",
            "from 0, 2 in having statistics of 62 numbers, no labels, push='squared'",
            "rank 2 differs from 1 in",
        ],
    ),
    "another weight": (
        [{"pull_weight": 2.0}, {"pull_weight": 2}, {"pull_weight": 2.5}],
        ["no labels, pull_weight=2.0"] * 2 + ["pull_weight=2.5"],
    ),
    "rows that are refused": (
        [{}, {"samples_per_id": 4}, {}],
        [
            "RankFailed: rank 1 of 3 refused the rows",
            "InvalidArgument: rows must be a multiple|samples_per_id",
            "RankF",
        ],
    ),
    "a NaN": (
        [{"check_finite": True, "poison": True}, {}, {}],
        ["NotFinite: .*row 2", "RankFailed: rank 0 of 3 refused the rows given to it; the error there says why"],
    ),
    "no rows on two": (
        [{}, {"rows": 0}, {"rows": 0}],
        ["RankFailed: 2 ranks of 3 refused", "InvalidArgument: .*rows"],
    ),
    "an unknown option": ([{}, {"margim": 1.0}], ["RankFailed: 2 ranks", "UnknownOption: .*did you mean 'margin'"]),
    "a hinge": ([{"push": "hinge"}], ["InvalidArgument: push='hinge' looks at every pair"]),
    "labels on one": (
        [{"samples_per_id": None, "labels": [1, 1, 1, 2, 2, 2]}, {}],
        ["rank 0 differs from 1, 2 in having statistics of 12 numbers, labels", "rank . differs from 0 in .*no labels"],
    ),
    "a split identity": (
        [
            {"samples_per_id": None, "labels": labels}
            for labels in ([1, 1, 5, 5, -1, -1], [-1, -1, 2, 2, 5, 5], [1, 1, 5, 5, 9, 9])
        ],
        [r"InvalidArgument: labels must keep an identity whole on one rank, got label -1 on ranks 0 and 1 \(3 such"],
    ),
    "nothing wrong": ([{}], ["no error"]),
}


def every_mistake(rank: int, group: Any = None) -> list[str]:
    """What each mistake of the table raises on this rank, one after the other in the same processes."""
    told = []
    for does, _ in MISTAKES.values():
        arguments = {"samples_per_id": 3, "dim": 7, "rows": 6, "poison": False} | does[min(rank, len(does) - 1)]
        features = cases.rows(arguments.pop("rows"), arguments.pop("dim"))
        if arguments.pop("poison"):
            features[2, 3] = np.nan
        said = []
        for call in (distributed.value_and_grad, distributed.value):
            try:
                call(features, group=group, **arguments)
                said.append("no error")
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
        assert said[0] == said[1]
        told.append(said[0])
    return told


def test_a_mistake_of_one_rank_is_told_to_all(engine: str, tmp_path: Path) -> None:
    results = on_ranks(tmp_path, 3, every_mistake) if engine == "torch" else on_threads(3, every_mistake)
    for rank, told in enumerate(results):
        for (name, (_, messages)), got in zip(MISTAKES.items(), told, strict=True):
            assert re.search(messages[min(rank, len(messages) - 1)], got), f"{name}, rank {rank}: {got}"


def with_one_that_leaves(rank: int, sleep: float) -> tuple[str, float]:
    """The last rank ends, or sleeps, in place of its second call."""
    features = cases.rows(6, 7)
    distributed.value(features, samples_per_id=3)
    if rank == 2:
        if sleep:
            time.sleep(sleep)
        os._exit(1)
    start = time.monotonic()
    try:
        distributed.value(features, samples_per_id=3)
    except pullpush.RankFailed as error:
        return str(error), time.monotonic() - start
    return "no error", 0.0


@pytest.mark.parametrize("sleep", [0.0, 5.0], ids=["dies", "sleeps"])
def test_a_rank_that_is_gone_is_an_error_on_the_others(sleep: float, tmp_path: Path) -> None:
    results = on_ranks(tmp_path, 3, with_one_that_leaves, sleep, timeout=2.0)
    assert results[2] is None
    for rank in (0, 1):
        message, seconds = results[rank]
        assert message.startswith(f"rank {rank} could not sum over the 3 ranks, of which one may have ended: ")
        assert seconds < 60


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 7)).double()


def step(model: nn.Module, loss: torch.Tensor) -> list[cases.Array]:
    """The parameters after one step of gradient descent."""
    loss.backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD(model.parameters(), lr=0.5).step()
    return [parameter.detach().numpy().copy() for parameter in model.parameters()]


MODULES: list[dict[str, Any]] = [
    {},
    {"normalize": "l2", "self_pairs": "exclude", "push": "squared", "push_weight": 3.0},
    {"push_between": "all", "objective": "squared_euclidean"},
]


def sum_over_ranks(gradient: torch.Tensor) -> torch.Tensor:
    total = gradient.clone()
    torch.distributed.all_reduce(total)
    return total


def data_parallel(rank: int, size: int) -> list[Any]:
    """One step of DistributedDataParallel for each set of options, and of gradients summed by hand."""
    rows = SHARES[size][rank]
    inputs = torch.from_numpy(cases.rows(18, 5, "float64"))[rows]
    results: list[Any] = []
    for options in MODULES:
        model = nn.parallel.DistributedDataParallel(network())
        loss_fn = pullpush.torch_distributed.PullPushLoss(**options)
        loss = loss_fn(model(inputs), labels=torch.from_numpy(LABELS[rows]))
        results.append((loss.item(), loss_fn.last.parts(), step(model, loss)))
        summed = network()
        by_hand = pullpush.torch_distributed.PullPushLoss(averaged=False, **options)
        for parameter in summed.parameters():
            parameter.register_hook(sum_over_ranks)  # type: ignore[no-untyped-call]
        results.append((0.0, {}, step(summed, by_hand(summed(inputs), labels=torch.from_numpy(LABELS[rows])))))
    features = inputs.float().half().requires_grad_()
    preset = pullpush.torch_distributed.PullPushLoss.preset("orthogonal")
    with torch.no_grad():
        value = preset(features, samples_per_id=3)
    loss = preset(features, samples_per_id=3)
    assert loss.item() == value.item()
    assert loss.dtype == torch.float32
    with pytest.raises(pullpush.NoGradient, match="create_graph"):
        torch.autograd.grad(loss, features, create_graph=True)
    loss = torch.compile(preset, backend="aot_eager")(features, samples_per_id=3)
    loss.backward()
    assert features.grad is not None
    assert features.grad.dtype == torch.float16
    results.append(features.grad.double().numpy() / size)
    return results


@pytest.mark.parametrize("size", [2, 3])
def test_one_step_of_data_parallel_training_is_one_step_of_one_process(size: int, tmp_path: Path) -> None:
    results = on_ranks(tmp_path, size, data_parallel, size)
    inputs = torch.from_numpy(cases.rows(18, 5, "float64"))
    for index, options in enumerate(MODULES):
        model = network()
        before = [parameter.detach().numpy().copy() for parameter in model.parameters()]
        loss_fn = pullpush.torch.PullPushLoss(**options)
        loss = loss_fn(model(inputs), labels=torch.from_numpy(LABELS))
        after = step(model, loss)
        assert all(np.linalg.norm(new - old) > 1e-4 for new, old in zip(after, before, strict=True))
        for rank in results:
            value, parts, parameters = rank[2 * index]
            assert value == parts["loss"] == pytest.approx(loss.item(), rel=1e-12)
            assert parts == pytest.approx(loss_fn.last.parts(), rel=1e-10, abs=1e-12)
            for got in (parameters, rank[2 * index + 1][2]):
                for new, expected in zip(got, after, strict=True):
                    np.testing.assert_allclose(new, expected, rtol=1e-11, atol=1e-13)
    half = inputs.float().half().double().numpy()
    preset = pullpush.PullPushLoss.preset("orthogonal").options.changed()
    expected_slope = oracle.evaluate(half, samples_per_id=3, **preset)
    slope = np.concatenate([rank[-1] for rank in results])
    np.testing.assert_allclose(slope, expected_slope.gradient, rtol=2e-3, atol=2e-6)


def test_a_module_says_what_is_missing() -> None:
    with pytest.raises(pullpush.InvalidArgument, match="push='hinge' looks at every pair"):
        pullpush.torch_distributed.PullPushLoss(push="hinge")
    loss_fn = pullpush.torch_distributed.PullPushLoss(push="squared")
    assert repr(loss_fn) == "PullPushLoss(push='squared')"
    with pytest.raises(pullpush.PullPushError, match="there is no last loss yet"):
        _ = loss_fn.last
    with pytest.raises(pullpush.InvalidArgument, match="not initialised: call init_process_group first"):
        loss_fn(torch.ones(4, 2), samples_per_id=2)


def mpi(tmp_path: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program on three processes of MPI."""
    script = tmp_path / "program.py"
    script.write_text(program)
    if shutil.which("mpirun") is None:
        pytest.skip("no mpirun on the path: apt-get install openmpi-bin")
    command = ["mpirun", "-n", "3", "--allow-run-as-root", "--oversubscribe", sys.executable, str(script)]
    paths = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": paths, "OMPI_MCA_btl": "self,vader"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


MPI_PROGRAM = """
import sys
import numpy as np
from mpi4py import MPI
import cases, pullpush
from pullpush import distributed

world = MPI.COMM_WORLD
labels = np.array([3, 1, 3, 1, 1, 9, -8, 7, -8, 7, 7, 7, 2**62, 0, 0, 0, 0, 5])
features = cases.rows(18, 7, "float64")
mine = slice(6 * world.rank, 6 * world.rank + 6)
for options in ({}, {"push": "squared", "target": 0.25}, {"push_between": "all"}):
    for whole, part in (({"samples_per_id": 3},) * 2, ({"labels": labels}, {"labels": labels[mine]})):
        expected, slope = pullpush.value_and_grad(features, **whole, **options)
        loss, gradient = distributed.value_and_grad(features[mine], group=world, **part, **options)
        np.testing.assert_allclose(gradient, slope[mine], rtol=1e-11, atol=1e-13)
        for name, value in expected.parts().items():
            np.testing.assert_allclose(loss.parts()[name], value, rtol=1e-11, atol=1e-13)
for dim, names, wanted in (
    (7 + world.rank, None, "rows of one length on every rank, got 7 on rank 0, 8 on rank 1, 9 on rank 2"),
    (7, [4, 4, 4, 5, 5, 5], "got label 4 on ranks 0 and 1"),
):
    try:
        identities = {"samples_per_id": 3} if names is None else {"labels": names}
        distributed.value_and_grad(cases.rows(6, dim), group=world, **identities)
    except pullpush.InvalidArgument as error:
        assert wanted in str(error), error
    else:
        raise AssertionError("no error")
sys.stdout.write(f"rank {world.rank} is right\\n")  # in one piece: the ranks share the output
"""


def test_mpi(tmp_path: Path) -> None:
    done = mpi(tmp_path, MPI_PROGRAM)
    assert done.returncode == 0, done.stdout + done.stderr
    for rank in range(3):
        assert f"rank {rank} is right" in done.stdout


def test_a_dead_mpi_rank_ends_the_program(tmp_path: Path) -> None:
    program = """
import os, sys
import numpy as np
from mpi4py import MPI
from pullpush import distributed
if MPI.COMM_WORLD.rank == 1:
    os._exit(3)
distributed.value(np.ones((4, 2)), samples_per_id=2, group=MPI.COMM_WORLD)
print("finished")
"""
    done = mpi(tmp_path, program)
    assert done.returncode != 0
    assert "finished" not in done.stdout


def test_the_package_itself_imports_neither_engine() -> None:
    code = (
        "import sys, numpy, pullpush.distributed as d; assert not {'torch', 'mpi4py'} & sys.modules.keys()\n"
        "sys.modules['torch'] = None\n"
        "try: d.value(numpy.ones((4, 2)), samples_per_id=2)\n"
        "except d.InvalidArgument as error: assert 'needs PyTorch, which is not installed' in str(error)\n"
        "else: sys.exit(1)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def table(printed: str) -> list[list[str]]:
    lines = [line.strip("| ").split(" | ") for line in printed.splitlines()]
    assert len(lines[0]) == 8
    return lines[2:]


def test_the_model_of_the_wire(capsys: pytest.CaptureFixture[str]) -> None:
    """By hand, for 4 ranks with 10 rows of 100 numbers: 3/4 of twice the sums, 3 times the rows."""
    given = ["--dim", "100", "--rows", "10", "--latency", "10", "--bandwidth", "8"]
    assert pullpush.distributed_cost.main(given) == 0
    rows = table(capsys.readouterr().out)
    assert [row[0] for row in rows] == [str(2**power) for power in range(1, 11)]
    sums = [1.5 * 8 * (8 + 105), 1.5 * 8 * (8 + 10106)]
    seconds = [8 * 10e-6 + sums[0] / 1e9, 8 * 10e-6 + sums[1] / 1e9, 2 * 10e-6 + 12000 / 1e9]
    times = [f"{1e3 * each:.3g} ms" for each in seconds]
    assert rows[1] == ["4", "40", "1.36 kB", times[0], "121 kB", times[1], "12 kB", times[2]]


def test_the_measurement_of_the_wire(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the loopback counts is at least what the model says, for it has headers too."""
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    given = ["--dim", "100", "--rows", "40", "--steps", "20", "--measure", "2"]
    assert pullpush.distributed_cost.main(given) == 0
    (row,) = table(capsys.readouterr().out)
    assert row[:2] == ["2", "80"]
    units = {"B": 1.0, "kB": 1e3, "MB": 1e6}
    sent = [float(cell.split()[0]) * units[cell.split()[1]] for cell in row[2::2]]
    for got, least in zip(sent, (8 * (8 + 105), 8 * (8 + 10106), 4 * 40 * 100), strict=True):
        assert got > 0.99 * least
