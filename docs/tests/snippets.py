"""The fenced code blocks of the README and the pages, and what each is expected to print.

A ``text`` block right below a code block is what that block must print. A line ``<!-- untested: installs -->`` right
above a ``bash`` block keeps it from being run; nothing else may opt out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

FENCE = re.compile(
    r"(?:^<!-- untested: (?P<reason>[^\n]+) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$"
    r"(?:\n\n```text\n(?P<expected>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Snippet:
    """One block of code; `expected` is None where nothing is said about its output."""

    page: Path
    line: int
    language: str
    code: str
    expected: str | None
    reason: str | None

    def __str__(self) -> str:
        """Where it stands."""
        return f"{self.page.name}:{self.line}"


def snippets(page: Path) -> list[Snippet]:
    """The code blocks of a page, in order."""
    text = page.read_text()
    return [
        Snippet(
            page,
            text.count("\n", 0, match.start("code")),
            match["language"],
            match["code"],
            match["expected"],
            match["reason"],
        )
        for match in FENCE.finditer(text)
    ]


def in_language(language: str) -> list[Snippet]:
    """The code blocks of all pages in one language."""
    return [snippet for page in PAGES for snippet in snippets(page) if snippet.language == language]
