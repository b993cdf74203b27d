"""A score table as one HTML page that needs nothing else; everything in it is escaped."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markupsafe import Markup

from parity.scores.columns import CONFIG, LINK, Column, Grid, grid
from parity.scores.markdown import safe_address
from parity.scores.opening import opening, templates
from parity.scores.table import ScoreTable, TableRow
from parity.scores.words import Links, config_address, introduction, left_out, legend, own_runs
from parity.text import visible

_STYLE = """
:root { color-scheme: light dark; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem; max-width: 110rem; }
p, ol, ul { max-width: 50rem; }
li, p, details { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .6rem; background: #8881; }
table { border-collapse: collapse; }
th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #8884; }
thead th { position: sticky; top: 0; background: Canvas; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.own { font-weight: 600; background: #f2b70533; outline: 2px solid #f2b705; }
tr.unlike td { color: GrayText; }
tr.own.unlike td { color: inherit; }
"""


@dataclass(frozen=True)
class _Cell:
    text: str
    numeric: bool
    notes: tuple[int, ...] = ()
    link: str = ""
    command: bool = False


@dataclass(frozen=True)
class _Row:
    kind: str
    cells: tuple[_Cell, ...]


def render_html(table: ScoreTable) -> str:
    """The whole page; the same table gives the same bytes. Own runs are framed."""
    cells = grid(table)
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    page: str = (
        templates(escaped=True)
        .get_template("scores.html.j2")
        .render(
            table=table,
            grid=cells,
            rows=list(_rows(table, cells)),
            introduction=introduction(table),
            own_runs=[visible(line) for line in own_runs(table)],
            opening=Markup(_opening(table)),
            legend=[visible(line) for line in legend(table)],
            left_out=[visible(line) for line in left_out(table)],
            style=Markup(_STYLE),
            style_hash=f"sha256-{digest}",
        )
    )
    return page


def _opening(table: ScoreTable) -> str:
    """The same opening as in Markdown, where every value of a row is escaped already."""
    links = Links(table.version)
    lines = opening(table, links)
    if not lines:
        return ""
    text = "\n".join([*lines, "", *links.definitions()])
    page: str = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    return page.replace(' style="text-align:right"', ' class="number"')


def _rows(table: ScoreTable, cells: Grid) -> Iterator[_Row]:
    for line, texts, notes in zip(table.rows, cells.cells, cells.notes, strict=True):
        kinds = ["own"] if line.run is not None else []
        kinds += ["unlike"] if line.rank is None else []
        made = (
            _cell(column, text, line, notes, table.version)
            for column, text in zip(cells.columns, texts, strict=True)
        )
        yield _Row(" ".join(kinds), tuple(made))


def _cell(column: Column, text: str, line: TableRow, notes: tuple[int, ...], version: str) -> _Cell:
    if column.name == CONFIG:
        link = config_address(line.row, version) if line.run is None else ""
        return _Cell(visible(text), False, notes, link)
    if column.name != LINK or line.run is None:
        return _Cell(visible(text), column.numeric)
    link = safe_address(line.run.verdict.link)
    return _Cell("why" if link else visible(text), False, link=link, command=not link)
