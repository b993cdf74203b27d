"""The text logs of mmengine (and of mmcv 0.x), entry by entry.

Formats: mmengine 0.10.7 runner/log_processor.py (training and evaluation
lines), runner/runner.py `_log_env` (environment), runner/checkpoint.py and
model/weight_init.py (weights); mmcv 1.x runner/hooks/logger/text.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

from parity.runs.curves import number, step_number
from parity.runs.entries import LogEntry
from parity.runs.facts import Fact, Source, Unread
from parity.runs.log_data import NOTICES, LogData, PrintedConfig, environment_of, percent_scale
from parity.runs.record import ClassScore, Evaluation
from parity.runs.scalars import split_metrics
from parity.runs.weights import WeightLog

# Iter(train) [  50/160000]  Epoch(train)  [5][ 10/270]  Iter(val) [3/3]
# mmcv 0.x: Iter [50/160000]  Epoch [1][50/742]  Iter(val) [2000]
_PROGRESS = re.compile(
    r"(?P<unit>Iter|Epoch)(?:\((?P<mode>train|val|test)\))?\s*"
    r"(?:\[\s*(?P<epoch>\d{1,9})\]\s*)?\[\s*(?P<at>\d{1,12})(?:/(?P<of>\d{1,12}))?\]\s*"
)
_PAIR = re.compile(r"(?<![\w./-])([A-Za-z_][\w./-]*): (\S+?),?(?=\s|$)")
# mmcv 0.x prints the scores of classes into the line; their names may hold spaces.
_CLASS_PAIR = re.compile(r"(?<![\w./-])((?:IoU|Acc)\.[^:,]{1,80}): (\S+?),?(?=\s|$)")
_RESUMED = re.compile(r"resumed (?:from )?epoch:? \d+, iter:? (\d{1,12})(?!\d)")
_SAVED = re.compile(r"Saving checkpoint at (\d{1,12}) (iterations|epochs)")
_IMAGES = re.compile(r"Loaded (\d{1,12}) images")
MAX_IMAGE_COUNTS = 100
_EXP_NAME = re.compile(r"Exp name: (.+?)(?:_\d{8}_\d{6}|\.py)?$")
# What mmseg 0.x logs by itself that mmengine lists in its environment block.
_STATED = (
    ("Distributed training", re.compile(r"Distributed training: (True|False)$")),
    ("seed", re.compile(r"Set random seed to (\d{1,12}), ")),
)
_TABLE_HEADER = re.compile(r"^[ \t]*\|[ \t]*Class[ \t]*\|(.*)\|[ \t]*$", re.M)


def read_log(source: Iterable[LogEntry], *, file: str) -> LogData:
    """Everything the entries say. file: how to name it in sources."""
    reader = _LogReader(LogData(file))
    for entry in source:
        reader.take(entry)
    reader.data.weights = reader.weights.loads
    return reader.data.finish()


class _LogReader:
    """Remembers between entries what a later one refers to."""

    def __init__(self, data: LogData) -> None:
        self.data = data
        self.weights = WeightLog(data.file)
        self._step = 0
        self._classes: tuple[ClassScore, ...] = ()

    def take(self, entry: LogEntry) -> None:
        data, first = self.data, entry.first
        if entry.cut:
            data.unread.append(Unread(data.file, "an entry too long to keep whole", entry.line))
        data.logger = data.logger or entry.logger
        if entry.level in {"WARNING", "ERROR", "CRITICAL"}:
            data.tally.add(entry.level, entry.line, first[:300])
        progress = _PROGRESS.match(first)
        if progress is not None:
            self._progress(entry, progress)
        elif first.startswith("Config:"):
            text = entry.text.removeprefix("Config:")
            data.config = data.config or PrintedConfig(text, entry.line)
        elif "\n| " in entry.text and "IoU" in entry.text:
            self._classes = _class_scores(entry.text) or self._classes
        elif "sys.platform" in entry.text:
            found = environment_of(entry.text, data.file, entry.line)
            data.environment = found | data.environment
        elif not self.weights.take(entry):
            self._statement(entry)

    def _source(self, entry: LogEntry) -> Source:
        return Source(self.data.file, entry.line, entry.first.strip()[:300])

    def _progress(self, entry: LogEntry, match: re.Match[str]) -> None:
        rest = entry.first[match.end() :]
        if match["mode"] in {"val", "test"}:
            if "eta: " not in rest:  # else it tells how far the evaluation has come
                self._evaluation(entry, match, rest)
        elif match["of"] is not None:
            self._training(entry, match, rest)

    def _training(self, entry: LogEntry, match: re.Match[str], rest: str) -> None:
        data, at, total = self.data, int(match["at"]), int(match["of"])
        if match["unit"] == "Epoch":
            at += (int(match["epoch"] or 1) - 1) * total
            data.loader_length = Fact(total, data.loader_length.source or self._source(entry))
        elif not data.max_iters.known:
            data.max_iters = Fact(total, self._source(entry))
        step = step_number(at)
        if step is not None:
            self._step = step
            data.points.add(step, entry.line, _PAIR.findall(rest))

    def _evaluation(self, entry: LogEntry, match: re.Match[str], rest: str) -> None:
        pairs = [pair for pair in _PAIR.findall(rest) if not pair[0].startswith(("IoU.", "Acc."))]
        metrics, classes = split_metrics([*pairs, *_CLASS_PAIR.findall(rest)])
        if not metrics:
            return
        scale = percent_scale(metrics.values()) if match["of"] is None else 1.0
        self.data.counts_only |= match["of"] is None
        step, count = self._step or self.weights.last_step, int(match["of"] or match["at"])
        found = Evaluation(match["mode"], step, metrics, self._source(entry), count, classes)
        found = found.times(scale)
        self.data.add_evaluation(replace(found, classes=self._classes or found.classes))
        self._classes = ()

    def _statement(self, entry: LogEntry) -> None:
        data, first = self.data, entry.first
        for start, key in NOTICES.items():
            if start in first:
                data.notices.setdefault(key, self._source(entry))
        resumed, saved, images = (p.search(first) for p in (_RESUMED, _SAVED, _IMAGES))
        if resumed is not None:
            data.resumed_at = Fact(int(resumed[1]), self._source(entry))
            self._step = max(self._step, int(resumed[1]))
            self.weights.resumed()
        elif saved is not None:
            unit = 1 if saved[2] == "iterations" else data.loader_length.value or 0
            self._step = max(self._step, int(saved[1]) * unit)
        elif images is not None:
            if len(data.images) < MAX_IMAGE_COUNTS:
                data.images.append(Fact(int(images[1]), self._source(entry)))
        elif not data.exp_name.known and (named := _EXP_NAME.match(first)):
            data.exp_name = Fact(named[1], self._source(entry))
        else:
            self._environment(entry)

    def _environment(self, entry: LogEntry) -> None:
        for name, pattern in _STATED:
            match = pattern.match(entry.first)
            if match is not None:
                self.data.environment.setdefault(name, Fact(match[1], self._source(entry)))


def _class_scores(text: str) -> tuple[ClassScore, ...]:
    """The rows of a table with the columns Class, IoU and Acc; empty for another table."""
    header = _TABLE_HEADER.search(text)
    if header is None:
        return ()
    columns = [cell.strip() for cell in header[1].split("|")]
    if "IoU" not in columns:
        return ()
    iou, acc = columns.index("IoU") + 1, columns.index("Acc") + 1 if "Acc" in columns else 0
    row = re.compile(r"^[ \t]*\|" + r"([^|\n]*)\|" * (len(columns) + 1) + r"[ \t]*$", re.M)
    found = {
        cells[0].strip(): ClassScore(
            cells[0].strip(), _cell(cells[iou]), _cell(cells[acc]) if acc else math.nan
        )
        for cells in row.findall(text, header.end())
    }
    found.pop("Class", None)  # a console may hold every line twice
    return tuple(found.values())


def _cell(text: str) -> float:
    value = number(text)
    return math.nan if value is None else value
