"""Runs of other programs as a table: CSV, or JSON.

Columns, all but ``step`` optional, any letter case: ``step`` (or ``iter``,
``iteration``), ``loss``, ``lr``, ``grad_norm`` and any other number as a curve;
``mIoU``, ``mAcc``, ``aAcc`` (in percent, or all as fractions) make an
evaluation; ``split`` is ``train``, ``val`` or ``test``. An empty cell is no value.

JSON is a list of such records, or ``{"run": {...}, "records": [...]}`` where
``run`` states what no curve can: the keys of `RUN_KEYS`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from parity.errors import RunFormatError
from parity.runs.curves import step_number
from parity.runs.facts import Source, Unread
from parity.runs.log_data import LogData
from parity.runs.record import Evaluation
from parity.runs.scalars import percent_scale, split_metrics
from parity.runs.score_names import score_name

MAX_JSON = 1 << 28
RUN_KEYS = frozenset(
    {
        "framework",
        "method",
        "backbone",
        "dataset",
        "dataset_size",
        "crop_size",
        "max_iters",
        "world_size",
        "samples_per_gpu",
        "accumulation",
        "precision",
        "pretrained",
        "signature",
        "seed",
    }
)
_STEP = ("step", "iter", "iteration", "iterations", "global_step")
_SPELLING = {
    name.lower(): name for name in ("mIoU", "mAcc", "aAcc", "mDice", "loss", "lr", "grad_norm")
}
_SPELLING |= {"learning_rate": "lr", "val_miou": "mIoU", "miou_val": "mIoU"}


def read_csv(stream: BinaryIO, *, file: str) -> LogData:
    """A CSV with a header line. Raises RunFormatError when it has no step column."""
    csv.field_size_limit(1 << 20)
    try:
        with io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
            reader = csv.DictReader(_without_null(text))
            names = [name or "" for name in reader.fieldnames or ()]
            if not any(name.strip().lower() in _STEP for name in names):
                raise RunFormatError(f"{file}: no column of {', '.join(_STEP)} in its first line")
            return _read(((reader.line_num, row) for row in reader), file)
    except csv.Error as error:
        raise RunFormatError(f"{file}: not a CSV table: {error}") from error


def read_json(stream: BinaryIO, *, file: str) -> tuple[LogData, dict[str, Any]]:
    """The records of a JSON table, and what it states of the run. Raises RunFormatError."""
    data = stream.read(MAX_JSON + 1)
    try:
        document = json.loads(data.decode("utf-8-sig", "replace")) if len(data) <= MAX_JSON else 0
    except (ValueError, RecursionError) as error:
        raise RunFormatError(f"{file}: not JSON: {error}") from error
    records = document.get("records") if isinstance(document, dict) else document
    if not isinstance(records, list):
        raise RunFormatError(f"{file}: neither a list of records nor an object with `records`")
    stated = document.get("run", {}) if isinstance(document, dict) else {}
    if not isinstance(stated, dict) or not stated.keys() <= RUN_KEYS:
        raise RunFormatError(f"{file}: `run` may hold only {', '.join(sorted(RUN_KEYS))}")
    return _read(((0, item) for item in records), file), stated


def _without_null(lines: Iterable[str]) -> Iterable[str]:
    return (line.replace("\0", "") for line in lines)


def _read(rows: Iterable[tuple[int, Any]], file: str) -> LogData:
    data = LogData(file)
    evaluations: list[tuple[str, int, dict[str, float], int]] = []
    broken: list[int] = []
    for line, row in rows:
        values = _named(row) if isinstance(row, Mapping) else {}
        step = next((step_number(values[name]) for name in _STEP if name in values), None)
        if step is None:
            broken.append(line)
            continue
        split = str(values.pop("split", "") or "").lower()
        metrics, _ = split_metrics(values.items())
        if metrics and split != "train":
            evaluations.append((split or "val", step, metrics, line))
        curves = [(k, v) for k, v in values.items() if k not in metrics and k not in _STEP]
        if split not in {"val", "test"}:
            data.points.add(step, line, curves)
    if broken:
        first = broken[0] or None
        data.unread.append(Unread(file, "a row without a step", first, len(broken)))
    scale = percent_scale([value for item in evaluations for value in item[2].values()])
    for split, step, metrics, line in evaluations:
        percent = {name: value * scale for name, value in metrics.items()}
        source = Source(file, line or None)
        data.add_evaluation(Evaluation(split, step, percent, source, scale=scale))
    return data.finish()


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    """`row` with the names this package uses, empty cells left out."""
    cells = {str(name).strip(): value for name, value in row.items() if value not in ("", None)}
    return {
        score_name(name)
        or _SPELLING.get(name.lower(), name.lower() if name.lower() in _STEP else name): value
        for name, value in cells.items()
    }
