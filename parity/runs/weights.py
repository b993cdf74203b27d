"""Which weights a log says were loaded, and what did not match."""

from __future__ import annotations

import re
from dataclasses import replace

from parity.runs.entries import LogEntry
from parity.runs.facts import Source
from parity.runs.record import WeightLoad

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
