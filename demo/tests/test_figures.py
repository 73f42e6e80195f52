"""The measured figures: one set of numbers on every page, and the demo still gives them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from compare import HEADER, VARIANTS, Variant, measure
from dataset import load
from digits import compare_presets, report

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "figures.md"
# Training amplifies rounding, so another machine gives other last digits. The original, which stops wherever the
# representatives cancel, depends on the path it took.
STEADY, UNSTEADY = 0.02, 0.15


def rows(page: Path) -> dict[str, list[str]]:
    """The rows of all tables of a page, by their first cell."""
    lines = re.findall(r"^\| *(.+?) *\|$", page.read_text(), re.MULTILINE)
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "options.md"], ids=lambda page: page.name)
def test_figures_quoted_elsewhere_are_those_of_their_page(page: Path) -> None:
    measured = rows(FIGURES)
    for name, cells in rows(page).items():
        assert name not in measured or cells == measured[name], f"{page.name}: {name}"
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    quoted = set(re.findall(r"\b0\.\d{3}(?: ± 0\.\d{3})?", prose))
    assert quoted
    assert not {figure for figure in quoted if figure not in FIGURES.read_text()}


def test_demo_gives_its_table() -> None:
    shown = rows(FIGURES)
    for line in report(compare_presets(load(), steps=2000, seed=0, quiet=True)).splitlines()[2:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        tolerance = UNSTEADY if name.startswith("original") else STEADY
        for got, stated in zip(cells, shown[name], strict=True):
            assert (got == "") == (stated == "")
            assert not got or float(got) == pytest.approx(float(stated), abs=tolerance), f"{name}: {got}, {stated}"


@pytest.mark.parametrize("variant", VARIANTS[1:2] + VARIANTS[-1:], ids=lambda variant: variant.name)
def test_comparison_gives_its_table(variant: Variant) -> None:
    stated = rows(FIGURES)[variant.name]
    assert len(stated) == len(HEADER) - 1
    for got, cell in zip(measure(variant, steps=2000, seed=0)[:3], stated, strict=False):
        mean, deviation = (float(number) for number in cell.split(" ± "))
        assert got == pytest.approx(mean, abs=4 * deviation + 0.01)
