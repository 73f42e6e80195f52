"""The command line, from the outside."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import cases
import numpy as np
import pytest

import pullpush

FEATURES = cases.rows(12, 9)
LABELS = cases.mixed_labels(12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "features.npy", FEATURES)
    np.save(tmp_path / "labels.npy", LABELS)
    (tmp_path / "empty.npy").touch()
    return tmp_path


def run(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pullpush", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_info(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, "info", "--json").stdout)
    assert told["version"] == pullpush.__version__
    assert told["library"] == pullpush.library_path()
    assert told["instruction_set"] == pullpush.isa()
    assert told["processors"] == os.cpu_count()
    assert told["python"] == platform.python_version()
    assert told["numpy"] == np.__version__
    assert f"version         {pullpush.__version__}\n" in run(tmp_path, "info").stdout


def test_eval(folder: Path) -> None:
    expected = pullpush.value(FEATURES, samples_per_id=4)
    lines = dict(
        line.split() for line in run(folder, "eval", "features.npy", "--samples-per-id", "4").stdout.splitlines()
    )
    assert {name: float(value) for name, value in lines.items()} == expected.parts()


def test_eval_with_labels_every_option_and_a_gradient(folder: Path) -> None:
    done = run(
        folder, "eval", "features.npy", "--labels", "labels.npy", "--gradient", "gradient", "--upstream", "2",
        "--normalize", "l2", "--self-pairs", "exclude", "--push", "hinge", "--target", "0.1", "--margin", "-0.2",
        "--reduction", "mean_active", "--push-between", "all", "--objective", "inner_product", "--pull-weight", "0.5",
        "--push-weight", "3", "--num-threads", "1", "--check-finite", "--json",
    )  # fmt: skip
    loss, gradient = pullpush.value_and_grad(
        FEATURES, labels=LABELS, upstream=2, normalize="l2", self_pairs="exclude", push="hinge", target=0.1,
        margin=-0.2, reduction="mean_active", push_between="all", objective="inner_product", pull_weight=0.5,
        push_weight=3, num_threads=1, check_finite=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == loss.parts()
    np.testing.assert_array_equal(np.load(folder / "gradient"), gradient)


def test_eval_with_a_preset_and_as_a_stream(folder: Path) -> None:
    expected, slope = pullpush.PullPushLoss.preset("orthogonal", target=0.5).value_and_grad(FEATURES, samples_per_id=3)
    for extra in ([], ["--stream"]):
        done = run(
            folder, "eval", "features.npy", "--samples-per-id=3", "--preset=orthogonal", "--target=0.5", "--json",
            "--gradient=gradient.npy", *extra,
        )  # fmt: skip
        assert json.loads(done.stdout) == pytest.approx(expected.parts(), rel=1e-6)
        np.testing.assert_allclose(np.load(folder / "gradient.npy"), slope, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "COMMAND"),
        (["eval", "features.npy"], 2, "one of the arguments --samples-per-id --labels is required"),
        (["eval", "features.npy", "--samples-per-id", "4", "--labels", "labels.npy"], 2, "not allowed with"),
        (["eval", "features.npy", "--samples-per-id", "4", "--push", "away"], 2, "invalid choice: 'away'"),
        (["eval", "missing.npy", "--samples-per-id", "4"], 1, "missing.npy"),
        (["eval", "features.npy", "--samples-per-id", "5"], 1, "samples_per_id"),
        (["eval", "labels.npy", "--samples-per-id", "4"], 1, "got shape (12,)"),
        (["eval", "features.npy", "--labels", "features.npy"], 1, "labels must have one label"),
        (["eval", "features.npy", "--samples-per-id", "4", "--push", "hinge", "--stream"], 1, "additive statistics"),
        (["eval", "features.npy", "--samples-per-id", "4", "--reduction", "mean_active"], 1, "mean_active"),
        (["eval", "features.npy", "--samples-per-id", "4", "--gradient", "no/where.npy"], 1, "no/where.npy"),
        (
            ["eval", "features.npy", "--samples-per-id", "4", "--gradient", "features.npy"],
            1,
            "out must be another file",
        ),
        (["eval", "empty.npy", "--samples-per-id", "4"], 1, "pullpush: "),
    ],
)
def test_errors_are_one_sentence(folder: Path, arguments: list[str], status: int, message: str) -> None:
    done = run(folder, *arguments, status=status)
    assert message in done.stderr
    assert done.stdout == ""
