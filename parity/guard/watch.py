"""Runs a training, passes its console through, keeps it, and says when it shows a broken run.

The child's output goes through a pseudo-terminal where ours is a terminal, else through a pipe.
It is the leader of a process group of its own, to which signals are passed on: each process of
the training gets one once, whether a terminal, a scheduler or a person sends it.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import re
import resource
import selectors
import signal
import subprocess
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from parity.guard.judging import Judging, KeptConsole, tell

CHUNK = 1 << 16


def read_from(handle: int) -> bytes:
    """What can be read; nothing at the end, which is EIO on a pseudo-terminal."""
    try:
        return os.read(handle, CHUNK)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""


def terminal_like(handle: int) -> tuple[int, int]:
    """A pseudo-terminal of the same kind and size, which leaves line ends to the real one."""
    master, slave = os.openpty()
    settings = termios.tcgetattr(handle)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    copy_size(handle, slave)
    return master, slave


def copy_size(source: int, target: int) -> None:
    """Give one terminal the rows and columns of another."""
    with suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)


def in_foreground() -> bool:
    """Whether standard input is a terminal whose keys go to our process group."""
    with suppress(OSError):
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    return False


def set_foreground(group: int) -> None:
    """Give the terminal to a process group; who is in the background may not without this."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with suppress(OSError):
        os.tcsetpgrp(0, group)
    signal.signal(signal.SIGTTOU, before)


PASSED_ON = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
STOPPED = 1  # our exit code when we ended the child
PATIENCE = 30.0  # seconds between INT, TERM and KILL
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell says it


