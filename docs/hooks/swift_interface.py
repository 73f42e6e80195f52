"""``<!-- Sources/PullPush -->`` in a page becomes the public Swift declarations with their comments, file by file.

It goes by the layout that the formatter gives every source: what belongs to a declaration is indented deeper than its
first line, or begins with a closing bracket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

MARK = "<!-- Sources/PullPush -->"
CONTAINER = re.compile(r"(public (struct|enum|protocol|final class)|extension) ")
BODY = re.compile(r"( =)? \{.*$", re.DOTALL)


def indent(line: str) -> int:
    """Leading blanks."""
    return len(line) - len(line.lstrip())


def groups(lines: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The declarations at the outermost level of `lines`, each with the comment and the attributes above it."""
    comment: list[str] = []
    position = 0
    while position < len(lines):
        first = lines[position]
        end = position + 1
        while end < len(lines) and (
            not lines[end] or indent(lines[end]) > indent(first) or lines[end].lstrip()[0] in ")}"
        ):
            end += 1
        group = [line for line in lines[position:end] if line]
        position = end
        if not group:
            continue
        if first.lstrip().startswith(("///", "@")):
            comment += group
        else:
            yield comment, group
            comment = []


def interface(lines: list[str], container: str = "") -> Iterator[str]:
    """The lines of the public declarations without their bodies; `container` is the line of the type around them."""
    for comment, group in groups(lines):
        head = group[0].lstrip()
        if head.startswith("#if"):
            yield from dedent("\n".join(interface(group[1:], container))).splitlines()
        elif CONTAINER.match(head):
            members = list(interface(group[1:-1], head))
            if members:
                yield from [*comment, group[0], *members, group[-1], ""]
        elif container.startswith("public protocol"):
            yield from [*comment, *group]
        elif head.startswith("public ") or (container.startswith("public enum") and head.startswith("case ")):
            yield from comment
            yield BODY.sub("", "\n".join(group))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace the mark."""
    if MARK not in markdown:
        return markdown
    shown = []
    for path in sorted((Path(config.config_file_path).parent / "Sources" / "PullPush").glob("*.swift")):
        lines = list(interface(path.read_text().splitlines()))
        if lines:
            shown.append(f"### {path.stem}\n\n```swift\n" + "\n".join(lines).strip("\n") + "\n```")
    return markdown.replace(MARK, "\n\n".join(shown))
