"""Markdown in which nothing that comes from a file is markup."""

import re
from collections.abc import Iterable, Sequence

from parity.text import cut, visible

MAX_CELL = 2_000


def cell(text: str) -> str:
    """`text` on one line, with what Markdown or HTML would read as markup escaped."""
    shown = cut(visible(text), MAX_CELL)
    for char in "\\`*_{}[]<>|#":
        shown = shown.replace(char, f"\\{char}" if char not in "<>" else f"&{_ENTITY[char]};")
    return shown


_ENTITY = {"<": "lt", ">": "gt"}


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table of escaped cells; the last `numbers` columns are aligned right."""
    return grid(map(cell, columns), (map(cell, row) for row in rows), numbers=numbers)


def grid(columns: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: int = 0) -> str:
    """As `table`, of cells that are Markdown."""
    head = list(columns)
    rules = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rules, *rows))


def bullets(lines: Iterable[str]) -> str:
    """A list of escaped lines."""
    return "\n".join(f"- {cell(line)}" for line in lines)


MARKUP = re.compile(r"[\\`*\[\]{}|#]")


def escaped(text: str) -> str:
    """`text` on one line, with what Markdown or HTML would read as markup escaped."""
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKUP.sub(lambda match: f"\\{match[0]}", shown)


def plain(text: str) -> str:
    """`escaped`, also where underscores would read as emphasis."""
    return escaped(text).replace("_", r"\_")
