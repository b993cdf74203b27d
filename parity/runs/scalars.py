"""JSON lines: mmengine's ``vis_data/*.json`` and mmcv 0.x's ``<time>.log.json``.

One record per line: training records hold ``lr`` or ``loss``, evaluations only
metrics. mmcv 0.x starts with a line of ``env_info`` and ``config``, marks the
mode of each record, and gives metrics as fractions. Every program writes the
names of scores in its own way.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from parity.runs.curves import Points, number, step_number
from parity.runs.facts import Fact, Source, Unread
from parity.runs.log_data import LogData, PrintedConfig, environment_of, percent_scale
from parity.runs.record import ClassScore, Evaluation
from parity.runs.text import Block, decoded, json_values, quoted

_PREFIX = re.compile(r"(?:(?:val|valid|validation|eval|test|sem_seg|metrics?)[/_])+", re.I)
# By the name without case, underscores and what stands in front of it.
_NAMES = {
    "miou": "mIoU",
    "meaniou": "mIoU",
    "macc": "mAcc",
    "meanacc": "mAcc",
    "meanaccuracy": "mAcc",
    "aacc": "aAcc",
    "allacc": "aAcc",
    "overallacc": "aAcc",
    "overallaccuracy": "aAcc",
    "pacc": "aAcc",
    "pixelacc": "aAcc",
    "pixelaccuracy": "aAcc",
    "fwiou": "fwIoU",
    "mdice": "mDice",
    "meandice": "mDice",
}


@lru_cache(1024)
def score_name(written: str) -> str | None:
    """mmseg's name of the score that `written` means, e.g. ``mIoU`` for ``eval_mean_iou``."""
    bare = _PREFIX.sub("", written, count=1)
    return _NAMES.get(bare.replace("_", "").lower())


def split_name(written: str) -> str | None:
    """ "val" or "test", as the beginning of `written` says; None where it says nothing."""
    first = re.match(r"[A-Za-z]+", written)
    word = first[0].lower() if first else ""
    return {"test": "test", "val": "val", "valid": "val", "validation": "val", "eval": "val"}.get(
        word
    )


# What a metric of mmseg's IoUMetric is called, with an evaluator's prefix or without.
_METRIC = re.compile(r"(?:\w+/)?(?:[am](?:IoU|Acc|Dice|Fscore|Precision|Recall)|IoU|Dice)")
_CLASS = re.compile(r"(?:\w+/)?(IoU|Acc)\.(.+)")
_TRAINS = frozenset({"lr", "loss", "base_lr", "iter"})
_HEADER_KEYS = frozenset({"env_info", "config", "exp_name", "mmseg_version"})


def is_metric(name: str) -> bool:
    """Whether `name` is a segmentation metric such as ``mIoU`` or ``val/mIoU``."""
    return _METRIC.fullmatch(name) is not None


def split_metrics(
    pairs: Iterable[tuple[str, object]],
) -> tuple[dict[str, float], tuple[ClassScore, ...]]:
    """The metrics among `pairs`, and the scores of single classes (``IoU.wall``)."""
    metrics: dict[str, float] = {}
    classes: dict[str, dict[str, float]] = {}
    for name, raw in pairs:
        value, of_class = number(raw), _CLASS.fullmatch(name)
        if value is not None and of_class is not None:
            classes.setdefault(of_class[2], {})[of_class[1]] = value
        elif value is not None and is_metric(name):
            metrics[name.rpartition("/")[2]] = value
    nan = math.nan
    rows = [ClassScore(n, c.get("IoU", nan), c.get("Acc", nan)) for n, c in classes.items()]
    return metrics, tuple(rows)


def read_scalars(source: Iterable[Block], *, file: str, split: str = "val") -> LogData:
    """Everything the records say; broken lines are counted in `unread`.

    split: what evaluations that do not say so themselves were made on.
    """
    reader = _ScalarReader(LogData(file), split)
    for block in source:
        for offset, line in enumerate(block.data.split(b"\n")):
            if line.strip():
                reader.take(block.line + offset, line)
    return reader.close()


