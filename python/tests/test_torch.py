"""The PyTorch modules: the numbers of the oracle on either path, and what autograd, autocast and compilers ask for."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import cases
import numpy as np
import oracle
import pytest
import torch
import torch.utils.checkpoint
from torch import Tensor, nn

import pullpush
import pullpush.torch
from pullpush.torch import PullPushFeaturesLoss, PullPushLoss

# A GPU is another device; so is a CPU that is kept from the shared library.
PATHS = ["library", "formulas", *(["cuda"] if torch.cuda.is_available() else [])]
# What PyTorch's compiler warns of in itself.
COMPILERS_OWN = "ignore:.*torch.jit.*:DeprecationWarning"
DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


@pytest.fixture(params=PATHS)
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where a test puts its tensors, by each path that the loss can take."""
    if request.param == "formulas":
        monkeypatch.setattr(pullpush.torch, "LIBRARY_DEVICES", ())
    return "cuda" if request.param == "cuda" else "cpu"


def tensor(array: cases.Array, device: str = "cpu", *, grad: bool = True) -> Tensor:
    made = torch.tensor(array.astype(np.float64)).to(device, DTYPES[array.dtype.name])
    return made.requires_grad_(grad)


def placed(identities: dict[str, Any], device: str) -> dict[str, Any]:
    return {
        name: torch.tensor(value, device=device) if name == "labels" else value for name, value in identities.items()
    }


def gradient(features: Tensor) -> cases.Array:
    """The gradient as an array of the test cases' dtype."""
    assert features.grad is not None
    assert features.grad.dtype == features.dtype
    name = str(features.dtype).removeprefix("torch.")
    wide: cases.Array = features.grad.double().cpu().numpy()
    return wide.astype(cases.DTYPES[name])


@pytest.mark.parametrize("layout", cases.LAYOUTS)
@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_every_option_is_the_oracle(options: cases.Options, layout: str, device: str) -> None:
    features = cases.rows(15, 7, "float64")
    identities = cases.identities_of(layout, 15, 3)
    expected = oracle.evaluate(features, upstream=-0.5, **identities, **options)
    given = tensor(features, device)
    loss_fn = PullPushLoss(**options)
    loss = loss_fn(given, **placed(identities, device))
    (-0.5 * loss).backward()
    assert loss.shape == ()
    assert loss.dtype == torch.float64
    assert loss.device == given.device
    assert loss.item() == loss_fn.last.loss
    # The formulas sum in another order than the library, whose tolerance this is; in float64 neither shows.
    cases.assert_matches(loss_fn.last, gradient(given), expected, "float64", floor=1e-15)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("dim", [3, 8, 17, 33])
