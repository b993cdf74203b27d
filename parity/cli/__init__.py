"""The ``parity`` command; one file per sub-command.

Exit codes: 0 equal or within tolerance, 1 different, 2 usage or input error, or a
process that was lost, 3 nothing compared, 130 ended by Ctrl-C.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pkgutil import resolve_name
from typing import Any

import typer
from typer.core import TyperGroup

from parity import __version__
from parity.cli.console import INTERRUPTED, complain
from parity.cli.names import known
from parity.cli.outline import register
from parity.errors import ParityError
from parity.files import ended_by_ctrl_c, standard_output

# File and function, or several in a Typer, in the order of the help.
COMMANDS: Mapping[str, str] = {
    "check": "check:check",
    "dataset": "dataset:app",
    **{name: f"{name}:{name}" for name in ("derive", "coverage", "doctor", "explain", "cause")},
    **{name: f"{name}:{name}" for name in ("matrix", "modules", "ops", "preflight", "steps")},
    **{name: f"{name}:{name}" for name in ("train", "watch", "record", "report")},
    "open": "report:open_latest",
}


def found(name: str) -> Any:
    """The function behind a command, or the Typer of several; imports what it runs."""
    with ended_by_ctrl_c():
        return resolve_name(f"parity.cli.{COMMANDS[name]}")


class Late(TyperGroup):
    """Commands of which only the one that is called is imported."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The outline where a shell completes, else the command itself."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or ctx.resilient_parsing:
            return name, command, rest
        return name, _command(name), rest


def _command(name: str) -> Any:
    app, one = _typer(), found(name)
    if isinstance(one, typer.Typer):
        app.add_typer(one, name=name)
    else:
        settings = getattr(sys.modules[one.__module__], "SETTINGS", {})
        app.command(name, **settings)(one)
    app.callback()(lambda: None)  # so that it is a group, whatever is in it
    return typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]


def _typer(**settings: Any) -> typer.Typer:
    """Plain text: messages hold the names of files, which are neither markup nor emoji."""
    return typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None, **settings)


app = _typer(
    cls=Late,
    help="Reproducibility and parity testing against mmsegmentation.",
    no_args_is_help=True,
)
register(app, known()["commands"])


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
