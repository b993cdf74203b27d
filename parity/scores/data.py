"""A score table as data for other programs: CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from parity.scores.pairs import pairs_data
from parity.scores.runs import RunRow
from parity.scores.table import ScoreTable, TableRow

FORMAT = 1
# What each row is told of, and what only own runs have.
_OF_ROW: dict[str, Callable[[TableRow], Any]] = {
    "rank": lambda line: line.rank,
    "method": lambda line: line.row.method,
    "backbone": lambda line: line.row.backbone,
    "crop": lambda line: line.row.crop,
    "schedule": lambda line: line.row.schedule,
    "batch": lambda line: line.row.batch,
    "miou": lambda line: _finite(line.row.miou),
    "miou_ms_flip": lambda line: line.row.miou_ms,
    "memory_gb": lambda line: _finite(line.row.memory_gb),
    "config": lambda line: line.row.config,
    "name": lambda line: line.row.name,
    "dataset": lambda line: line.row.dataset,
    "weights": lambda line: line.row.weights,
    "source": lambda line: line.row.source,
    "speed_fps": lambda line: line.row.fps,
    "device": lambda line: line.row.device,
    "signature": lambda line: line.row.signature,
    "unlike": lambda line: list(line.marks),
    "notes": lambda line: list(line.notes),
}
_OF_RUN: dict[str, Callable[[RunRow, TableRow], Any]] = {
    "run": lambda run, _: run.path,
    "last_step": lambda run, _: run.last and run.last.step,
    "best_miou": lambda run, _: run.best and _finite(run.best.value),
    "best_step": lambda run, _: run.best and run.best.step,
    "zoo_row": lambda run, _: run.verdict.zoo_row,
    "gap": lambda run, _: _finite(run.verdict.gap),
    "unlike_zoo_row": lambda _, line: list(line.against_row),
    "verdict": lambda run, _: run.verdict.verdict,
    "causes": lambda run, _: list(run.verdict.causes),
    "explanation": lambda run, _: run.verdict.link,
}


def render_csv(table: ScoreTable) -> str:
    """One line per row with a header; empty cells where nothing is known."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*_OF_ROW, *_OF_RUN], lineterminator="\n")
    writer.writeheader()
    for line in table.rows:
        record = _record(line)
        writer.writerow(
            {key: "; ".join(v) if isinstance(v, list) else v for key, v in record.items()}
        )
    return stream.getvalue()


def render_json(table: ScoreTable) -> str:
    """The whole table with a format number; the same table gives the same bytes."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "dataset": table.dataset,
        "mmsegmentation": table.version,
        "origin": table.origin,
        "results": table.results,
        "filters": list(table.filters),
        "signatures": {letter: text for letter, text, _ in table.signatures},
        "rows": [
            _record(line) | {"differs": [asdict(item) for item in line.row.differs]}
            for line in table.rows
        ],
        "not_in_the_table": [asdict(item) for item in table.skipped],
    }
    if table.study is not None:
        document["pairs"] = pairs_data(table.study.settings)
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=True) + "\n"


def _record(line: TableRow) -> dict[str, Any]:
    run = line.run
    own = {key: None if run is None else read(run, line) for key, read in _OF_RUN.items()}
    return {key: read(line) for key, read in _OF_ROW.items()} | own


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)