@pytest.mark.parametrize("options", cases.every_push(), ids=cases.name)
def test_every_dtype(options: cases.Options, dim: int, dtype: str, device: str) -> None:
    features = cases.rows(24, dim, dtype)
    for layout in cases.LAYOUTS:
        identities = cases.identities_of(layout, 24, 4)
        expected = oracle.evaluate(features, **identities, **options)
        given = tensor(features, device)
        loss = PullPushLoss(**options)(given, **placed(identities, device))
        loss.backward()
        assert loss.dtype == (torch.float64 if dtype == "float64" else torch.float32)
        assert loss.item() == pytest.approx(expected.loss, rel=2e-6, abs=1e-6)
        cases.assert_gradient(gradient(given), expected.gradient, dtype, floor=3e-7 if dtype != "float64" else 1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("normalize", ["l2", "renorm"])
def test_tight_identities(normalize: str, dtype: str, device: str) -> None:
    """A pull of 1e-6, where 1 minus a mean would lose some percent of it in float32."""
    generator = np.random.default_rng(5)
    centres = generator.standard_normal((6, 1, 64))
    features = (centres + 1e-3 * generator.standard_normal((6, 8, 64))).reshape(48, 64).astype(dtype)
    options: dict[str, Any] = {"normalize": normalize, "self_pairs": "exclude"}
    loss_fn = PullPushLoss(**options)
    loss_fn(tensor(features, device), samples_per_id=8)
    expected = oracle.evaluate(features, samples_per_id=8, **options)
    assert loss_fn.last.pull == pytest.approx(expected.pull, rel=1e-4 if dtype == "float32" else 1e-7)


@pytest.mark.parametrize("normalize", ["l2", "renorm"])
@pytest.mark.parametrize("self_pairs", ["include", "exclude"])
def test_rows_of_any_length(self_pairs: str, normalize: str, device: str) -> None:
    """Also around the lengths up to which a row is not divided by its own."""
    lengths = np.array([1, 0, 3e-13, 0.9e-12, 1.1e-12, 5e-12, 1e-6, 0.9e-5, 1.1e-5, 5e-5, 1e-3, 1e3])
    features = cases.rows(12, 5, "float64")
    features *= (lengths / np.linalg.norm(features, axis=1))[:, None]
    options: dict[str, Any] = {"normalize": normalize, "self_pairs": self_pairs}
    expected = oracle.evaluate(features, samples_per_id=3, **options)
    given = tensor(features, device)
    loss_fn = PullPushLoss(**options)
    loss_fn(given, samples_per_id=3).backward()
    cases.assert_parts(loss_fn.last, expected, "float64")
    # The shorter a row, the larger its gradient.
    scales = np.maximum(lengths, 1e-12 if normalize == "l2" else 1e-5)[:, None]
    np.testing.assert_allclose(scales * gradient(given), scales * expected.gradient, rtol=1e-9, atol=1e-13)


DEGENERATE: dict[str, dict[str, Any]] = {
    "one identity": {"samples_per_id": 6},
    "lonely rows": {"samples_per_id": 1},
    "one identity by labels": {"labels": np.full(6, -4)},
    "lonely rows by labels": {"labels": np.array([5, 3, 9, -1, 0, 7])},
}


@pytest.mark.parametrize("batch", DEGENERATE)
@pytest.mark.parametrize("options", cases.every_options()[::5], ids=cases.name)
def test_degenerate_batches(options: cases.Options, batch: str, device: str) -> None:
    features = cases.rows(6, 5, "float64")
    features[2] = 0
    identities = DEGENERATE[batch]
    expected = oracle.evaluate(features, **identities, **options)
    given = tensor(features, device)
    loss_fn = PullPushLoss(**options)
    loss_fn(given, **placed(identities, device)).backward()
    cases.assert_matches(loss_fn.last, gradient(given), expected, "float64", floor=1e-15)


@pytest.mark.parametrize("options", cases.every_options()[::3], ids=cases.name)
def test_gradcheck(options: cases.Options, device: str) -> None:
    given = tensor(cases.rows(7, 3, "float64", seed=3), device)
    labels = torch.tensor([4, 4, 1, 4, 0, 1, 9], device=device)
    assert torch.autograd.gradcheck(lambda x: PullPushLoss(**options)(x, labels=labels), (given,))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("labels", [None, torch.tensor([3, 1, 3, 1, 3, 0])], ids=["P x K", "labels"])
@pytest.mark.parametrize("with_gradient", [False, True])
def test_opcheck(with_gradient: bool, labels: Tensor | None, dtype: torch.dtype) -> None:
    features = torch.tensor(cases.rows(6, 5), dtype=dtype, requires_grad=with_gradient)
    options = pullpush.PullPushLoss.preset("orthogonal").options
    values = [getattr(options, name) for name in pullpush.options.DEFAULTS]
    count = 3 if labels is None else 0
    checks = torch.library.opcheck(
        torch.ops.pullpush.evaluate.default, (features, labels, count, with_gradient, *values)
    )
    assert set(checks.values()) == {"SUCCESS"}


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "columns of a wider tensor": lambda x: torch.cat([x, x], 1)[:, : x.shape[1]],
    "every second row": lambda x: x.repeat_interleave(2, 0)[::2],
    "transposed": lambda x: x.T.contiguous().T,
    "every second column": lambda x: x.repeat_interleave(2, 1)[:, ::2],
    "expanded": lambda x: x[:1].expand(len(x), -1),
    "a column": lambda x: x[:, :1],
    "one row": lambda x: x.T.contiguous().T[:1],
}


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_strides(layout: str, dtype: torch.dtype, device: str) -> None:
    leaf = torch.tensor(cases.rows(12, 9), dtype=dtype, device=device, requires_grad=True)
    view = LAYOUTS[layout](leaf)
    plain = view.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    loss_fn = PullPushLoss(push="squared")
    losses = [loss_fn(x, samples_per_id=3 if len(x) > 1 else 1) for x in (view, plain)]
    (view_gradient,) = torch.autograd.grad(losses[0], view)
    (plain_gradient,) = torch.autograd.grad(losses[1], plain)
    # PyTorch's own sums depend on the strides in their last bit.
    exact: dict[str, Any] = {"rtol": 0, "atol": 0} if device in pullpush.torch.LIBRARY_DEVICES else {}
    torch.testing.assert_close(losses[0], losses[1], **exact)
    torch.testing.assert_close(view_gradient, plain_gradient, **exact)