class _ScalarReader:
    def __init__(self, data: LogData, split: str) -> None:
        self.data = data
        self._split = split
        self._step = 0
        self._epoch_ends: dict[int, int] = {}
        self._broken: list[tuple[int, str]] = []
        self._within_epochs = False

    def take(self, at: int, line: bytes) -> None:
        values, rest = json_values(decoded(line))
        records = [value for value in values if isinstance(value, dict)]
        if rest or len(records) < len(values):
            self._broken.append((at, quoted(rest.encode("utf-8", "replace"), 60)))
        for record in records:
            if _HEADER_KEYS & record.keys():
                self._header(at, record)
            else:
                self._record(at, record)

    def close(self) -> LogData:
        if self._broken:
            line, text = self._broken[0]
            reason = f"not a complete JSON record: {text!r}"
            self.data.unread.append(Unread(self.data.file, reason, line, len(self._broken)))
        if self._within_epochs:
            self._forget_steps()
        return self.data.finish()

    def _forget_steps(self) -> None:
        """mmcv 0.x by epoch: `iter` starts anew in each, and only the text log has its length."""
        data = self.data
        data.points = Points(data.file)
        data.evaluations = [replace(item, step=None) for item in data.evaluations]
        reason = "its iterations count within epochs whose length it does not give"
        data.unread.append(Unread(data.file, reason))

    def _header(self, line: int, record: Mapping[str, Any]) -> None:
        """The first line of mmcv 0.x: environment, config and seed."""
        source = Source(self.data.file, line)
        block = str(record.get("env_info", ""))
        self.data.environment |= environment_of(block, self.data.file, line, own_lines=False)
        if record.get("seed") is not None:
            self.data.environment["seed"] = Fact(str(record["seed"]), source)
        if isinstance(record.get("config"), str):
            self.data.config = PrintedConfig(record["config"], line, own_lines=False)
        if isinstance(record.get("exp_name"), str):
            self.data.exp_name = Fact(record["exp_name"].removesuffix(".py"), source)

    def _record(self, line: int, record: Mapping[str, Any]) -> None:
        trains = _TRAINS & {name.removeprefix("train/") for name in record}
        mode = record.get("mode") or ("train" if trains else self._split)
        if mode == "train" and any(map(is_metric, record)):  # early mmcv calls evaluations so
            mode = "val"
        if mode == "train":
            self._training(line, record)
        else:
            self._evaluation(line, record, str(mode))

    def _training(self, line: int, record: Mapping[str, Any]) -> None:
        step = step_number(record.get("iter", record.get("step")))
        if step is None:
            self._broken.append((line, "a training record without iter or step"))
            return
        epoch = step_number(record.get("epoch"))
        if "mode" in record and epoch is not None and step < self._step:
            self._within_epochs |= epoch > max(self._epoch_ends, default=epoch)
        self._step = step
        if epoch is not None:
            self._epoch_ends[epoch] = step
        self.data.points.add(step, line, _flat(record))

    def _evaluation(self, line: int, record: Mapping[str, Any], mode: str) -> None:
        metrics, classes = split_metrics(record.items())
        if not metrics:
            return
        legacy = "mode" in record
        scale = percent_scale(metrics.values()) if legacy else 1.0
        step = step_number(record.get("step"))
        samples = step_number(record.get("iter")) if legacy else None
        self.data.counts_only |= legacy
        if legacy or step is None:
            step = self._step or None
        elif step in self._epoch_ends and step < self._step:
            step = self._epoch_ends[step]  # by epoch, `step` of an evaluation is its epoch
        found = Evaluation(mode, step, metrics, Source(self.data.file, line), samples, classes)
        self.data.add_evaluation(found.times(scale))


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Its items; of several optimizers, `lr` holds a rate each: ``lr_head`` and so on."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}_{key}", item) for key, item in value.items())
        else:
            yield name, value
