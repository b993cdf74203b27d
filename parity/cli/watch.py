"""``parity watch``: a training run, its console passed through, kept, and acted on."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from parity.guard.judging import python

# What follows the command is its own.
SETTINGS = {"context_settings": {"allow_interspersed_args": False}}


def watch(
    command: Annotated[list[str], Argument(help="The training, e.g. python tools/train.py.")],
    on_error: Annotated[
        Literal["stop", "warn"],
        Option(help="When the console shows a broken training: end it, or say so alone."),
    ] = "warn",
    work_dir: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Where the console is kept; default: the command's own --work-dir, else "
            "work_dirs/CONFIG.",
        ),
    ] = None,
) -> None:
    """Run a training and say when its console shows a fault.

    The console is passed through as it is and kept as console_TIME.txt, where parity explain
    finds it. Exit code: the command's own, its signal included; 1 when the training was stopped.
    """
    options = ["--on-error", on_error] + ([f"--work-dir={work_dir}"] if work_dir else [])
    sys.stdout.flush()
    # A process without torch in it, for as long as the training takes.
    code = "from parity.guard.watch import main; main()"
    os.execv(sys.executable, python(code, *options, *command))
