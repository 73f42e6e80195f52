"""Arrays of other packages come in by the protocols they speak, and the gradient goes back as one of theirs."""

from __future__ import annotations

import array
import pickle
import sys
from typing import Any

import cases
import kinds
import numpy as np
import pytest
import torch

import pullpush
from pullpush import statistics


@pytest.mark.parametrize(("kind", "dtype"), [(k, d) for d in cases.DTYPES for k in kinds.possible(d)])
def test_the_same_bits_and_the_callers_kind(kind: str, dtype: str) -> None:
    make, returned = kinds.KINDS[kind]
    features = cases.rows(12, 9, dtype)
    before = features.copy()
    given = make(features)
    expected, slope = pullpush.value_and_grad(features, samples_per_id=3)
    loss, gradient = pullpush.value_and_grad(given, samples_per_id=3)
    kept = pullpush.PullPushLoss()(given, samples_per_id=3)
    total = statistics.accumulate(given, samples_per_id=3)
    gradients = [gradient, kept.backward(), statistics.finish(given, total, samples_per_id=3)[1]]
    assert loss.parts() == kept.parts() == expected.parts()
    assert pullpush.value(given, samples_per_id=3).parts() == expected.parts()
    assert statistics.finish_value(given, total, samples_per_id=3).loss == pytest.approx(expected.loss, rel=1e-6)
    for got in gradients:
        assert isinstance(got, returned)
        assert kinds.numbers_of(got).dtype == slope.dtype
        np.testing.assert_allclose(kinds.numbers_of(got).astype(float), slope.astype(float), rtol=2e-2, atol=1e-5)
    for got in gradients[:2]:
        np.testing.assert_array_equal(kinds.numbers_of(got), slope)
    doubled = kept.backward(2.0)
    assert isinstance(doubled, returned)
    np.testing.assert_array_equal(kinds.numbers_of(doubled), slope * features.dtype.type(2))
    np.testing.assert_array_equal(features, before)


def test_a_gradient_shares_its_memory_with_the_tensor() -> None:
    loss = pullpush.PullPushLoss()(torch.from_numpy(cases.rows(12, 9)), samples_per_id=3)
    assert loss.backward().data_ptr() == loss.backward().data_ptr()
    twin = pickle.loads(pickle.dumps(loss))
    assert torch.equal(twin.backward(), loss.backward())


def test_an_out_of_the_callers_kind() -> None:
    features = torch.from_numpy(cases.rows(12, 9))
    _, expected = pullpush.value_and_grad(features, samples_per_id=3)
    out = torch.ones(12, 9)
    _, gradient = pullpush.value_and_grad(features, samples_per_id=3, out=out, accumulate=True)
    assert gradient is out
    torch.testing.assert_close(out, 1 + expected)
    buffer = bytearray(out.nbytes)
    view = memoryview(buffer).cast("B").cast("f", (12, 9))
    pullpush.value_and_grad(features.numpy(), samples_per_id=3, out=view)
    np.testing.assert_array_equal(np.frombuffer(buffer, np.float32).reshape(12, 9), expected.numpy())
    with pytest.raises(pullpush.InvalidArgument, match="out must lie apart from features"):
        pullpush.value_and_grad(features, samples_per_id=3, out=features)
    with pytest.raises(pullpush.InvalidArgument, match="out must be writable, got a read-only array"):
        pullpush.value_and_grad(features, samples_per_id=3, out=kinds.jax_array(np.zeros((12, 9), np.float32)))


def test_labels_of_any_kind() -> None:
    features = cases.rows(8, 5)
    labels = np.array([3, 1, 3, 1, 0, 0, 3, 2])
    expected = pullpush.value(features, labels=labels).parts()
    for given in (torch.from_numpy(labels), kinds.jax_array(labels), labels.data, array.array("i", labels.tolist())):
        assert pullpush.value(features, labels=given).parts() == expected
    with pytest.raises(pullpush.InvalidArgument, match="labels must be integers, got float32"):
        pullpush.value(features, labels=torch.zeros(8))


