"""Folders of Lightning's CSV logger: ``lightning_logs/version_0/{metrics.csv,hparams.yaml}``.

Format: lightning/pytorch/loggers/csv_logs.py and lightning/fabric/loggers/csv_logs.py:
one row per logged step, most cells empty. Steps count from 0: the row of step 49
is that after 50 optimizer steps.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from parity.errors import RunFormatError
from parity.runs.curves import number, step_number
from parity.runs.facts import Config, Source, Unread
from parity.runs.foreign import Foreign, head, read_yaml, text, whole
from parity.runs.log_data import LogData
from parity.runs.reading import Reading
from parity.runs.record import Evaluation
from parity.runs.scalars import score_name, split_name

_METRICS = re.compile(r"(?:(?:[^/]+/)?version_\d+/)?metrics\.csv")
_LOSSES = ("loss", "train_loss", "train/loss", "train_loss_step", "train/loss_step", "loss_step")
# What parameters are called is up to each program; the plain names are taken.
_NAMES = {
    "max_iters": (whole, "max_steps max_iters total_iters num_training_steps"),
    "samples_per_gpu": (whole, "batch_size train_batch_size"),
    "accumulation": (whole, "accumulate_grad_batches"),
    "classes": (whole, "num_classes n_classes"),
    "seed": (whole, "seed"),
    "dataset": (text, "dataset dataset_name"),
    "method": (text, "model model_name arch"),
    "backbone": (text, "backbone encoder encoder_name"),
}
_RATES = ("lr", "learning_rate", "train/lr", "train_lr")


def recognised(files: Sequence[str], reading: Reading) -> bool:
    """Whether `files` hold one run of Lightning's CSV logger; several are several runs."""
    found = [file for file in files if _METRICS.fullmatch(file)]
    return len(found) == 1 and is_metrics(head(reading, found[0]))


def is_metrics(start: bytes) -> bool:
    """Whether a file that starts so is a table of that logger."""
    names = start.decode("utf-8-sig", "replace").partition("\n")[0].strip().split(",")
    return {"epoch", "step"} <= set(names)


def read(files: Sequence[str], reading: Reading) -> Foreign:
    """The run in the folder that holds `files`."""
    (metrics,) = (file for file in files if _METRICS.fullmatch(file))
    parameters = metrics.removesuffix("metrics.csv") + "hparams.yaml"
    data = reading.data(read_metrics, metrics)
    run = Foreign([[data] if data else []], files=frozenset({metrics, parameters} & set(files)))
    run.state("framework", "lightning", Source(metrics), "by the names of its files")
    given = read_yaml(parameters, reading) if parameters in files else None
    if given is not None:
        _state(run, given)
    return run


def read_metrics(stream: BinaryIO, *, file: str) -> LogData:
    """The rows of ``metrics.csv``. Raises RunFormatError."""
    csv.field_size_limit(1 << 20)
    data, broken, found = LogData(file), [], list[Evaluation]()
    try:
        with io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as lines:
            reader = csv.DictReader(line.replace("\0", "") for line in lines)
            names = _curve_names(reader.fieldnames or ())
            for row in reader:
                step = step_number(row.get("step"))
                if step is None:
                    broken.append(reader.line_num)
                    continue
                _take(data, step + 1, reader.line_num, row, names, found)
    except csv.Error as error:
        raise RunFormatError(f"{file}: not a CSV table: {error}") from error
    if broken:
        data.unread.append(Unread(file, "a row without a step", broken[0], len(broken)))
    data.add_in_percent(found)
    return data.finish()


def _curve_names(written: Sequence[str]) -> Mapping[str, str]:
    """One column each for the loss and the learning rate, whatever they are called."""
    names = {name: name for name in written if name not in {"step", "epoch"}}
    # What LearningRateMonitor writes: lr-AdamW, lr-AdamW/pg1 and so on.
    monitored = sorted(name for name in written if name and name.startswith("lr-"))
    for ours, candidates in (("loss", _LOSSES), ("lr", (*_RATES, *monitored))):
        chosen = next((name for name in candidates if name in names), None)
        if chosen is not None:
            names[chosen] = ours
    return names


def _take(
    data: LogData,
    step: int,
    line: int,
    row: Mapping[str, Any],
    names: Mapping[str, str],
    found: list[Evaluation],
) -> None:
    cells = {name: row[name] for name in names if row.get(name) not in {"", None}}
    scores: dict[str, dict[str, float]] = {}
    for name in list(cells):
        metric, value = score_name(name), number(cells[name])
        if metric is not None and value is not None:
            scores.setdefault(split_name(name) or "val", {})[metric] = value
            del cells[name]
    data.points.add(step, line, [(names[name], value) for name, value in cells.items()])
    place = Source(data.file, line)
    found += [Evaluation(split, step, kept, place) for split, kept in scores.items()]


def _state(run: Foreign, given: Config) -> None:
    for setting, (kind, names) in _NAMES.items():
        for name in names.split():
            note = f"{name} in {given.file}" if kind is whole else ""
            run.state(setting, kind(given.get(name)), given.source(name), note)
    rate = next((n for n in ("lr", "learning_rate") if isinstance(given.get(n), float)), None)
    if rate is not None:
        optimizer = {"type": given.get("optimizer"), "lr": given.get(rate)}
        optimizer["weight_decay"] = given.get("weight_decay")
        run.state("optimizer", optimizer, given.source(rate))
