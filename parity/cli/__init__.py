"""The ``parity`` command; one file per sub-command.

Exit codes: 0 equal or within tolerance, 1 different, 2 usage or input error, or a
process that was lost, 3 nothing compared, 130 ended by Ctrl-C.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from contextlib import suppress

import typer

from parity import __version__
from parity.cli.cause import cause
from parity.cli.check import EPILOG, check
from parity.cli.console import complain
from parity.cli.coverage import coverage
from parity.cli.dataset import app as dataset
from parity.cli.derive import derive
from parity.cli.doctor import doctor
from parity.cli.explain import explain
from parity.cli.matrix import matrix
from parity.cli.modules import modules
from parity.cli.ops import ops
from parity.cli.preflight import preflight
from parity.cli.record import record
from parity.cli.report import open_latest, report
from parity.cli.show import INTERRUPTED
from parity.cli.steps import steps
from parity.cli.train import train
from parity.cli.watch import watch
from parity.errors import ParityError
from parity.files import standard_output

app = typer.Typer(
    help="Reproducibility and parity testing against mmsegmentation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain text: messages hold the names of files, which are neither markup nor emoji.
    rich_markup_mode=None,
)
app.command(epilog=EPILOG)(check)
app.add_typer(dataset, name="dataset")
app.command()(derive)
app.command()(coverage)
app.command()(doctor)
app.command()(explain)
app.command()(cause)
app.command()(matrix)
app.command()(modules)
app.command()(ops)
app.command()(preflight)
app.command()(steps)
app.command()(train)
app.command(context_settings={"allow_interspersed_args": False})(watch)
app.command()(record)
app.command()(report)
app.command("open")(open_latest)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        typer.echo(f"mmseg-parity {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command; every deliberate error is one line on stderr and exit code 2."""
    try:
        with standard_output():
            app(prog_name="parity")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave_at_once()
        raise
    except ParityError as error:
        complain(f"error: {error}")
    except MemoryError:
        complain("error: out of memory; free some, or give fewer --jobs")
    else:
        return
    sys.exit(2)


def _leave_at_once() -> None:
    """After Ctrl-C: Python would take another second to take torch and mmseg down."""
    for child in multiprocessing.active_children():
        child.kill()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)
