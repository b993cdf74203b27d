"""Text from anywhere as text in Markdown."""

from __future__ import annotations

import re

from parity.text import visible

MARKUP = re.compile(r"[\\`*\[\]{}|#]")


def escaped(text: str) -> str:
    """`text` on one line, with what Markdown or HTML would read as markup escaped."""
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKUP.sub(lambda match: f"\\{match[0]}", shown)


def plain(text: str) -> str:
    """`escaped`, also where underscores would read as emphasis."""
    return escaped(text).replace("_", r"\_")
