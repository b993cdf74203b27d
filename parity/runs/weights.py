"""Which weights a log says were loaded, and what did not match."""

from __future__ import annotations

import re
from dataclasses import replace

from parity.runs.entries import Entry
from parity.runs.facts import Source
from parity.runs.record import WeightLoad

# mmengine: model/weight_init.py, runner/checkpoint.py, runner/runner.py; mmcv 1.x: the last.
_STARTED = (
    (re.compile(r"load model from: (.+)"), "init"),
    (re.compile(r"load \S+ in model from: (.+)"), "init"),
    (re.compile(r"Loads checkpoint by \w+ backend from path: (.+)"), "init"),
    (re.compile(r"Load checkpoint from (.+)"), "load"),
    (re.compile(r"load checkpoint from (?:\w+ path: )?(.+)"), "load"),
)
_MISMATCH = "The model and loaded state dict do not match exactly"
_UNEXPECTED = "unexpected key in source state_dict: "
_MISSING = "missing keys in source state_dict: "
_SIZE = re.compile(r"size mismatch for ([^:]+):")
_STEP = re.compile(r"(?:iter|epoch)_(\d{1,12})(?!\d)")
MAX_LOADS = 100


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

    def take(self, entry: Entry) -> bool:
        """Take `entry` when it is about weights; say whether it was."""
        first = entry.first
        if first.startswith(_MISMATCH):
            self._mismatch(entry)
            return True
        for pattern, purpose in _STARTED:
            match = pattern.match(first)
            if match is not None:
                self._started(entry, match[1].strip(), purpose)
                return True
        return False

    def resumed(self) -> None:
        """The last load was to resume from."""
        if self.loads:
            self.loads[-1] = replace(self.loads[-1], purpose="resume")

    def _started(self, entry: Entry, path: str, purpose: str) -> None:
        source = Source(self._file, entry.line, entry.first.strip()[:300])
        last = self.loads[-1] if self.loads else None
        same = last is not None and (last.path == path or (not last.path and purpose == "load"))
        if last is not None and same:
            stronger = last.purpose if purpose == "init" else purpose
            self.loads[-1] = replace(last, path=path, purpose=stronger)
        elif len(self.loads) < MAX_LOADS:
            self.loads.append(WeightLoad(path, purpose, source))

    def _mismatch(self, entry: Entry) -> None:
        source = Source(self._file, entry.line, entry.first)
        unexpected: tuple[str, ...] = ()
        missing, mismatched = unexpected, unexpected
        for line in entry.text.split("\n"):
            if line.startswith(_UNEXPECTED):
                unexpected = _keys(line, _UNEXPECTED)
            elif line.startswith(_MISSING):
                missing = _keys(line, _MISSING)
            elif match := _SIZE.match(line):
                mismatched = (*mismatched, match[1])
        if not self.loads or self.loads[-1].listed is not None:
            self.loads.append(WeightLoad("", "init", source))
        self.loads[-1] = replace(
            self.loads[-1],
            unexpected=unexpected,
            missing=missing,
            mismatched=mismatched,
            listed=source,
        )


def _keys(line: str, start: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in line.removeprefix(start).split(",") if key.strip())
