"""Runs of other programs as a table: CSV, or JSON.

Columns, all but ``step`` optional, any letter case: ``step`` (or ``iter``,
``iteration``), ``loss``, ``lr``, ``grad_norm`` and any other number as a curve;
``mIoU``, ``mAcc``, ``aAcc`` (in percent, or all as fractions) make an
evaluation; ``split`` is ``train``, ``val`` or ``test``. An empty cell is no value.

JSON is a list of such records, or ``{"run": {...}, "records": [...]}`` where
``run`` states what no curve can: the keys of `RUN_KEYS`.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, TextIO

from parity.errors import RunFormatError
from parity.runs.curves import step_number
from parity.runs.facts import Source, Unread
from parity.runs.log_data import MAX_EVALUATIONS, LogData
from parity.runs.record import Evaluation
from parity.runs.scalars import score_name, split_metrics

# A record of every iteration takes 15 MB; JSON takes 20 times its size in memory.
MAX_JSON = 1 << 25
MAX_LINE = 1 << 22
MAX_COLUMNS = 2_000
# What a run may state, and of which type.
RUN_KEYS: dict[str, tuple[type, ...]] = {
    "framework": (str,),
    "method": (str,),
    "backbone": (str,),
    "dataset": (str,),
    "dataset_size": (int,),
    "crop_size": (int, list),
    "max_iters": (int,),
    "world_size": (int,),
    "samples_per_gpu": (int,),
    "accumulation": (int,),
    "precision": (str,),
    "pretrained": (str,),
    "signature": (str,),
    "seed": (int,),
}
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
            reader = csv.reader(_lines(text, file))
            names = next(reader, [])
            if not any(name.strip().lower() in _STEP for name in names):
                raise RunFormatError(f"{file}: no column of {', '.join(_STEP)} in its first line")
            if len(names) > MAX_COLUMNS:
                raise RunFormatError(
                    f"{file}: {len(names)} columns; at most {MAX_COLUMNS} are read"
                )
            rows = ((reader.line_num, dict(zip(names, row, strict=False))) for row in reader if row)
            return _read(rows, file)
    except csv.Error as error:
        raise RunFormatError(f"{file}: not a CSV table: {error}") from error


def read_json(stream: BinaryIO, *, file: str) -> tuple[LogData, dict[str, Any]]:
    """The records of a JSON table, and what it states of the run. Raises RunFormatError."""
    data = stream.read(MAX_JSON + 1)
    if len(data) > MAX_JSON:
        raise RunFormatError(f"{file}: larger than {MAX_JSON} bytes; give the records as a CSV")
    try:
        document = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise RunFormatError(f"{file}: not JSON: {error}") from error
    records = document.get("records") if isinstance(document, dict) else document
    if not isinstance(records, list):
        raise RunFormatError(f"{file}: neither a list of records nor an object with `records`")
    stated = document.get("run", {}) if isinstance(document, dict) else {}
    if not isinstance(stated, dict) or not stated.keys() <= RUN_KEYS.keys():
        raise RunFormatError(f"{file}: `run` may hold only {', '.join(sorted(RUN_KEYS))}")
    table = _read(((0, item) for item in records), file)
    return table, _of_right_type(stated, table)


def _of_right_type(stated: dict[str, Any], table: LogData) -> dict[str, Any]:
    """What is `stated` as it may be; the rest is listed as unread. None counts as not stated."""
    kept = {k: value for k, value in stated.items() if type(value) in RUN_KEYS[k]}
    for key, value in stated.items():
        if key not in kept and value is not None:
            wanted = " or ".join(kind.__name__ for kind in RUN_KEYS[key])
            reason = f"`run.{key}` is a {type(value).__name__}, not a {wanted}; left out"
            table.unread.append(Unread(table.file, reason))
    return kept


def _lines(text: TextIO, file: str) -> Iterator[str]:
    """The lines without null characters. Raises RunFormatError for an absurdly long one."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise RunFormatError(f"{file}: not a CSV table: a line of over {MAX_LINE} characters")
        yield line.replace("\0", "")


def _read(rows: Iterable[tuple[int, Any]], file: str) -> LogData:
    data = LogData(file)
    evaluations: list[Evaluation] = []
    broken, first_broken = 0, 0
    for line, row in rows:
        values = _named(row) if isinstance(row, Mapping) else {}
        step = next((step_number(values[name]) for name in _STEP if name in values), None)
        if step is None:
            first_broken = first_broken if broken else line
            broken += 1
            continue
        split = str(values.pop("split", "") or "").lower()
        metrics, _ = split_metrics(values.items())
        if metrics and split != "train" and len(evaluations) <= MAX_EVALUATIONS:
            evaluations.append(
                Evaluation(split or "val", step, metrics, Source(file, line or None))
            )
        curves = [(k, v) for k, v in values.items() if k not in metrics and k not in _STEP]
        if split not in {"val", "test"}:
            data.points.add(step, line, curves)
    if broken:
        reason = "a row without a step"
        data.unread.append(Unread(file, reason, first_broken or None, broken))
    data.add_in_percent(evaluations)
    return data.finish()


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    """`row` with the names this package uses, empty cells left out."""
    cells = {
        str(name).strip(): value
        for name, value in row.items()
        if isinstance(value, (str, int, float)) and value != ""
    }
    return {
        score_name(name)
        or _SPELLING.get(name.lower(), name.lower() if name.lower() in _STEP else name): value
        for name, value in cells.items()
    }
