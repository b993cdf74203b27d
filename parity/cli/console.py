"""Where commands print, text as it is, without markup or emoji."""

import sys
from contextlib import suppress

from rich.console import Console
from rich.progress import Progress, ProgressColumn

from parity.text import visible

# As a shell tells of a command ended by Ctrl-C.
INTERRUPTED = 130


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