def test_files_and_the_original_call() -> None:
    features = cases.rows(20, 6)
    given, out = torch.from_numpy(features), torch.zeros(20, 6)
    loss = pullpush.stream(given, samples_per_id=4, out=out, progress=False)
    expected, gradient = pullpush.value_and_grad(features, samples_per_id=4)
    assert loss.loss == pytest.approx(expected.loss, rel=1e-6)
    np.testing.assert_allclose(out.numpy(), gradient, rtol=1e-5, atol=1e-7)
    original = pullpush.PullPushFeaturesLoss()
    assert original(given, 20, 4).parts() == original(features, 20, 4).parts()


REFUSED: list[tuple[Any, str]] = [
    (
        kinds.OnAnotherDevice(),
        r"must be in memory that the processor can read, got .* device 2 \(CUDA\), number 1; copy it to the CPU",
    ),
    (
        torch.ones(12, 4, requires_grad=True),
        r"must not require a gradient, .* give (features|out)\.detach\(\), or use pullpush",
    ),
    (torch.nn.Parameter(torch.ones(12, 4)), "must not require a gradient"),
    (torch.ones(12, 4, device="meta"), "could not be read through DLPack from torch.Tensor: .*meta"),
    (torch.ones(12, 4).to_sparse(), "could not be read through DLPack from torch.Tensor: .*layout"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSED)
def test_refused_with_a_sentence(wrong: Any, message: str) -> None:
    features = cases.rows(12, 4)
    with pytest.raises(pullpush.InvalidArgument, match=f"features {message}"):
        pullpush.value(wrong, samples_per_id=3)
    with pytest.raises(pullpush.InvalidArgument, match=message):
        pullpush.value_and_grad(features, samples_per_id=3, out=wrong)


# The kinds of devices in DLPack's header, by number; numbers between are not given out or no longer in use.
DEVICES = {2: "CUDA", 4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 13: "CUDA managed", 14: "oneAPI", 15: "WebGPU"}


@pytest.mark.parametrize("number", range(20))
def test_only_memory_of_the_host_is_read(number: int) -> None:
    class Somewhere(kinds.Exported):
        def __dlpack_device__(self) -> tuple[int, int]:
            return number, 5

    features = cases.rows(12, 4)
    if number in (1, 3, 11):  # the CPU's memory, or pinned there for CUDA or ROCm
        loss = pullpush.value(Somewhere(features), samples_per_id=3)
        assert loss.parts() == pullpush.value(features, samples_per_id=3).parts()
    else:
        name = DEVICES.get(number, "unknown")
        with pytest.raises(pullpush.InvalidArgument, match=rf"DLPack device {number} \({name}\), number 5; copy it"):
            pullpush.value(Somewhere(features), samples_per_id=3)


def test_bfloat16_without_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(pullpush.InvalidArgument, match="features in bfloat16 needs the package ml_dtypes, which"):
        pullpush.value(torch.ones(12, 4, dtype=torch.bfloat16), samples_per_id=3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.ones(12, 4).long(), "features must be float32, .* got int64; nothing is cast silently"),
        (torch.ones(12), r"features must have 2 dimensions .* got shape \(12,\)"),
        (memoryview(b"abcd"), r"features must have 2 dimensions .* got shape \(4,\)"),
        (array.array("d", [1.0, 2.0]), r"features must have 2 dimensions .* got shape \(2,\)"),
        ("abcd", r"features must be a numpy\.ndarray \(or speak DLPack, .*\) .* got builtins\.str"),
    ],
)
def test_what_is_read_is_checked_like_numpy(wrong: Any, message: str) -> None:
    with pytest.raises(pullpush.InvalidArgument, match=message):
        pullpush.value(wrong, samples_per_id=3)