@pytest.mark.parametrize(("layout", "copies"), [("columns of a wider tensor", 0), ("transposed", 1)])
def test_rows_are_read_in_place_where_they_can_be(layout: str, copies: int) -> None:
    view = LAYOUTS[layout](torch.tensor(cases.rows(64, 512), dtype=torch.bfloat16))
    loss_fn = PullPushLoss()
    with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        loss_fn(view, samples_per_id=4)
    allocated = sum(max(0, event.self_cpu_memory_usage) for event in profile.key_averages())
    assert allocated // (view.numel() * view.element_size()) == copies


@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8])
def test_labels_of_any_integer_type_and_stride(kind: torch.dtype, device: str) -> None:
    features = tensor(cases.rows(8, 5), device)
    labels = torch.tensor([3, 1, 3, 1, 0, 0, 3, 2], device=device)
    expected = PullPushLoss()(features, labels=labels).item()
    assert PullPushLoss()(features, labels=labels.to(kind).repeat_interleave(2)[::2]).item() == expected


@pytest.mark.filterwarnings(COMPILERS_OWN)
@pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores:UserWarning")  # and its advice where there is a GPU
@pytest.mark.parametrize(("backend", "dynamic"), [("aot_eager", False), ("aot_eager", True), ("inductor", False)])
def test_compiles_without_a_graph_break(backend: str, dynamic: bool, device: str) -> None:
    torch.compiler.reset()
    loss_fn = PullPushLoss(push="squared", normalize="l2")
    weight = torch.tensor(cases.rows(6, 5, seed=1), device=device)

    def step(x: Tensor, labels: Tensor) -> Tensor:
        loss: Tensor = loss_fn(x @ weight, samples_per_id=4) + 2 * loss_fn(x @ weight, labels=labels)
        return loss

    compiled = torch.compile(step, fullgraph=True, dynamic=dynamic, backend=backend)
    for rows in (16, 24) if dynamic else (16,):
        labels = torch.tensor(cases.mixed_labels(rows), device=device)
        one, other = (tensor(cases.rows(rows, 6), device) for _ in range(2))
        loss = compiled(one, labels)
        last = loss_fn.last.parts()
        expected = step(other, labels)
        (loss + expected).backward()  # type: ignore[no-untyped-call]
        assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
        assert last == pytest.approx(loss_fn.last.parts(), rel=1e-5, abs=1e-6)
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_backward_as_often_as_the_graph_is_kept() -> None:
    """The kept gradient must stay as it is, whoever adds to what it was handed out as."""
    features = tensor(cases.rows(12, 4))
    loss = PullPushLoss()(features, samples_per_id=3)
    (first,) = torch.autograd.grad(loss, features, retain_graph=True)
    expected = first.clone()
    for repeats in (1, 2, 3):
        loss.backward(retain_graph=True)
        torch.testing.assert_close(features.grad, repeats * expected)
    loss.backward(torch.tensor(-2.0), retain_graph=True)
    torch.testing.assert_close(features.grad, expected)
    (batched,) = torch.autograd.grad(loss, features, torch.arange(3.0), is_grads_batched=True, retain_graph=True)
    torch.testing.assert_close(batched, torch.arange(3.0)[:, None, None] * expected)
    first += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.filterwarnings(COMPILERS_OWN)
def test_a_compiled_double_backward_is_refused() -> None:
    torch.compiler.reset()
    features = tensor(cases.rows(8, 3))
    loss = torch.compile(PullPushLoss(), fullgraph=True, backend="aot_eager")(features, samples_per_id=2)
    (slope,) = torch.autograd.grad(loss, features, create_graph=True)
    # Older compilers return a gradient that has no history.
    with pytest.raises(RuntimeError, match=r"double backward|does not require grad"):
        slope.square().sum().backward()  # type: ignore[no-untyped-call]


