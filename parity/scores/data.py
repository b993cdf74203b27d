"""A score table as data for other programs: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict
from typing import Any

from parity.scores.pairs import pairs_data
from parity.scores.table import ScoreTable, TableRow

FORMAT = 1
_KEYS = (
    "rank",
    "method",
    "backbone",
    "crop",
    "schedule",
    "batch",
    "miou",
    "miou_ms_flip",
    "memory_gb",
    "config",
    "name",
    "dataset",
    "weights",
    "source",
    "speed_fps",
    "device",
    "signature",
    "unlike",
    "notes",
    "run",
    "last_step",
    "best_miou",
    "best_step",
    "zoo_row",
    "gap",
    "unlike_zoo_row",
    "verdict",
    "causes",
    "explanation",
)
_RUN_KEYS = _KEYS[_KEYS.index("run") :]


def render_csv(table: ScoreTable) -> str:
    """One line per row with a header; empty cells where nothing is known."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _KEYS, lineterminator="\n")
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
    row = line.row
    return {
        "rank": line.rank,
        "method": row.method,
        "backbone": row.backbone,
        "crop": row.crop,
        "schedule": row.schedule,
        "batch": row.batch,
        "miou": _finite(row.miou),
        "miou_ms_flip": row.miou_ms,
        "memory_gb": _finite(row.memory_gb),
        "config": row.config,
        "name": row.name,
        "dataset": row.dataset,
        "weights": row.weights,
        "source": row.source,
        "speed_fps": row.fps,
        "device": row.device,
        "signature": row.signature,
        "unlike": list(line.marks),
        "notes": list(line.notes),
        **_run_record(line),
    }


def _run_record(line: TableRow) -> dict[str, Any]:
    """What only own runs have; None for a result of the zoo."""
    run = line.run
    if run is None:
        return dict.fromkeys(_RUN_KEYS)
    verdict, best, last = run.verdict, run.best, run.last
    return {
        "run": run.path,
        "last_step": last.step if last else None,
        "best_miou": _finite(best.value) if best else None,
        "best_step": best.step if best else None,
        "zoo_row": verdict.zoo_row,
        "gap": _finite(verdict.gap),
        "unlike_zoo_row": list(line.against_row),
        "verdict": verdict.verdict,
        "causes": list(verdict.causes),
        "explanation": verdict.link,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)
