"""The command ``parity``, also ``python -m parity``."""

from __future__ import annotations

import os
import signal
from types import FrameType


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(130)  # without a traceback of what was being imported


def main() -> None:
    """Run the command; see `parity.cli`."""
    # Importing torch and the rest takes seconds, in which Ctrl-C is pressed, too.
    heard = signal.signal(signal.SIGINT, _end)
    from parity.cli import main as run  # noqa: PLC0415

    signal.signal(signal.SIGINT, heard)
    run()


if __name__ == "__main__":
    main()
