"""When the console of a training is worth a look, and what the look found."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from parity.guard.console import KeptConsole

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
