"""``<!-- include/pullpush.h -->`` in a page becomes the C header, section by section."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

MARK = "<!-- include/pullpush.h -->"
RULE = re.compile(r"^/\* -{20,} (?P<title>.+?) \*/$", re.MULTILINE)


def sections(header: str) -> list[tuple[str, str]]:
    """Titles and texts between the rules of the header, without what only the preprocessor needs."""
    body = header[: header.rindex("#ifdef __cplusplus")]
    _, *parts = RULE.split(body)
    return [(title, text.strip()) for title, text in zip(parts[::2], parts[1::2], strict=True)]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace the mark."""
    if MARK not in markdown:
        return markdown
    header = (Path(config.config_file_path).parent / "include" / "pullpush.h").read_text()
    shown = "\n\n".join(f"### {title.capitalize()}\n\n```c\n{text}\n```" for title, text in sections(header))
    return markdown.replace(MARK, shown)
