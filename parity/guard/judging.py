"""The console of a training: kept in a file of bounded size, and looked at when it is worth it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# Of the same line so many are kept; then, at each doubling, one line says how many came.
VERBATIM = 1 << 10
MOST_TEXTS = 100_000
MOST_BYTES = 64 << 20  # a run of 160k iterations prints about 2 MB
TAIL_BYTES = 4 << 20
LONGEST = 1 << 20
AGAIN = b"[again %dx] %b"


class KeptConsole:
    """The lines of several streams in one file: the first `most_bytes`, and the last `tail_bytes`.

    Of a line that is written over by carriage returns the last state is kept, as on a terminal.
    failed: why nothing more can be kept, e.g. a full disk; "" while all is well.
    """

    def __init__(
        self, path: Path, *, most_bytes: int = MOST_BYTES, tail_bytes: int = TAIL_BYTES
    ) -> None:
        self.path, self.failed = path, ""
        self._room, self._tail_room = most_bytes, tail_bytes
        self._tail: deque[bytes] = deque()
        self._left_out = 0
        self._rest: dict[int, bytes] = {}
        self._seen: dict[bytes, int] = {}
        self._file: int | None = None

    def add(self, stream: int, data: bytes) -> list[bytes]:
        """Keep what came on `stream`; the whole lines that came for the first time."""
        *lines, rest = (self._rest.get(stream, b"") + data).split(b"\n")
        if len(rest) > LONGEST:
            rest = rest[rest.rfind(b"\r", 0, -1) + 1 :]
            lines, rest = ([*lines, rest], b"") if len(rest) > LONGEST else (lines, rest)
        self._rest[stream] = rest
        return self._take(lines)

    def close(self) -> list[bytes]:
        """Keep what is left: lines without an end, counts, the tail. As `add`."""
        fresh = self._take([rest for rest in self._rest.values() if rest])
        self._rest.clear()
        self._forget()
        if self._left_out > len(self._tail):
            self._write([b"[%d lines left out]" % (self._left_out - len(self._tail))])
        self._write(self._tail)
        if self._file is not None:
            os.close(self._file)
            self._file = None
        return fresh

    def _take(self, lines: Iterable[bytes]) -> list[bytes]:
        seen, kept, fresh = self._seen, list[bytes](), list[bytes]()
        for line in lines:
            seen[line] = count = seen.get(line, 0) + 1
            if count == 1:
                fresh.append(line)
            if count <= VERBATIM:
                kept.append(_last_state(line))
            elif not count & (count - 1):
                kept.append(AGAIN % (count // 2, _last_state(line)))
        self._keep(kept)
        if len(seen) > MOST_TEXTS:
            self._forget()
        return fresh

    def _forget(self) -> None:
        """Write the counts that are not written yet, and count anew."""
        over = {line: n for line, n in self._seen.items() if n > VERBATIM and n & (n - 1)}
        self._keep(
            [AGAIN % (n - (1 << n.bit_length() - 1), _last_state(x)) for x, n in over.items()]
        )
        self._seen.clear()

    def _keep(self, lines: list[bytes]) -> None:
        size = sum(map(len, lines)) + len(lines)
        if size <= self._room:
            self._room -= size
            self._write(lines)
            return
        self._room = 0
        self._left_out += len(lines)
        self._tail_room -= size
        self._tail.extend(lines)
        while self._tail_room < 0 and self._tail:
            self._tail_room += len(self._tail.popleft()) + 1

    def _write(self, lines: Iterable[bytes]) -> None:
        data = b"".join(line + b"\n" for line in lines)
        if self.failed or not data:
            return
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.failed = f"{self.path}: the console is not kept, nor looked at: {error.strerror}"


def _last_state(line: bytes) -> bytes:
    line = line.rstrip(b"\r")
    return line[line.rfind(b"\r") + 1 :]


# Where a line is worth a look at the whole console, and how many of them it takes. In mixed
# precision a single loss that is not finite is nothing.
TRIGGERS = {"kernel": 1, "lost": 2, "weights": 1, "started": 1}
_WORDS = {
    "kernel": (b"error in ", b"no kernel image"),
    "weights": (b"do not match exactly",),
    "started": (b"Iter(train)", b"Epoch(train)"),
}
_LOST = re.compile(rb"loss\w*: -?(?:nan|inf)")
RETRY = 8  # what decided nothing is looked at again after so many times as many lines


class Judging:
    """Looks at the kept console in a process of its own when a trigger comes by.

    tell: is given each alarm once.
    """

    def __init__(self, kept: KeptConsole, tell: Callable[[dict[str, Any]], None]) -> None:
        self._kept, self._tell = kept, tell
        self._count = dict.fromkeys(TRIGGERS, 0)
        self._next = dict(TRIGGERS)
        self._due = False
        self._process: subprocess.Popen[bytes] | None = None
        self._told: set[str] = set()

    def see(self, lines: Sequence[bytes]) -> None:
        """Look for triggers in lines that are new."""
        text = b"\n".join(lines)
        for kind in TRIGGERS:
            words = _WORDS.get(kind)
            self._count[kind] += sum(map(text.count, words)) if words else len(_LOST.findall(text))
            if self._count[kind] >= self._next[kind]:
                self._next[kind] = RETRY * self._count[kind]
                self._due = True

    def go_on(self, *, wait: bool = False) -> None:
        """Start what is due and take what is done; with `wait`, all of it."""
        while True:
            self._take(wait=wait)
            if self._process is None and self._due and not self._kept.failed:
                self._due = False
                self._process = self._started()
            if not wait or self._process is None:
                return

    def _started(self) -> subprocess.Popen[bytes] | None:
        command = python("from parity.guard.judge import main; main()", str(self._kept.path))
        with suppress(OSError):
            return subprocess.Popen(
                ["nice", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return None

    def _take(self, *, wait: bool) -> None:
        if self._process is None or (not wait and self._process.poll() is None):
            return
        output, _ = self._process.communicate()
        self._process = None
        alarms = []
        with suppress(ValueError):  # it was killed, or ended with an error
            alarms = json.loads(output)
        for alarm in alarms:
            if alarm["id"] not in self._told:
                self._told.add(alarm["id"])
                self._tell(alarm)


def python(code: str, *arguments: str) -> list[str]:
    """The command that runs `code` with this interpreter and what it can import."""
    return [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}", *arguments]


def tell(text: str) -> None:
    """One line on stderr, which may be gone."""
    with suppress(OSError):
        os.write(2, f"parity watch: {text}\n".encode("utf-8", "replace"))
