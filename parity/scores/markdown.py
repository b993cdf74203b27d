"""A score table as Markdown, for a file that people read on a code host."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from parity.report.markup import MARKUP, escaped, plain
from parity.scores.columns import CONFIG, LINK, Grid, grid
from parity.scores.opening import opening
from parity.scores.table import ScoreTable, TableRow
from parity.scores.words import Links, config_name, introduction, left_out, legend, own_runs
from parity.text import visible

# An address that a reader may follow: a path, or a web page; never a script.
_ADDRESS = re.compile(r"https?://|(?![a-z][a-z0-9+.-]*:)", re.IGNORECASE)


def render_markdown(table: ScoreTable) -> str:
    """The whole document, ending in a newline; own runs in bold, data notes at the end."""
    cells, links = grid(table), Links(table.version)
    title = f"{escaped(table.dataset)} scores of mmsegmentation {escaped(table.version)}"
    own = [f"- {plain(line)}" for line in own_runs(table)]
    first = [*(["## Own runs", "", *own, ""] if own else []), *opening(table, links)]
    lines = [f"# {title}", "", *first, *(["## Every result", ""] if first else [])]
    lines += [
        *[part for line in introduction(table) for part in (escaped(line), "")],
        "| " + " | ".join(column.name for column in cells.columns) + " |",
        "| " + " | ".join("---:" if column.numeric else "---" for column in cells.columns) + " |",
        *[_line(cells, index, row, links) for index, row in enumerate(table.rows)],
    ]
    defined = links.definitions()
    lines += ["", *defined] if defined else []
    lines += _section("Signatures", [f"- {text}" for text in map(_code_last, legend(table))])
    lines += _section("Not in the table", [f"- {plain(text)}" for text in left_out(table)])
    numbered = enumerate(cells.footnotes, 1)
    lines += _section("Data notes", [f"- [{number}] {plain(text)}" for number, text in numbered])
    return "\n".join(lines) + "\n"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", "", *lines] if lines else []


def _line(cells: Grid, index: int, row: TableRow, links: Links) -> str:
    texts = [
        _linked(text, row) if column.name == LINK else escaped(text)
        for column, text in zip(cells.columns, cells.cells[index], strict=True)
    ]
    config = [column.name for column in cells.columns].index(CONFIG)
    if row.run is not None:
        texts = [f"**{text}**" if text else "" for text in texts]
    else:
        name, link = escaped(config_name(row.row)), links.name(row.row)
        texts[config] = texts[config].replace(name, link or name, 1)
    texts[config] += "".join(f" [{number}]" for number in cells.notes[index])
    return "| " + " | ".join(texts) + " |"


def _linked(text: str, row: TableRow) -> str:
    """A link where the explanation has an address, else the command that gives it."""
    link = safe_address(row.run.verdict.link) if row.run is not None else ""
    if link:
        return f"[why]({link})"
    return f"`{visible(text)}`" if text and not MARKUP.search(text) else escaped(text)


def safe_address(link: str | None) -> str:
    """`link` quoted where it is a path or a web page, else ""."""
    if not link or not _ADDRESS.match(link):
        return ""
    return quote(link.encode("utf-8", "surrogatepass"), safe="/:?=&%~.-_#")


def _code_last(text: str) -> str:
    """A legend line with its signature, the last part, as code."""
    label, separator, signature = text.partition(": ")
    if "|" not in signature:
        return escaped(text)
    return f"{escaped(label)}{separator}`{visible(signature).replace('`', ' ')}`"
