"""The Markdown tables of a model zoo's READMEs; a README is read, never rendered."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from parity.errors import InputError, RunFormatError
from parity.runs.tree import read_bounded

MAX_BYTES = 4 << 20
# What the columns are called, letters, digits and stars only -> what they hold.
_COLUMNS = {
    "method": "method",
    "backbone": "backbone",
    "cropsize": "crop",
    "crop": "crop",
    "lrschd": "schedule",
    "lrschedule": "schedule",
    "schedule": "schedule",
    "iterations": "schedule",
    "batchsize": "batch",
    "memgb": "memory",
    "memorygb": "memory",
    "trainingmemorygb": "memory",
    "inftimefps": "fps",
    "inferencetimefps": "fps",
    "inferencespeedfps": "fps",
    "fps": "fps",
    "device": "device",
    "miou": "miou",
    "mioumsflip": "miou_ms",
    "config": "config",
    "download": "weights",
    "model": "weights",
    "evaluationcheckpoint": "weights",
    "testdataset": "dataset",
    "dataset": "dataset",
    "datasets": "dataset",
}
_LINKED = {"config": re.compile(r"\.py\b"), "weights": re.compile(r"\.pth\b")}
# Footnote marks after a figure: 26.16\*, 80.65<sup>1</sup>
_MARKS = re.compile(r"<sup>.*?</sup>|[*\u2020\u2021]+$|\[\d+\]$")
_EMPTY = {"", "-", "\N{EN DASH}", "\N{EM DASH}", "n/a", "N/A", "TBD"}
FIGURE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_UNESCAPED_PIPE = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class ReadmeRow:
    """One line of a table. values: text by what the column holds, "" where it has none.

    line: from 1. headings: those above the table, innermost first. caption: the
    paragraph between heading and table. other: columns of another meaning, by
    their names. links: the file that "config" and "weights" lead to.
    """

    file: str
    line: int
    headings: tuple[str, ...]
    caption: str
    values: Mapping[str, str]
    links: Mapping[str, str]
    other: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A table, row or file that gives no score, and why."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.reason}"


@dataclass(frozen=True)
class ReadmeTables:
    """tables: how many were found. rows: of those with an mIoU column."""

    tables: int
    rows: tuple[ReadmeRow, ...]
    skipped: tuple[Skipped, ...]


def read_readmes(files: Iterable[Path], *, root: Path) -> ReadmeTables:
    """The score tables of all `files`, which are named relative to `root`.

    Nothing is dropped: tables without mIoU, rows of the wrong length, and files
    that cannot be read are in `skipped`.
    """
    rows: list[ReadmeRow] = []
    skipped: list[Skipped] = []
    tables = 0
    for path in files:
        name = path.relative_to(root).as_posix()
        try:
            text = read_bounded(path, MAX_BYTES, inside=root).decode("utf-8-sig", "replace")
        except RunFormatError as error:
            skipped.append(Skipped(name, None, str(error)))
            continue
        for table in _tables(text):
            tables += 1
            found, left_out = _score_rows(table, name)
            rows += found
            skipped += left_out
    return ReadmeTables(tables, tuple(rows), tuple(skipped))


@dataclass(frozen=True)
class _Cell:
    text: str
    links: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    line: int
    headings: tuple[str, ...]
    caption: str
    header: tuple[_Cell, ...]
    # Each with its line and the number of cells written there, which Markdown pads or cuts.
    body: tuple[tuple[int, int, tuple[_Cell, ...]], ...]


def _tables(text: str) -> Iterator[_Table]:
    lines = text.splitlines()
    headings: list[tuple[int, str]] = []
    caption = ""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            level = int(token.tag[1:])
            headings = [item for item in headings if item[0] < level]
            headings.append((level, _cell(tokens[index + 1]).text))
            caption = ""
        elif token.type == "paragraph_open" and token.level == 0:
            caption = _cell(tokens[index + 1]).text
        elif token.type == "table_open":
            names = tuple(title for _, title in reversed(headings))
            yield _table(tokens[index:], lines, names, caption)
            caption = ""


def _table(
    tokens: Sequence[Token], lines: list[str], headings: tuple[str, ...], caption: str
) -> _Table:
    rows: list[tuple[int, list[_Cell]]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open" and token.map:
            rows.append((token.map[0], []))
        elif token.type == "inline" and rows:
            rows[-1][1].append(_cell(token))
    (first, header), *body = rows
    counted = tuple((line + 1, _written(lines[line]), tuple(cells)) for line, cells in body)
    return _Table(first + 1, headings, caption, tuple(header), counted)


def _written(line: str) -> int:
    inner = line.strip().removeprefix("|")
    inner = re.sub(r"(?<!\\)\|$", "", inner)
    return len(_UNESCAPED_PIPE.split(inner))


def _cell(token: Token) -> _Cell:
    """Text without markup, and where its links lead, of one inline token."""
    children = token.children or []
    text = "".join(child.content for child in children if child.type != "softbreak")
    links = tuple(
        str(child.attrs.get("href", "")) for child in children if child.type == "link_open"
    )
    return _Cell(text.strip(), links)


def _score_rows(table: _Table, file: str) -> tuple[list[ReadmeRow], list[Skipped]]:
    names = [cell.text for cell in table.header]
    columns = [_COLUMNS.get(re.sub(r"[^a-z0-9*]", "", name.lower()), "") for name in names]
    if "miou" not in columns:
        reason = f"a table without an mIoU column ({', '.join(names)})"
        return [], [Skipped(file, table.line, reason)]
    rows, skipped = [], []
    for line, written, cells in table.body:
        if written != len(columns):
            reason = f"a row of {written} cells below {len(columns)} columns; not read"
            skipped.append(Skipped(file, line, reason))
        else:
            rows.append(_row(table, file, line, list(zip(columns, names, cells, strict=True))))
    return rows, skipped


def _row(table: _Table, file: str, line: int, cells: list[tuple[str, str, _Cell]]) -> ReadmeRow:
    values: dict[str, str] = {}
    links: dict[str, str] = {}
    other: dict[str, str] = {}
    for column, name, cell in cells:
        text = _MARKS.sub("", cell.text).strip()
        shown = "" if text in _EMPTY else text
        if not column or column in values:
            other[name] = shown
            continue
        values[column] = shown
        if column in _LINKED:
            links[column] = _linked(cell, _LINKED[column])
    return ReadmeRow(file, line, table.headings, table.caption, values, links, other)


def _linked(cell: _Cell, wanted: re.Pattern[str]) -> str:
    """The name of the file that a cell links to, or names without a link."""
    targets = [*cell.links, cell.text]
    found = [target for target in targets if wanted.search(target)] or list(cell.links)
    return found[0].partition("?")[0].rstrip("/").rpartition("/")[2] if found else ""


def number(text: str) -> float | None:
    """A figure of a table; None for an empty cell. Raises InputError for anything else."""
    if text in _EMPTY:
        return None
    if not FIGURE.fullmatch(text):
        raise InputError(f'"{text}" is not a number')
    return float(text)
