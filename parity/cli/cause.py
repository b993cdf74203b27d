"""``parity cause``: the catalogue of known causes, and one of them in full."""

from __future__ import annotations

from typing import Annotated

import typer

from parity.causes.catalogue import all_causes
from parity.cli.names import complete_causes
from parity.errors import InputError
from parity.report.catalogue import catalogue_text, cause_text, causes_table
from parity.text import did_you_mean


def cause(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[ID]",
            help="A cause; none lists them all.",
            autocompletion=complete_causes,
        ),
    ] = "",
    markdown: Annotated[bool, typer.Option(help="All of them as a Markdown table.")] = False,
) -> None:
    """List the known causes of a lower score, or show one.

    Of one: its mechanism, how it is detected, its effects and its fix.
    """
    if markdown:
        typer.echo(causes_table())
        return
    if not name:
        typer.echo(catalogue_text())
        return
    known = {item.id: item for item in all_causes()}
    if name not in known:
        hint = did_you_mean(name, known, "parity cause lists them all")
        raise InputError(f"{name}: no such cause; {hint}")
    typer.echo(cause_text(known[name]))