def test_double_backward_is_refused() -> None:
    features = tensor(cases.rows(8, 3))
    loss = PullPushLoss()(features, samples_per_id=2)
    with pytest.raises(pullpush.NoGradient, match="no second derivative: create_graph must be False"):
        torch.autograd.grad(loss, features, create_graph=True)
    with pytest.raises(RuntimeError, match="functorch"):
        torch.func.grad(lambda x: PullPushLoss()(x, samples_per_id=2))(features.detach())


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_autocast(kind: torch.dtype, device: str) -> None:
    """16-bit rows in, and the numbers of those rows in float32: autocast must not reach into the loss."""
    torch.manual_seed(0)
    layer = nn.Linear(6, 9).to(device)
    inputs = torch.tensor(cases.rows(24, 6), device=device)
    loss_fn = PullPushLoss(push="squared", push_between="all")
    with torch.autocast(device, kind):
        rows = layer(inputs)
        loss = loss_fn(rows, samples_per_id=3)
        assert loss_fn(rows.float(), samples_per_id=3).item() == pytest.approx(loss.item(), rel=1e-6)
    assert rows.dtype == kind
    assert loss.dtype == torch.float32
    expected = oracle.evaluate(
        rows.detach().double().cpu().numpy(), samples_per_id=3, push="squared", push_between="all"
    )
    assert loss.item() == pytest.approx(expected.loss, rel=1e-6)
    loss.backward()
    assert layer.weight.grad is not None
    reference = (torch.tensor(expected.gradient).T @ inputs.double().cpu()).numpy()
    np.testing.assert_allclose(layer.weight.grad.double().cpu().numpy(), reference, rtol=0.02, atol=1e-3)


def test_loss_scaling_comes_before_rounding(device: str) -> None:
    """What float16 would round to zero survives a GradScaler's factor."""
    features = (cases.rows(64, 8, "float64") * 10000).astype(np.float16)
    given = tensor(features, device)
    (PullPushLoss()(given, samples_per_id=2) * 2.0**15).backward()
    expected = oracle.evaluate(features, samples_per_id=2, upstream=2.0**15)
    cases.assert_gradient(gradient(given), expected.gradient, "float16")


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint(reentrant: bool, device: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(6, 9).to(device)
    inputs = tensor(cases.rows(24, 6), device)
    loss_fn = PullPushLoss()
    loss_fn(layer(inputs), samples_per_id=3).backward()
    expected, inputs.grad = inputs.grad, None
    loss = torch.utils.checkpoint.checkpoint(
        lambda x: loss_fn(layer(x), samples_per_id=3), inputs, use_reentrant=reentrant
    )
    loss.backward()
    torch.testing.assert_close(inputs.grad, expected, rtol=0, atol=0)


def test_without_gradients(device: str) -> None:
    features = tensor(cases.rows(12, 4), device)
    loss_fn = PullPushLoss()
    expected = loss_fn(features, samples_per_id=3)
    with torch.no_grad():
        loss = loss_fn(features, samples_per_id=3)
    assert loss.item() == expected.item()
    assert not loss.requires_grad
    assert not loss_fn(features.detach(), samples_per_id=3).requires_grad
    with torch.inference_mode():
        assert loss_fn(features, samples_per_id=3).item() == expected.item()


def test_the_parts_need_no_second_pass_and_keep_no_graph(device: str) -> None:
    features = cases.rows(12, 4)
    loss_fn = PullPushLoss(pull_weight=2.0)
    with pytest.raises(pullpush.PullPushError, match="there is no last loss yet"):
        _ = loss_fn.last
    loss = loss_fn(tensor(features, device), samples_per_id=3)
    expected = pullpush.value(features, samples_per_id=3, pull_weight=2.0).parts()
    assert loss_fn.last.parts() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert [type(part) for part in loss_fn.last.parts().values()] == [type(part) for part in expected.values()]
    with pytest.raises(pullpush.NoGradient):
        loss_fn.last.backward()
    copy.deepcopy(loss_fn)  # a tensor with a graph could not be copied
    assert loss.requires_grad


def test_a_module_among_modules() -> None:
    loss_fn = PullPushLoss.preset("orthogonal", push_weight=2.0)
    assert repr(loss_fn).startswith("PullPushLoss(normalize='l2', self_pairs='exclude', push='squared', push_weight=2")
    assert not loss_fn.state_dict()
    features = tensor(cases.rows(12, 4), grad=False)
    for twin in (copy.deepcopy(loss_fn), pickle.loads(pickle.dumps(loss_fn)), loss_fn.double(), loss_fn.eval()):
        assert twin(features, samples_per_id=3).item() == loss_fn(features, samples_per_id=3).item()
    with pytest.raises(pullpush.UnknownOption, match="did you mean 'margin'"):
        PullPushLoss(margim=0.5)  # type: ignore[call-arg]


class Original(nn.Module):
    """The original loss as the article tells it, row by row."""

    def forward(self, features: Tensor, batch_size: int, person_num: int) -> Tensor:
        pull = features.new_zeros(())
        firsts = []
        for start in range(0, batch_size, person_num):
            rows = features[start : start + person_num]
            pull = pull + (1 - rows @ rows.T).sum()
            firsts.append(rows[0])
        identities = len(firsts)
        alike = torch.stack(firsts) @ torch.stack(firsts).T
        push = (alike.sum() - identities) / (identities * (identities - 1))
        return pull / (identities * person_num * (person_num - 1)) + push


def test_the_original_module(device: str) -> None:
    raw = cases.rows(20, 6, "float64")
    results = []
    for module in (Original(), PullPushFeaturesLoss()):
        given = tensor(raw, device)
        loss = module(given.renorm(2, 0, 1e-5).mul(1e5), 20, 4)
        loss.backward()
        results.append((loss.item(), gradient(given)))
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-10, atol=1e-13)
    ours = PullPushFeaturesLoss()
    loss = ours(tensor(raw, device), batch_size=20, person_num=4)
    assert ours.last.loss == loss.item()
    with pytest.raises(
        pullpush.InvalidArgument, match=r"batch_size must be the number of rows .* got 5 for .*\(20, 6\)"
    ):
        ours(tensor(raw, device), 5, 4)


