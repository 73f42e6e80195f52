"""The JAX function: the numbers of the oracle and of the same loss in jnp, through grad, jit and vmap."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import cases
import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest

import pullpush
from pullpush.jax import PullPushLoss

DTYPES = {"float32": jnp.float32, "float64": jnp.float64, "float16": jnp.float16, "bfloat16": jnp.bfloat16}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    """JAX has float64 only where it is asked to."""
    before = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    yield
    jax.config.update("jax_enable_x64", before)  # type: ignore[no-untyped-call]


def original(rows: jax.Array, samples_per_id: int) -> jax.Array:
    """The original loss in jnp on normalised rows: a matrix of all pairs and its masks."""
    names = jnp.arange(len(rows)) // samples_per_id
    alike = rows @ rows.T
    same = names[:, None] == names
    identities = len(rows) // samples_per_id
    firsts = alike[::samples_per_id, ::samples_per_id]
    pull = jnp.where(same, 1 - alike, 0).sum() / (len(rows) * (samples_per_id - 1))
    return pull + (firsts.sum() - identities) / (identities * (identities - 1))


def orthogonal(raw: jax.Array, samples_per_id: int) -> jax.Array:
    """The preset "orthogonal" in jnp."""
    rows = raw / jnp.linalg.norm(raw, axis=1, keepdims=True)
    names = jnp.arange(len(rows)) // samples_per_id
    alike = rows @ rows.T
    other = 1 - jnp.eye(len(rows))
    same = (names[:, None] == names) * other
    firsts = alike[::samples_per_id, ::samples_per_id]
    apart = 1 - jnp.eye(len(firsts))
    loss: jax.Array = ((1 - alike) * same).sum() / same.sum() + (firsts**2 * apart).sum() / apart.sum()
    return loss


@pytest.mark.parametrize("compiled", [False, True])
def test_the_same_in_jnp(compiled: bool) -> None:
    raw = jnp.asarray(cases.rows(20, 6, "float64"))
    unit = raw / jnp.linalg.norm(raw, axis=1, keepdims=True)
    for loss_fn, reference, rows in (
        (PullPushLoss(normalize="none"), original, unit),
        (PullPushLoss.preset("orthogonal"), orthogonal, raw),
    ):
        ours = jax.value_and_grad(lambda x, f=loss_fn: f(x, samples_per_id=4))
        theirs = jax.value_and_grad(lambda x, f=reference: f(x, 4))
        value, gradient = (jax.jit(ours) if compiled else ours)(rows)
        expected, slope = theirs(rows)
        assert value == pytest.approx(float(expected), rel=1e-13)
        np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("layout", cases.LAYOUTS)
@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_every_option_is_the_oracle(options: cases.Options, layout: str) -> None:
    features = cases.rows(15, 7, "float64")
    identities = cases.identities_of(layout, 15, 3)
    expected = oracle.evaluate(features, upstream=-0.5, **identities, **options)
    loss_fn = PullPushLoss(**options)

    def scaled(x: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        loss, parts = loss_fn.with_parts(x, **identities)
        return -0.5 * loss, parts

    (value, parts), gradient = jax.value_and_grad(scaled, has_aux=True)(jnp.asarray(features))
    assert value == -0.5 * parts["loss"]
    assert {name: float(part) for name, part in parts.items()} == pytest.approx(expected.parts(), rel=1e-12, abs=1e-13)
    cases.assert_gradient(np.asarray(gradient), expected.gradient, "float64", floor=1e-15)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_every_dtype(dtype: str) -> None:
    features = cases.rows(24, 17, dtype)
    expected = oracle.evaluate(features, samples_per_id=4, upstream=2.0**10)
    ours = jax.jit(jax.value_and_grad(lambda x: 2.0**10 * PullPushLoss()(x, samples_per_id=4)))
    value, gradient = ours(jnp.asarray(features))
    assert value.dtype == (jnp.float64 if dtype == "float64" else jnp.float32)
    assert value == pytest.approx(2.0**10 * expected.loss, rel=1e-6)
    # bfloat16 is rounded once by the library and once by the factor, which is a power of two.
    cases.assert_gradient(np.asarray(gradient), expected.gradient, dtype)


@pytest.mark.parametrize("compiled", [False, True])
def test_vmap(compiled: bool) -> None:
    batches = np.stack([cases.rows(12, 5, "float64", seed=seed) for seed in range(6)])
    labels = np.stack([cases.mixed_labels(12, seed) for seed in range(6)])
    loss_fn = PullPushLoss(push="squared")
    slope = jax.grad(lambda x, names: loss_fn(x, labels=names))
    over_both = jax.vmap(slope)
    over_features = jax.vmap(jax.value_and_grad(lambda x: loss_fn(x, samples_per_id=3)))
    over_labels = jax.vmap(slope, in_axes=(None, 0))
    transform = jax.jit if compiled else (lambda function: function)
    both, (values, gradients) = transform(over_both)(batches, labels), transform(over_features)(batches)
    same = transform(over_labels)(batches[0], labels)
    nested = transform(jax.vmap(jax.vmap(lambda x: loss_fn(x, samples_per_id=3))))(batches.reshape(2, 3, 12, 5))
    assert nested.shape == (2, 3)
    for index in range(6):
        np.testing.assert_array_equal(
            both[index], pullpush.value_and_grad(batches[index], labels=labels[index], push="squared")[1]
        )
        loss, gradient = pullpush.value_and_grad(batches[index], samples_per_id=3, push="squared")
        assert values[index] == nested.reshape(-1)[index] == loss.loss
        np.testing.assert_array_equal(gradients[index], gradient)
        np.testing.assert_array_equal(
            same[index], pullpush.value_and_grad(batches[0], labels=labels[index], push="squared")[1]
        )


def test_a_value_alone_computes_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pullpush.PullPushLoss, "value_and_grad", None)
    features = jnp.asarray(cases.rows(12, 4))
    assert PullPushLoss()(features, samples_per_id=3) == pullpush.value(np.asarray(features), samples_per_id=3).loss


def test_training_under_jit_and_scan() -> None:
    """Gradient descent inside one compiled program, step for step that of NumPy."""
    loss_fn = PullPushLoss.preset("orthogonal")
    features = cases.rows(12, 4, "float64")

    def step(x: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        value, gradient = jax.value_and_grad(loss_fn)(x, samples_per_id=3)
        return x - 0.3 * gradient, value

    last, curve = jax.jit(lambda x: jax.lax.scan(step, x, length=20))(jnp.asarray(features))
    by_hand = features.copy()
    for value in curve:
        loss, gradient = pullpush.value_and_grad(by_hand, samples_per_id=3, **loss_fn.options.changed())
        assert value == pytest.approx(loss.loss, rel=1e-12)
        by_hand -= 0.3 * gradient
    np.testing.assert_allclose(last, by_hand, rtol=1e-11)


def test_a_large_batch_does_not_block() -> None:
    """A callback that waited for the threads it runs on would stop here."""
    features = cases.rows(8192, 256)
    for _ in range(3):
        value, gradient = jax.jit(jax.value_and_grad(lambda x: PullPushLoss()(2 * x, samples_per_id=4)))(features)
        assert np.isfinite(float(value) + float(gradient.sum()))


def test_a_loss_may_be_a_static_argument() -> None:
    traced = []

    @partial(jax.jit, static_argnums=0)
    def value(loss_fn: PullPushLoss, x: jax.Array) -> jax.Array:
        traced.append(loss_fn)
        return loss_fn(x, samples_per_id=3)

    features = jnp.asarray(cases.rows(12, 4))
    for margin in (0.1, 0.1, 0.2):
        expected = pullpush.value(np.asarray(features), samples_per_id=3, push="hinge", margin=margin)
        got = value(PullPushLoss(push="hinge", margin=margin), features)
        assert got == pytest.approx(expected.loss, rel=1e-6)
    assert len(traced) == 2
    assert repr(traced[0]) == "PullPushLoss(push='hinge', margin=0.1)"
    assert traced[0] != traced[1]


def test_second_derivatives_are_refused_and_parts_have_none() -> None:
    features = jnp.asarray(cases.rows(6, 3))
    with pytest.raises(ValueError, match="callbacks do not support JVP"):
        jax.hessian(lambda x: PullPushLoss()(x, samples_per_id=3))(features)
    slope = jax.grad(lambda x: PullPushLoss().with_parts(x, samples_per_id=3)[1]["pull"])(features)
    assert not np.any(slope)


GOOD = cases.rows(12, 4)

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"features": GOOD.astype(int)}, "features must be float32, .* got int64; nothing is cast silently"),
    ({"features": GOOD[0]}, r"features must have 2 dimensions .* got shape \(4,\)"),
    ({"features": GOOD[:0]}, r"features must have 2 dimensions .* got shape \(0, 4\)"),
    ({"samples_per_id": None}, "either samples_per_id or labels must be given, got neither"),
    ({"labels": np.zeros(12, int)}, "samples_per_id must not be given beside labels, got samples_per_id=3"),
    ({"samples_per_id": 5}, "samples_per_id must divide the number of rows, 12, got 5"),
    ({"samples_per_id": 3.0}, "samples_per_id must be an integer from 1 to .* got 3.0"),
    ({"samples_per_id": None, "labels": np.zeros(12)}, "labels must be integers, got float64"),
    ({"samples_per_id": None, "labels": np.zeros(11, int)}, r"labels must have one label .* got shape \(11,\)"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:50] for _, message in REFUSED])
@pytest.mark.parametrize("compiled", [False, True])
def test_refused_while_tracing(compiled: bool, changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"features": GOOD, "samples_per_id": 3} | changes
    features, count = arguments.pop("features"), arguments.pop("samples_per_id")

    def loss(x: jax.Array, **labels: jax.Array) -> jax.Array:
        return PullPushLoss()(x, samples_per_id=count, **labels)

    with pytest.raises(pullpush.InvalidArgument, match=message):
        (jax.jit(loss) if compiled else loss)(features, **arguments)
    with pytest.raises(pullpush.UnknownOption, match="did you mean 'margin'"):
        PullPushLoss(margim=0.5)  # type: ignore[call-arg]


def test_the_package_itself_does_not_import_jax() -> None:
    code = "import sys, pullpush; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