class Watched:
    """The child, its streams and what is kept of them."""

    def __init__(self, command: Sequence[str], kept: KeptConsole, *, stop: bool) -> None:
        self.kept, self._stop = kept, stop
        self.judging = Judging(kept, self._alarm)
        self._ends: list[tuple[float, int]] = []  # when to send which signal
        self.stopped = self.over = False
        self._selector = selectors.DefaultSelector()
        self._masters: list[int] = []
        ours, theirs = self._streams()
        self._has_terminal = in_foreground()

        def lead() -> None:
            os.setpgid(0, 0)
            if self._has_terminal:
                set_foreground(os.getpid())

        self.child = subprocess.Popen(
            command,
            stdout=theirs[0],
            stderr=theirs[1],
            preexec_fn=lead,  # noqa: PLW1509 - there are no threads
            close_fds=False,
        )
        for handle in set(theirs):
            os.close(handle)
        for handle, target in ours.items():
            self._selector.register(handle, selectors.EVENT_READ, target)
        self._pass_signals_on()

    def _streams(self) -> tuple[dict[int, int], list[int]]:
        """Our ends, each with where it goes, and the child's for standard output and error."""
        ours: dict[int, int] = {}
        theirs: list[int] = []
        for target in (1, 2):
            is_terminal = os.isatty(target)
            if is_terminal and target == 2 and self._masters:
                theirs.append(theirs[0])
                continue
            here, there = terminal_like(target) if is_terminal else os.pipe()
            self._masters += [here] if is_terminal else []
            ours[here] = target
            theirs.append(there)
        return ours, theirs

    def _pass_signals_on(self) -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._selector.register(reading, selectors.EVENT_READ, None)
        for number in PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, lambda number, _: self._send(number))
        signal.signal(signal.SIGWINCH, lambda *_: self._resize())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)

    def _resize(self) -> None:
        for master in self._masters:
            copy_size(1 if os.isatty(1) else 2, master)
        self._send(signal.SIGWINCH)

    def run(self) -> int:
        """Until the child has ended; its wait status. What forked and outlives it is still read."""
        while (status := self._ended()) is None:
            self._pump(1.0 if self._ends else 60.0)  # less where a signal or output comes
            self.judging.go_on()
            while self._ends and self._ends[0][0] <= time.monotonic():
                self._send(self._ends.pop(0)[1])
        self.over = True
        while self._open() and self._pump(0.2):
            pass
        if self._open():
            self._leave_behind()
        else:
            self.judging.see(self.kept.close())
        self.judging.go_on(wait=not self.stopped)
        return status

    def _open(self) -> bool:
        return any(key.data is not None for key in self._selector.get_map().values())

    def _pump(self, seconds: float) -> bool:
        """Pass on what has come within `seconds`; whether anything of the streams had."""
        any_came = False
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with suppress(BlockingIOError):
                    os.read(key.fd, CHUNK)
                continue
            any_came = True
            data = read_from(key.fd)
            if not data or not self._write(key.data, data):
                self._selector.unregister(key.fd)
                os.close(key.fd)
        return any_came

    def _write(self, target: int, data: bytes) -> bool:
        """Pass on, and keep; whether somebody still reads: else the child is to know, too."""
        left = data
        try:
            while left:
                left = left[os.write(target, left) :]
        except OSError:
            return False
        was = self.kept.failed
        self.judging.see(self.kept.add(target, data))
        if self.kept.failed != was:
            tell(self.kept.failed)
        return True

    def _ended(self) -> int | None:
        """The child's wait status; when it is stopped, by Ctrl-Z, we stop with it."""
        pid, status = os.waitpid(self.child.pid, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return None
        if self._has_terminal:
            set_foreground(os.getpgrp())
        if not os.WIFSTOPPED(status):
            self.child.returncode = os.waitstatus_to_exitcode(status)
            return status
        os.kill(0 if self._has_terminal else os.getpid(), signal.SIGSTOP)
        if self._has_terminal:
            set_foreground(self.child.pid)
        self._send(signal.SIGCONT)
        return None

    def _leave_behind(self) -> None:
        """What the child forked goes on printing: a process of ours stays with it."""
        if os.fork():
            return
        signal.set_wakeup_fd(-1)
        os.setsid()
        while self._open():
            self._pump(60.0)
        self.kept.close()
        os._exit(0)

    def _alarm(self, alarm: dict[str, Any]) -> None:
        ends = self._stop and alarm["broken"] and not self.over
        tell(f"{alarm['id']}: {alarm['text']}" + ("; the training is stopped" if ends else ""))
        if ends and not self.stopped:
            self.stopped = True
            signals = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
            now = time.monotonic()
            self._ends = [(now + PATIENCE * at, number) for at, number in enumerate(signals)]


def work_dir_of(command: Sequence[str]) -> Path:
    """Where the training writes: ``--work-dir``, else ``work_dirs/CONFIG`` as tools/train.py.

    The working directory where the command names neither.
    """
    for at, text in enumerate(command):
        if re.fullmatch(r"--work[-_]dir", text) and at + 1 < len(command):
            return Path(command[at + 1])
        if found := re.match(r"--work[-_]dir=(.+)", text):
            return Path(found[1])
    scripts = [text for text in command if text.endswith(".py")]
    return Path("work_dirs") / Path(scripts[1]).stem if len(scripts) > 1 else Path()


def _end_as(status: int) -> NoReturn:
    """End as the child did: with its exit code, or by its signal."""
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


def main() -> NoReturn:
    """``[--on-error stop|warn] [--work-dir DIR] COMMAND ...``."""
    parser = argparse.ArgumentParser(prog="parity watch")
    parser.add_argument("--on-error", choices=("stop", "warn"), default="warn")
    parser.add_argument("--work-dir", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    folder = options.work_dir or work_dir_of(options.command)
    kept = KeptConsole(folder / f"console_{time.strftime('%Y%m%d_%H%M%S')}_{os.getpid()}.txt")
    try:
        watched = Watched(options.command, kept, stop=options.on_error == "stop")
    except OSError as error:
        tell(f"{options.command[0]}: {error.strerror}")
        os._exit(NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE)
    status = watched.run()
    if watched.stopped:
        os._exit(STOPPED)
    _end_as(status)
