"""A score table as Markdown, for a file that people read on a code host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from parity.scores.columns import LINK, Grid, grid
from parity.scores.table import ScoreTable, TableRow
from parity.scores.words import introduction, left_out, legend
from parity.text import visible

_MARKUP = re.compile(r"[\\`*\[\]{}|#]")
# An address that a reader may follow: a path, or a web page; never a script.
_ADDRESS = re.compile(r"https?://|(?![a-z][a-z0-9+.-]*:)", re.IGNORECASE)


def render_markdown(table: ScoreTable) -> str:
    """The whole document, ending in a newline; own runs in bold, footnotes at the end."""
    cells = grid(table)
    lines = [
        f"# {_text(table.dataset)} scores of mmsegmentation {_text(table.version)}",
        "",
        *[part for line in introduction(table) for part in (_text(line), "")],
        "| " + " | ".join(column.name for column in cells.columns) + " |",
        "| " + " | ".join("---:" if column.numeric else "---" for column in cells.columns) + " |",
        *[_line(cells, index, row) for index, row in enumerate(table.rows)],
    ]
    lines += _section("Signatures", [f"- {text}" for text in map(_code_last, legend(table))])
    numbered = enumerate(cells.footnotes, 1)
    lines += _section("Notes", [f"- [{number}] {_note(text)}" for number, text in numbered])
    lines += _section("Not in the table", [f"- {_note(text)}" for text in left_out(table)])
    return "\n".join(lines) + "\n"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", "", *lines] if lines else []


def _line(cells: Grid, index: int, row: TableRow) -> str:
    texts = [
        _linked(text, row) if column.name == LINK else _text(text)
        for column, text in zip(cells.columns, cells.cells[index], strict=True)
    ]
    if row.run is not None:
        texts = [f"**{text}**" if text else "" for text in texts]
    config = [column.name for column in cells.columns].index("config")
    texts[config] += "".join(f" [{number}]" for number in cells.notes[index])
    return "| " + " | ".join(texts) + " |"


def _linked(text: str, row: TableRow) -> str:
    """A link where the explanation has an address, else the command that gives it."""
    link = safe_address(row.run.verdict.link) if row.run is not None else ""
    if link:
        return f"[why]({link})"
    return f"`{visible(text)}`" if text and not _MARKUP.search(text) else _text(text)


def safe_address(link: str | None) -> str:
    """`link` quoted where it is a path or a web page, else ""."""
    if not link or not _ADDRESS.match(link):
        return ""
    return quote(link.encode("utf-8", "surrogatepass"), safe="/:?=&%~.-_#")


def _text(text: str) -> str:
    """`text` on one line, with what Markdown or HTML would read as markup escaped."""
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(lambda match: f"\\{match[0]}", shown)


def _note(text: str) -> str:
    return _text(text).replace("_", r"\_")


def _code_last(text: str) -> str:
    """A legend line with its signature, the last part, as code."""
    label, separator, signature = text.partition(": ")
    if "|" not in signature:
        return _text(text)
    return f"{_text(label)}{separator}`{visible(signature).replace('`', ' ')}`"
