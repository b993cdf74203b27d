"""``parity steps``: every step with its signature, shapes and a three-line example."""

from __future__ import annotations

from typing import Annotated

import typer

from parity.cli.names import complete_steps, step_names
from parity.errors import InputError
from parity.report.steps import render_steps, render_steps_markdown
from parity.text import did_you_mean


def steps(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STEP]...",
            help="Steps, or files of them such as loss; default all.",
            autocompletion=complete_steps,
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As it stands in docs/bring-your-own.md.")
    ] = False,
) -> None:
    """List every step that a candidate can give, as its author would write it."""
    try:
        text = (render_steps_markdown if markdown else render_steps)(frozenset(names or ()))
    except KeyError as error:
        name = str(error.args[0])
        near = did_you_mean(name, step_names(), "parity steps lists them all")
        raise InputError(f"no step {name}; {near}") from None
    typer.echo(text, nl=False)
