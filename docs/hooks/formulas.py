"""Blocks of TeX marked ``math`` become MathML while the site is built: browsers show it without a script."""

from __future__ import annotations

from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig


def fence(source: str, language: str, css_class: str, options: dict[str, Any], md: object, **_: Any) -> str:
    """Format one block, as `pymdownx.superfences` asks for it."""
    return f'<div class="{css_class}">{convert(source, display="block")}</div>'


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Register the block."""
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {}).setdefault("custom_fences", [])
    fences.append({"name": "math", "class": "math", "format": fence})
    return config
