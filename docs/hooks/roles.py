"""Docstrings name other objects as ``:func:`pullpush.value```; on the site the names become links."""

from __future__ import annotations

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROLE = re.compile(r":(?:class|func|meth|mod|attr):<code>(?P<name>[\w.]+)</code>")


def link(match: re.Match[str]) -> str:
    """A cross-reference where the full name is given, else the name alone."""
    name = match["name"]
    shown = f"<code>{name.removeprefix('pullpush.')}</code>"
    return f'<autoref identifier="{name}">{shown}</autoref>' if name.startswith("pullpush.") else shown


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace every role of a page."""
    return ROLE.sub(link, html)