GOOD = torch.tensor(cases.rows(12, 4))

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"features": GOOD.numpy()}, "features must be a torch.Tensor, got ndarray"),
    ({"features": GOOD.long()}, "features must be float32, .* got torch.int64; nothing is cast silently"),
    ({"features": GOOD.to(torch.complex64)}, "features must be float32, .* got torch.complex64"),
    ({"features": GOOD[0]}, r"features must have 2 dimensions .* got shape \(4,\)"),
    ({"features": GOOD[:0]}, r"features must have at least 1 row .* got shape \(0, 4\)"),
    ({"features": GOOD[:, :0]}, r"features must have at least 1 row .* got shape \(12, 0\)"),
    ({"samples_per_id": None}, "either samples_per_id or labels must be given, got neither"),
    ({"labels": torch.zeros(12).long()}, "samples_per_id must not be given beside labels, got samples_per_id=3"),
    ({"samples_per_id": 0}, "samples_per_id must be an integer from 1 to .* got 0"),
    ({"samples_per_id": 3.0}, "samples_per_id must be an integer from 1 to .* got 3.0"),
    ({"samples_per_id": 5}, "samples_per_id must divide the number of rows, 12, got 5"),
    ({"samples_per_id": None, "labels": [0] * 12}, "labels must be a torch.Tensor of integers, got list"),
    (
        {"samples_per_id": None, "labels": torch.zeros(12)},
        "labels must be a torch.Tensor of integers, got torch.float32",
    ),
    ({"samples_per_id": None, "labels": torch.zeros(11).long()}, r"labels must have one label .* got shape \(11,\)"),
    (
        {"samples_per_id": None, "labels": torch.zeros(12, dtype=torch.int64, device="meta")},
        "labels must be on the device of the features, cpu, got meta",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_refused_with_a_sentence(changes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {"features": GOOD, "samples_per_id": 3} | changes
    for devices in (("cpu",), ()):
        monkeypatch.setattr(pullpush.torch, "LIBRARY_DEVICES", devices)
        with pytest.raises(pullpush.InvalidArgument, match=message):
            PullPushLoss()(**arguments)


def test_check_finite(device: str) -> None:
    features = cases.rows(12, 4)
    features[7, 2] = np.nan
    features[9, 1] = np.inf
    with pytest.raises(pullpush.NotFinite, match=r"\b7\b"):
        PullPushLoss(check_finite=True)(tensor(features, device), samples_per_id=3)
    assert np.isnan(PullPushLoss()(tensor(features, device), samples_per_id=3).item())
    good = tensor(cases.rows(12, 4), device)
    checked = PullPushLoss(check_finite=True)(good, samples_per_id=3)
    assert checked.item() == PullPushLoss()(good, samples_per_id=3).item()


def test_threads_may_share_a_module() -> None:
    """Every thread gets the gradient of its own batch."""
    loss_fn = PullPushLoss()
    batches = [cases.rows(32, 8, seed=seed) for seed in range(8)]

    def slope(batch: cases.Array) -> cases.Array:
        given = tensor(batch)
        loss_fn(given, samples_per_id=4).backward()
        return gradient(given)

    from concurrent.futures import ThreadPoolExecutor

    def endless() -> Iterator[cases.Array]:
        for _ in range(25):
            yield from batches

    with ThreadPoolExecutor(4) as pool:
        slopes = list(pool.map(slope, endless()))
    for index, got in enumerate(slopes):
        np.testing.assert_array_equal(got, pullpush.value_and_grad(batches[index % 8], samples_per_id=4)[1])


def test_the_package_itself_does_not_import_torch() -> None:
    code = "import sys, pullpush; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
