"""``parity steps``: every step with its signature, shapes and a three-line example."""

from __future__ import annotations

from typing import Annotated

import typer

from parity.errors import InputError
from parity.report.steps import render_steps, render_steps_markdown


def steps(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STEP]...", help="Steps, or files of them such as loss; default all."
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
        raise InputError(f"no step {error.args[0]}; parity steps lists them all") from None
    typer.echo(text, nl=False)
