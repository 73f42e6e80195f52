"""Value, parts and gradient against the oracle, over every option, layout, dtype and vector edge."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import oracle
import pytest

import pullpush


def check(
    features: cases.Array, dtype: str, identities: dict[str, Any], options: cases.Options, upstream: float = 1.0
) -> None:
    expected = oracle.evaluate(features, upstream=upstream, **identities, **options)
    loss, gradient = pullpush.value_and_grad(features, upstream=upstream, **identities, **options)
    rounding = 0.0
    if features.shape[1] == 1 and options.get("normalize") != "none":
        # A normalised row of one number is a sign, whose slope is 0: the gradient is what rounding leaves of 1 / |f|.
        rounding = cases.GRADIENT_TOLERANCE[dtype] * float(np.linalg.norm(1 / features.astype(np.float64)))
    cases.assert_matches(loss, gradient, expected, dtype, floor=rounding)
    cases.assert_parts(pullpush.value(features, **identities, **options), expected, dtype)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("layout", cases.LAYOUTS)
@pytest.mark.parametrize("options", cases.every_options(), ids=cases.name)
def test_every_option(options: cases.Options, layout: str, dtype: str) -> None:
    number = cases.every_options().index(options)
    dim = cases.EDGE_DIMS[1 + number % (len(cases.EDGE_DIMS) - 1)]
    samples_per_id = 2 + number % 4
    count = 5 * samples_per_id
    features = cases.rows(count, dim, dtype, seed=number)
    check(features, dtype, cases.identities_of(layout, count, samples_per_id, number), options, upstream=1.5)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("samples_per_id", [1, 2, 3, 4, 5, 8, 9, 17])
@pytest.mark.parametrize("dim", cases.EDGE_DIMS)
def test_default_at_vector_edges(dim: int, samples_per_id: int, dtype: str) -> None:
    for normalize in ("none", "l2", "renorm"):
        features = cases.rows(3 * samples_per_id, dim, dtype)
        check(features, dtype, {"samples_per_id": samples_per_id}, {"normalize": normalize})


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("options", cases.every_push(), ids=cases.name)
@pytest.mark.parametrize("dim", cases.EDGE_DIMS)
def test_every_push_at_vector_edges(dim: int, options: cases.Options, dtype: str) -> None:
    check(cases.rows(34, dim, dtype, seed=1), dtype, {"samples_per_id": 2}, options)


@pytest.mark.parametrize("options", cases.every_push(), ids=cases.name)
@pytest.mark.parametrize(("ids", "dim"), [(7, 150), (64, 64), (65, 63), (150, 7), (129, 130)])
def test_few_and_many_identities(ids: int, dim: int, options: cases.Options) -> None:
    check(cases.rows(2 * ids, dim), "float32", {"samples_per_id": 2}, options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1e2, 1e4])
def test_scale_of_raw_rows(scale: float, dtype: str) -> None:
    features = (cases.rows(24, 40, "float64") * scale).astype(dtype)
    for normalize in ("l2", "renorm"):
        check(features, dtype, {"samples_per_id": 4}, {"normalize": normalize})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("samples_per_id", [2, 4, 7])
def test_against_the_original_loop(samples_per_id: int, dtype: str) -> None:
    features = cases.rows(9 * samples_per_id, 48, dtype)
    value, gradient = oracle.original(features, samples_per_id)
    loss = pullpush.PullPushLoss()(features, samples_per_id=samples_per_id)
    tolerance = cases.PART_TOLERANCE[dtype][0]
    assert float(loss) == pytest.approx(value, rel=tolerance)
    cases.assert_gradient(loss.backward(), gradient, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spread", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("normalize", ["l2", "renorm"])
def test_tight_identities(normalize: str, spread: float, dtype: str) -> None:
    """The pull of nearly equal rows, about spread**2, would drown in the rounding of 1 - mean."""
    generator = np.random.default_rng(5)
    centres = generator.standard_normal((6, 1, 64))
    features = (centres + spread * generator.standard_normal((6, 8, 64))).reshape(48, 64).astype(dtype)
    options: cases.Options = {"normalize": normalize, "self_pairs": "exclude"}
    expected = oracle.evaluate(features, samples_per_id=8, **options)
    assert 0.1 * spread**2 < expected.pull < 10 * spread**2
    allowed = max(1e-4, 1e-6 / (1e4 * expected.pull)) if dtype == "float32" else 1e-7
    told: list[dict[str, Any]] = [{"samples_per_id": 8}, {"labels": np.arange(48) // 8}]
    for identities in told:
        got = pullpush.value(features, **identities, **options)
        assert got.pull == pytest.approx(expected.pull, rel=allowed)


def test_include_adds_the_self_pairs_to_the_slope_of_unit_rows() -> None:
    """With self pairs the slope is -2 s_c / N+ and 2 t / N-, straight from the definition, lonely rows aside."""
    features = cases.rows(13, 16, "float64")
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2])
    first = np.array([0, 5, 12])
    for self_pairs, own in (("include", 0.0), ("exclude", 1.0)):
        expected = np.zeros_like(features)
        for label in (0, 1):
            members = labels == label
            expected[members] = -2 * (features[members].sum(axis=0) - own * features[members]) / (5 * 4 + 7 * 6)
        expected[first] += 2 * (features[first].sum(axis=0) - own * features[first]) / (3 * 2)
        _, gradient = pullpush.value_and_grad(
            features,
            labels=labels,
            normalize="none",
            self_pairs=self_pairs,  # type: ignore[arg-type]
        )
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("target", [-0.5, 0.0, 1.0])
def test_target(target: float) -> None:
    check(cases.rows(12, 20), "float32", {"samples_per_id": 3}, {"push": "squared", "target": target})


@pytest.mark.parametrize(("margin", "active"), [(-5.0, 12), (5.0, 0)])
@pytest.mark.parametrize("reduction", ["mean", "mean_active"])
def test_margin_with_all_or_no_pairs_active(reduction: str, margin: float, active: int) -> None:
    options: cases.Options = {"push": "hinge", "margin": margin, "reduction": reduction, "pull_weight": 0.0}
    features = cases.rows(12, 20)
    check(features, "float32", {"samples_per_id": 3}, options)
    loss, gradient = pullpush.value_and_grad(features, samples_per_id=3, **options)
    assert loss.active_pairs == active
    assert np.any(gradient) == (active > 0)


@pytest.mark.parametrize(("pull_weight", "push_weight"), [(0.0, 1.0), (1.0, 0.0), (-2.0, 3.0), (0.0, 0.0)])
def test_weights(pull_weight: float, push_weight: float) -> None:
    for options in cases.every_push():
        weighted = options | {"pull_weight": pull_weight, "push_weight": push_weight}
        check(cases.rows(12, 20), "float32", {"samples_per_id": 3}, weighted)
