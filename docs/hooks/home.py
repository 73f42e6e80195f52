"""The README is the home page, so that both say the same."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the home page, which has no file of its own in the documentation folder."""
    files.append(File.generated(config, "index.md", content="# PullPush\n"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the README in, its links seen from the documentation folder."""
    if page.file.src_uri != "index.md":
        return markdown
    readme = Path(config.config_file_path).parent / "README.md"
    return re.sub(r"(\]\(|src=\")docs/", r"\1", readme.read_text())
