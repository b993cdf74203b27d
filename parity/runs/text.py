"""Text files of any size and encoding as blocks of whole lines, in flat memory; their entries.

An entry of a log is a header ``<time> - <logger> - <level> - `` and what follows it. The same
reader serves log files and captured consoles: between two entries of a console lie lines that
other programs printed.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

BLOCK_BYTES = 1 << 22
# Up to so many lines are quicker looked for one by one than indexed.
FEW = 16
# How much of a block tells whether its lines repeat.
SAMPLE_BYTES = 1 << 16
# Terminal colours and cursor movements; mmengine colours its level names on a terminal.
ANSI = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


@dataclass(frozen=True)
class Block:
    """Bytes of whole lines. line: the number of the first.

    A line longer than a block comes in several blocks of one line number.
    """

    line: int
    data: bytes

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines without their newlines."""
        return self.data.split(b"\n")

    def places(self, wanted: Collection[bytes]) -> dict[bytes, tuple[int, int]]:
        """The numbers of the first and the last line that read like each of `wanted`."""
        lines, start = self.lines, self.line
        end = start + len(lines) - 1
        if len(wanted) > FEW:
            last = dict(zip(lines, range(start, end + 1), strict=True))
            first = dict(zip(reversed(lines), range(end, start - 1, -1), strict=True))
            return {line: (first[line], last[line]) for line in wanted}
        backwards = lines[::-1] if wanted else []
        return {w: (start + lines.index(w), end - backwards.index(w)) for w in wanted}

    @cached_property
    def _counts(self) -> Counter[bytes] | None:
        """How often each line occurs; None where hardly any occurs twice."""
        sample = self.data[:SAMPLE_BYTES].split(b"\n")
        repeats = len(set(sample)) < len(sample) // 2
        return Counter(self.lines) if repeats else None

    @cached_property
    def distinct(self) -> bytes:
        """The lines, each once where many repeat: a broken run may print one a million times."""
        return self.data if self._counts is None else b"\n".join(self._counts)

    def count(self, line: bytes) -> int:
        """How often a line of `distinct` stands for the same one of the block."""
        return 1 if self._counts is None else self._counts[line]


def blocks(stream: BinaryIO) -> Iterator[Block]:
    """The lines of `stream`, as UTF-8 bytes where it is UTF-16, else as they are.

    Lines end with a newline, with the carriage return before it or not; a
    carriage return alone (a progress bar) ends none.
    """
    line, rest = 1, b""
    for chunk in _chunks(stream):
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if not end and len(data) >= BLOCK_BYTES:
            end = len(data) - data.endswith(b"\r")  # which may belong to a newline to come
        if not end:
            rest = data
            continue
        block = Block(line, data[:end].replace(b"\r\n", b"\n"))
        line, rest = line + block.data.count(b"\n"), data[end:]
        yield block
    if rest:
        yield Block(line, rest)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    first = stream.read(BLOCK_BYTES)
    encoding = _encoding(first)
    if encoding is None:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from iter(lambda: stream.read(BLOCK_BYTES), b"")
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    chunk = first
    while chunk:
        yield decoder.decode(chunk).lstrip("\ufeff").encode("utf-8", "replace")
        chunk = stream.read(BLOCK_BYTES)


def _encoding(start: bytes) -> str | None:
    """The UTF-16 encoding of a file that starts like this (PowerShell redirects so), or None."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = start[:4096]
    if len(sample) >= 16 and sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    if len(sample) >= 16 and sample[::2].count(0) > len(sample) // 4:
        return "utf-16-be"
    return None


def decoded(data: bytes) -> str:
    """`data` as text without terminal codes; bytes that are no UTF-8 become U+FFFD."""
    return ANSI.sub(b"", data).decode("utf-8", "replace")


def quoted(data: bytes, limit: int = 300) -> str:
    """One line of `data` as evidence: printable, at most `limit` characters."""
    line = decoded(data[: 4 * limit]).strip()
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
    return shown[:limit]


def find_all(data: bytes, needle: bytes) -> Iterator[int]:
    """Where `needle` occurs in `data`, without overlaps."""
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + len(needle))


def json_values(line: str) -> tuple[list[object], str]:
    """The JSON values of one line, several where writers collided; and what is left unread."""
    found: list[object] = []
    position, decoder = 0, json.JSONDecoder()
    while position < len(line):
        try:
            value, position = decoder.raw_decode(line, position)
        except (ValueError, RecursionError):
            return found, line[position:]
        found.append(value)
        while position < len(line) and line[position].isspace():
            position += 1
    return found, ""


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
