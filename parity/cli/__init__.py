"""The ``parity`` command; one file per sub-command.

Exit codes: 0 equal or within tolerance, 1 different, 2 usage or input error,
3 nothing compared.
"""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from parity import __version__
from parity.cli.cause import cause
from parity.cli.check import check
from parity.cli.doctor import doctor
from parity.cli.explain import explain
from parity.cli.matrix import matrix
from parity.cli.ops import ops
from parity.cli.record import record
from parity.cli.report import open_latest, report
from parity.cli.scorecard import scorecard
from parity.cli.steps import steps
from parity.errors import ParityError
from parity.files import standard_output

app = typer.Typer(
    help="Reproducibility and parity testing against mmsegmentation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(check)
app.command()(doctor)
app.command()(explain)
app.command()(cause)
app.command()(matrix)
app.command()(ops)
app.command()(scorecard)
app.command()(steps)
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
            app()
    except ParityError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        sys.exit(2)
