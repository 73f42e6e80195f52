"""The site builds without a warning, needs nothing from elsewhere, and its references are complete."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pullpush
import pytest
from snippets import PAGES, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def text(page: Path) -> str:
    """What a reader sees, without markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", page.read_text()))


def test_every_page_is_there(site: Path) -> None:
    names = {"index" if page.stem == "README" else page.stem for page in PAGES}
    assert names <= {page.stem for page in site.glob("*.html")}
    assert not list(site.glob("**/*.py"))


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loading = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"(?:https?:)?//[^\"]*\"")
    for page in site.glob("**/*.html"):
        assert not loading.findall(page.read_text()), page.name
    for sheet in site.glob("**/*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text()), sheet.name


def test_formulas_are_drawn(site: Path) -> None:
    drawn = (site / "mathematics.html").read_text()
    assert drawn.count("<math") == (ROOT / "docs" / "mathematics.md").read_text().count("```math")
    assert "\\sum" not in drawn


def test_c_reference_holds_the_whole_header(site: Path) -> None:
    header = (ROOT / "include" / "pullpush.h").read_text()
    names = set(re.findall(r"\b(?:pullpush|PULLPUSH)_\w*[a-z0-9A-Z]", header)) - {"PULLPUSH_H"}
    shown = text(site / "c.html")
    assert not {name for name in names if name not in shown}


def test_python_reference_holds_every_public_name(site: Path) -> None:
    shown = text(site / "python.html")
    assert not {name for name in pullpush.__all__ if name not in shown and not name.startswith("__")}
    assert ":class:" not in shown
    assert ":func:" not in shown


def test_swift_reference_holds_every_public_name(site: Path) -> None:
    shown = text(site / "swift.html")
    declaration = re.compile(r"^ *public (?:static )?(?:struct|enum|func|let|var) (\w+)", re.MULTILINE)
    names = {
        name
        for path in (ROOT / "Sources" / "PullPush").glob("*.swift")
        for name in declaration.findall(path.read_text())
    }
    assert len(names) > 10
    assert not {name for name in names if name not in shown}
