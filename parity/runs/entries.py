"""The entries of a log: a header ``<time> - <logger> - <level> - `` and what follows it.

The same reader serves log files and captured consoles: between two entries of a
console lie lines that other programs printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from parity.runs.text import Block, decoded, find_all

# Every package of OpenMMLab names its logger after itself.
LOGGERS = (b" - mm",)
_HEADER = re.compile(
    rb"(?P<time>(?:\d{4}[-/])?\d\d[-/]\d\d \d\d:\d\d:\d\d(?:,\d{3})?)"
    rb" - (?P<logger>\w+) - (?:\x1b\[[\d;]*m)*(?P<level>[A-Z]+)(?:\x1b\[[\d;]*m)* - "
)
_HEADER_BYTES = 80
# Written or printed by the reference without a header of their own.
_BARE = (
    b"Name of parameter - Initialization information",
    b"The model and loaded state dict do not match exactly",
    b"Loads checkpoint by ",
    b"load checkpoint from ",
    b"No pre-trained weights for ",
)
# Entries whose later lines matter; of the others only the first line is kept.
_LONG = re.compile(
    rb"\s*$|Config:|Environment info|per class results|Name of parameter"
    rb"|The model and loaded state dict do not match"
)
MAX_ENTRY_BYTES = 4 << 20


@dataclass(frozen=True)
class LogEntry:
    """One entry. line: its first line's number. logger, level: "" where it has no header.

    text: the message, terminal codes removed. cut: it was longer than is kept.
    """

    line: int
    time: str
    logger: str
    level: str
    text: str
    cut: bool = False

    @property
    def first(self) -> str:
        """The first line of the message."""
        return self.text.partition("\n")[0]


@dataclass
class _Open:
    """An entry that may go on in the next block."""

    line: int
    match: re.Match[bytes] | None
    parts: list[bytes]
    size: int = 0

    def add(self, data: bytes) -> None:
        room = MAX_ENTRY_BYTES - self.size
        if room > 0:
            self.parts.append(data[:room])
        self.size += len(data)

    def close(self) -> LogEntry:
        text = decoded(b"".join(self.parts)).rstrip("\n")
        cut = self.size > MAX_ENTRY_BYTES
        if self.match is None:
            return LogEntry(self.line, "", "", "", text, cut)
        named = self.match.groupdict()
        time, logger, level = (named[key].decode() for key in ("time", "logger", "level"))
        return LogEntry(self.line, time, logger, level, text, cut)


def entries(source: Iterable[Block]) -> Iterator[LogEntry]:
    """The entries in `source`, in order; text before the first one is left out."""
    last: _Open | None = None
    for block in source:
        starts = _starts(block)
        ends = [start for start, _ in starts[1:]] + [len(block.data)] * bool(starts)
        if last is not None:
            last.add(block.data[: starts[0][0] if starts else len(block.data)])
        line, counted = block.line, 0
        for (start, match), end in zip(starts, ends, strict=True):
            if last is not None:
                yield last.close()
                last = None
            line, counted = line + block.data.count(b"\n", counted, start), start
            opened = _open(block.data, start, end, match, line)
            if isinstance(opened, LogEntry):
                yield opened
            else:
                last = opened
    if last is not None:
        yield last.close()


def _open(
    data: bytes, start: int, end: int, match: re.Match[bytes] | None, line: int
) -> LogEntry | _Open:
    """The entry from `start`; complete when only its first line matters."""
    begin = start if match is None else match.end()
    newline = data.find(b"\n", begin, end)
    first = data[begin : end if newline < 0 else newline]
    opened = _Open(line, match, [])
    if _LONG.match(first):
        opened.add(data[begin:end])
        return opened
    opened.add(first)
    return opened.close()


def _starts(block: Block) -> list[tuple[int, re.Match[bytes] | None]]:
    """Where entries start in `block`, in order, with their headers."""
    data, distinct = block.data, block.distinct
    found: dict[int, re.Match[bytes] | None] = {}
    for needle in (needle for needle in LOGGERS if needle in distinct):
        for position in find_all(data, needle):
            match = _last_header(data, position)
            if match is not None:
                found[match.start()] = match
    headers = {match.end() for match in found.values() if match is not None}
    for needle in (needle for needle in _BARE if needle in distinct):
        found |= {at: None for at in find_all(data, needle) if at not in headers}
    return sorted(found.items())


def _last_header(data: bytes, position: int) -> re.Match[bytes] | None:
    """The header whose logger name stands at `position`."""
    for length in (19, 14, 23):  # 2026/01/02 03:04:05, 01/02 03:04:05, 2026-01-02 03:04:05,678
        if position >= length:
            match = _HEADER.match(data, position - length)
            if match is not None and match.end("time") == position:
                return match
    return None
