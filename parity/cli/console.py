"""Where commands print, text as it is, without markup or emoji, and what they note in reports."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from parity.report.document import CheckRun
from parity.text import visible


def plain(*, stderr: bool = False) -> Console:
    """A console for texts that others wrote: file names, messages, values.

    Colours and widths follow the terminal, ``NO_COLOR``, ``TERM`` and ``COLUMNS``.
    """
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def progress_bar(*columns: ProgressColumn) -> Progress:
    """On stderr for as long as something goes on; nothing where that is no terminal."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def complain(message: str) -> None:
    """One line on stderr, however long; nothing where nobody reads it."""
    with suppress(BrokenPipeError):
        print(visible(message), file=sys.stderr, flush=True)


def origin(seconds: float, roots: Mapping[str, str]) -> CheckRun:
    """The command as it was typed, when it began, and what stands for which folder.

    roots: folders by the mark that replaces them in paths.
    """
    command = " ".join(["parity", *(shlex.quote(word) for word in sys.argv[1:])])
    began = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    return CheckRun(command, began.isoformat(timespec="seconds"), round(seconds, 1), dict(roots))
