"""Pseudo-terminals in the place of a real one, and who has the terminal."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import termios
from contextlib import suppress

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
