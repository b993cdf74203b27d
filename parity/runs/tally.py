"""Counts lines that say the same, so that a million of them take the room of one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from parity.runs.facts import Source
from parity.runs.record import Message

MAX_GROUPS = 200
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")


@dataclass
class _Group:
    kind: str
    line: int
    text: str
    count: int
    last_line: int


class LineTally:
    """Groups the lines of one file by kind and by text, numbers aside."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._groups: dict[tuple[str, str], _Group] = {}

    def add(self, kind: str, line: int, text: str, *, count: int = 1, last_line: int = 0) -> None:
        """Count `text`, first seen in `line`; beyond MAX_GROUPS texts all join "and others"."""
        key = (kind, _VARIABLE.sub("#", text))
        if key not in self._groups and len(self._groups) >= MAX_GROUPS:
            key, text = (kind, ""), f"{text} (and others)"
        group = self._groups.setdefault(key, _Group(kind, line, text, 0, line))
        group.count += count
        group.last_line = max(group.last_line, last_line or line)

    def messages(self) -> tuple[Message, ...]:
        """One record per group, in order of first appearance."""
        ordered = sorted(self._groups.values(), key=lambda group: group.line)
        return tuple(
            Message(item.kind, Source(self._file, item.line, item.text), item.count, item.last_line)
            for item in ordered
        )
