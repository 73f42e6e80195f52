"""The two programs as a user runs them, with few steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import compare
import digits
import matplotlib.image
import pytest


def table_rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_digits_prints_its_table_and_draws_its_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "made" / "demo.png"
    digits.main(["--steps", "20", "--out", str(picture)])
    header, _, *rows = table_rows(capsys.readouterr().out)
    assert header[:3] == ["held-out digits", "recall@1", "mAP"]
    assert [row[0] for row in rows] == ["raw pixels, 64 numbers", "original, 16 numbers", "orthogonal, 16 numbers"]
    assert all(0 < float(row[2]) < float(row[1]) < 1 for row in rows)
    image = matplotlib.image.imread(picture)
    assert image.shape[1] == 1600
    assert image.std() > 0.05


def test_comparison_prints_every_variant(capsys: pytest.CaptureFixture[str]) -> None:
    compare.main(["--steps", "3", "--seeds", "1"])
    header, _, *rows = table_rows(capsys.readouterr().out)
    assert header == compare.HEADER
    assert [row[0] for row in rows] == [variant.name for variant in compare.VARIANTS]


@pytest.mark.parametrize(
    ("program", "arguments"),
    [(digits.main, ["--steps", "0"]), (compare.main, ["--steps", "0"]), (compare.main, ["--seeds", "-1"])],
)
def test_counts_below_one_are_refused(
    program: Callable[[list[str]], None], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        program(arguments)
    assert exit_.value.code == 2
    assert f"{arguments[0]}: {arguments[1]} given, expected 1 or more" in capsys.readouterr().err
