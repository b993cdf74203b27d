"""The text logs of mmengine (and of mmcv 0.x), entry by entry.

Formats: mmengine 0.10.7 runner/log_processor.py (training and evaluation
lines), runner/runner.py `_log_env` (environment), runner/checkpoint.py and
model/weight_init.py (weights); mmcv 1.x runner/hooks/logger/text.py.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import replace

from parity.runs.curves import number, step_number
from parity.runs.facts import Fact, Source, Unread
from parity.runs.log_data import NOTICES, LogData, PrintedConfig, environment_of, percent_scale
from parity.runs.record import ClassScore, Evaluation, WeightLoad
from parity.runs.scalars import split_metrics
from parity.runs.text import LogEntry

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


# mmengine: model/weight_init.py, runner/checkpoint.py, runner/runner.py; mmcv 1.x: the last.
_STARTED = (
    (re.compile(r"load model from: (.+)"), "init"),
    (re.compile(r"load \S+ in model from: (.+)"), "init"),
    (re.compile(r"Loads checkpoint by \w+ backend from path: (.+)"), "init"),
    (re.compile(r"initialize \w+ with (?=.*'Pretrained').*'checkpoint': '([^']+)'"), "init"),
    (re.compile(r"Load checkpoint from (.+)"), "load"),
    (re.compile(r"load checkpoint from (?!\w+ path: )(.+)"), "load"),
)
# mmcv 1.x: with a logger it is a backbone's own weights; without one, a file given to test.
_FETCHED = re.compile(r"load checkpoint from \w+ path: (.+)")
_INITIALIZED = "Name of parameter - Initialization information"
_PRETRAINED = re.compile(r"PretrainedInit: load from (.+?)\s*")
_MISMATCH = "The model and loaded state dict do not match exactly"
_UNEXPECTED = "unexpected key in source state_dict: "
_MISSING = "missing keys in source state_dict: "
_SIZE = re.compile(r"size mismatch for ([^:]+):")
_STEP = re.compile(r"(?:iter|epoch)_(\d{1,12})(?!\d)")
MAX_LOADS = 100
MAX_KEYS = 20_000


class WeightLog:
    """Collects the loads of one log. The reference may list mismatches before it names the file."""

    def __init__(self, file: str) -> None:
        self.loads: list[WeightLoad] = []
        self._file = file

    @property
    def last_step(self) -> int | None:
        """Iterations in the name of the last file that was loaded, e.g. ``iter_160000.pth``."""
        match = _STEP.search(self.loads[-1].path) if self.loads else None
        return int(match[1]) if match else None

    def take(self, entry: LogEntry) -> bool:
        """Take `entry` when it is about weights; say whether it was."""
        first = entry.first
        if first.startswith(_MISMATCH):
            self._mismatch(entry)
            return True
        if first.startswith(_INITIALIZED):
            self._initialized(entry)
            return True
        for pattern, purpose in (*_STARTED, (_FETCHED, "init" if entry.logger else "load")):
            match = pattern.match(first)
            if match is not None:
                self._started(entry, match[1].strip(), purpose, detail=pattern is _FETCHED)
                return True
        return False

    def _initialized(self, entry: LogEntry) -> None:
        """The list of parameters, each with where its first values came from."""
        for offset, line in enumerate(entry.text.split("\n")):
            match = _PRETRAINED.fullmatch(line)
            if match and match[1] not in {load.path for load in self.loads}:
                source = Source(self._file, entry.line + offset, line.strip()[:300])
                self._add(WeightLoad(match[1], "init", source))

    def resumed(self) -> None:
        """The last load was to resume from."""
        if self.loads:
            self.loads[-1] = replace(self.loads[-1], purpose="resume")

    def _started(self, entry: LogEntry, path: str, purpose: str, *, detail: bool = False) -> None:
        """detail: the line tells how a file is fetched that an earlier one may have named."""
        source = Source(self._file, entry.line, entry.first.strip()[:300])
        last = self.loads[-1] if self.loads else None
        same = last is not None and (last.path == path or (not last.path and purpose == "load"))
        if last is not None and same:
            known = purpose == "init" or (detail and last.path)
            stronger = last.purpose if known else purpose
            self.loads[-1] = replace(last, path=path, purpose=stronger)
        else:
            self._add(WeightLoad(path, purpose, source))

    def _add(self, load: WeightLoad) -> None:
        if len(self.loads) < MAX_LOADS:
            self.loads.append(load)

    def _mismatch(self, entry: LogEntry) -> None:
        source = Source(self._file, entry.line, entry.first)
        unexpected: tuple[str, ...] = ()
        missing, mismatched = unexpected, list[str]()
        for line in entry.text.split("\n"):
            if line.startswith(_UNEXPECTED):
                unexpected = _keys(line, _UNEXPECTED)
            elif line.startswith(_MISSING):
                missing = _keys(line, _MISSING)
            elif match := _SIZE.match(line):
                mismatched.append(match[1])
        if len(self.loads) >= MAX_LOADS:
            return
        if not self.loads or self.loads[-1].listed is not None:
            self.loads.append(WeightLoad("", "init", source))
        self.loads[-1] = replace(
            self.loads[-1],
            unexpected=unexpected,
            missing=missing,
            mismatched=tuple(mismatched[:MAX_KEYS]),
            listed=source,
        )


def _keys(line: str, start: str) -> tuple[str, ...]:
    keys = line.removeprefix(start).split(",", MAX_KEYS)[:MAX_KEYS]
    return tuple(key.strip() for key in keys if key.strip())
