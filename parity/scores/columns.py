"""The cells of a score table as text, the same for every form it is written in."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from parity.scores.runs import RunRow
from parity.scores.table import ScoreTable, TableRow
from parity.scores.words import config_name
from parity.zoo.configs import schedule_text
from parity.zoo.rows import ScoreRow


@dataclass(frozen=True)
class Column:
    """text: of a row's cell, "" where there is nothing to say."""

    name: str
    text: Callable[[TableRow], str]
    numeric: bool = False


@dataclass(frozen=True)
class Grid:
    """A table as text. notes: for each row, the numbers of its footnotes."""

    columns: tuple[Column, ...]
    cells: tuple[tuple[str, ...], ...]
    notes: tuple[tuple[int, ...], ...]
    footnotes: tuple[str, ...]


def grid(table: ScoreTable) -> Grid:
    """The cells of `table`, and its footnotes numbered by first use."""
    columns = columns_of(table)
    numbers: dict[str, int] = {}
    notes = [
        tuple(numbers.setdefault(note, len(numbers) + 1) for note in line.notes)
        for line in table.rows
    ]
    cells = tuple(tuple(column.text(line) for column in columns) for line in table.rows)
    return Grid(columns, cells, tuple(notes), tuple(numbers))


def columns_of(table: ScoreTable) -> tuple[Column, ...]:
    """The columns `table` has something for."""
    columns = list(_BASE)
    if table.detailed:
        columns += _DETAILS
    if any(line.run is not None for line in table.rows):
        columns += _RUNS
    return tuple(columns)


def _figure(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.2f}"


def _with_others(field: str, shown: str, row: ScoreRow) -> str:
    """`shown`, and in brackets what other sources say instead."""
    others: dict[str, list[str]] = {}
    for item in row.differs:
        if item.field == field:
            others.setdefault(item.value, []).append(item.source)
    said = [f"{', '.join(sources)}: {value}" for value, sources in others.items()]
    return f"{shown} ({'; '.join(said)})" if said else shown


def _miou(line: TableRow) -> str:
    shown = _with_others("miou", _figure(line.row.miou), line.row)
    own = line.run is not None and line.rank is None and shown
    return f"{shown} ({', '.join(line.marks)})" if own and line.marks else shown


def _config(line: TableRow) -> str:
    if line.run is not None:
        return f"own run: {line.run.path}"
    return _with_others("config", config_name(line.row), line.row)


def _signature(line: TableRow) -> str:
    return f"{line.signature}: {', '.join(line.marks)}" if line.marks else line.signature


def _best(run: RunRow) -> str:
    if run.best is None:
        return ""
    at = "" if run.best.step is None else f" at {schedule_text(run.best.step)}"
    return f"{_figure(run.best.value)}{at}"


def _gap(line: TableRow) -> str:
    """Points, and in brackets what makes run and zoo row hard to compare."""
    gap = None if line.run is None else line.run.verdict.gap
    if gap is None:
        return ""
    marks = f" ({', '.join(line.against_row)})" if line.against_row else ""
    return f"{gap:+.2f}{marks}"


def _of_run(text: Callable[[RunRow], str]) -> Callable[[TableRow], str]:
    return lambda line: "" if line.run is None else text(line.run)


def _plain(field: str) -> Callable[[TableRow], str]:
    def text(line: TableRow) -> str:
        value = getattr(line.row, field)
        shown = _figure(value) if isinstance(value, float) else str("" if value is None else value)
        return _with_others(field, shown, line.row)

    return text


CONFIG = "config"
_BASE = (
    Column("rank", lambda line: "" if line.rank is None else str(line.rank), numeric=True),
    Column("method", _plain("method")),
    Column("backbone", _plain("backbone")),
    Column("crop", _plain("crop")),
    Column("schedule", _plain("schedule")),
    Column("batch", _plain("batch"), numeric=True),
    Column("mIoU", _miou, numeric=True),
    Column("mIoU (ms+flip)", _plain("miou_ms"), numeric=True),
    Column("memory (GB)", _plain("memory_gb"), numeric=True),
    Column(CONFIG, _config),
    Column("signature", _signature),
)
_DETAILS = (Column("speed (fps)", _plain("fps"), numeric=True), Column("device", _plain("device")))
LINK = "explanation"
_RUNS = (
    Column("best mIoU", _of_run(_best), numeric=True),
    Column("zoo row", _of_run(lambda run: run.verdict.zoo_row or "")),
    Column("gap", _gap, numeric=True),
    Column("verdict", _of_run(lambda run: str(run.verdict))),
    Column(LINK, _of_run(lambda run: run.verdict.link or f"parity explain {run.path}")),
)
