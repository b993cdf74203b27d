"""The text log of detectron2 (and of what builds on it): ``log.txt``, or a captured console.

Formats: utils/logger.py (headers), engine/defaults.py and utils/collect_env.py
(environment), utils/events.py (training lines), evaluation/testing.py (scores),
and the checkpointer of fvcore.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from parity.runs.curves import number, step_number
from parity.runs.facts import Fact, Source
from parity.runs.foreign import Scores, metrics_of
from parity.runs.log_data import LogData
from parity.runs.record import WeightLoad
from parity.runs.text import ANSI, Block, decoded

_TIME = rb"\[\d\d/\d\d \d\d:\d\d:\d\d"
# In a file: [07/12 12:00:00] detectron2.utils.events INFO: ...; on a console:
# [07/12 12:00:00 d2.utils.events]: ... with colours.
_HEADER = re.compile(_TIME + rb"(?:\] ([\w.]+) ([A-Z]+):| ([\w.]+)\]:) ?")
LOG_LINE = re.compile(rb"(?m)^(?:\x1b\[\d*m)*" + _TIME + rb"\]? (?:d2|detectron2|fvcore)\b")
_WORLD = re.compile(r"Rank of current process: \d+\. World size: (\d{1,6})")
_ENVIRONMENT = re.compile(r"(\S.*?) {2,}(\S.*)")
_IMAGES = re.compile(r"Loaded (\d{1,12}) images\b")
_STARTING = re.compile(r"Starting training from iteration (\d{1,12})")
_SAVING = re.compile(r"Saving checkpoint to \S*model_(\d{1,12})\.pth")
_LOADING = re.compile(r"\[\w*Checkpointer\] Loading from (.+?) \.\.\.")
_SKIPPED = re.compile(r"Skip loading parameter '([^']+)' to the model due to incompatible shapes")
_MISSING = "Some model parameters or buffers are not found in the checkpoint:"
_UNUSED = "The checkpoint state_dict contains keys that are not used by the model:"
_ITERATION = re.compile(r" ?(?:eta: .{1,40}?  )?iter: (\d{1,12})  ")
_PAIR = re.compile(r"(?<!\S)([A-Za-z_][\w./\[\]-]*): (\S+)")
_COPY = "copypaste: "
MAX_KEYS = 2_000


def read_log(source: Iterable[Block], file: str) -> list[LogData]:
    """What each start logged: the file is appended to."""
    reader = _Log(file)
    for block in source:
        for offset, line in enumerate(block.lines):
            reader.take(block.line + offset, line)
    return [data.finish() for data in reader.parts]


class _Log:
    def __init__(self, file: str) -> None:
        self.parts = [LogData(file)]
        self._file = file
        self._list = ""  # what the lines without a header go on with
        self._names: list[str] = []
        self._task = ""
        self._step: int | None = None

    @property
    def _data(self) -> LogData:
        return self.parts[-1]

    def take(self, at: int, line: bytes) -> None:
        bare = ANSI.sub(b"", line)
        match = _HEADER.match(bare)
        if match is None:
            self._go_on(at, decoded(bare))
            return
        text = decoded(bare[match.end() :])
        source = Source(self._file, at, text.strip()[:300])
        self._list = ""
        level = (match[2] or b"").decode()
        if level in {"WARNING", "ERROR", "CRITICAL"}:
            self._data.tally.add(level, at, text[:300])
        if not self._training(at, text):
            self._statement(source, text)

    def _training(self, at: int, text: str) -> bool:
        match = _ITERATION.match(text)
        step = step_number(match[1]) if match else None
        if match is None or step is None:
            return False
        self._step = step + 1
        pairs = _PAIR.findall(text[match.end() :])
        named = [("loss" if name == "total_loss" else name, value) for name, value in pairs]
        self._data.points.add(step + 1, at, named)
        return True

    def _statement(self, source: Source, text: str) -> None:
        if text.startswith(_COPY):
            self._scores(source, text.removeprefix(_COPY).strip())
        elif text.startswith(("Environment info:", _MISSING, _UNUSED)):
            self._list = text
        elif match := _WORLD.match(text):
            self._start(source, match[1])
        elif match := _IMAGES.match(text):
            self._data.images.append(Fact(int(match[1]), source))
        elif match := _SAVING.match(text):
            self._step = int(match[1]) + 1
        elif match := _LOADING.match(text):
            self._data.weights.append(WeightLoad(match[1], "init", source))
        elif match := _SKIPPED.match(text):
            self._mismatch(source, "mismatched", match[1])
        elif match := _STARTING.match(text):
            self._starting(int(match[1]), source)

    def _start(self, source: Source, world: str) -> None:
        if "World size" in self._data.environment:
            self.parts.append(LogData(self._file))
        self._data.environment["World size"] = Fact(world, source)

    def _starting(self, done: int, source: Source) -> None:
        if done:
            data = self._data
            data.resumed_at = Fact(done, source)
            data.weights[-1:] = [replace(load, purpose="resume") for load in data.weights[-1:]]

    def _go_on(self, at: int, text: str) -> None:
        """A line without a header: it belongs to the list that the last one began."""
        source = Source(self._file, at, text.strip()[:300])
        if self._list.startswith("Environment"):
            match = _ENVIRONMENT.fullmatch(text.rstrip())
            if match is not None and not match[1].startswith("---"):
                self._data.environment.setdefault(match[1], Fact(match[2], source))
        elif self._list and text.strip():
            kind = "missing" if self._list.startswith(_MISSING) else "unexpected"
            self._mismatch(source, kind, text.strip())

    def _mismatch(self, source: Source, kind: str, key: str) -> None:
        loads = self._data.weights
        if not loads:
            loads.append(WeightLoad("", "init", source))
        last = replace(loads[-1], listed=loads[-1].listed or source)
        keys: dict[str, Any] = {kind: (*getattr(last, kind), key)[:MAX_KEYS]}
        loads[-1] = replace(last, **keys)

    def _scores(self, source: Source, text: str) -> None:
        """Three lines: the task, the names, the values in percent."""
        if text.startswith("Task: "):
            self._task, self._names = text.removeprefix("Task: "), []
            return
        cells = text.split(",")
        if self._task != "sem_seg":
            return
        if not self._names:
            # Cityscapes' evaluator calls the mean IoU of all classes IoU.
            self._names = ["mIoU" if cell == "IoU" else cell for cell in cells]
            return
        values = {n: number(v) for n, v in zip(self._names, cells, strict=False)}
        metrics = metrics_of(values)
        if metrics:
            found = Scores(metrics).evaluation("val", self._step, source, 1.0)
            self._data.add_evaluation(found)
        self._task = ""
