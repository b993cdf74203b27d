"""Text files of any size and encoding as blocks of whole lines, with flat memory."""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
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
