"""``parity cause``: the catalogue of known causes, and one of them in full."""

from typing import Annotated

import typer
from typer import Argument, Option

from parity.causes.catalogue import named_cause
from parity.cli.names import complete_causes
from parity.report.catalogue import catalogue_text, cause_text, causes_table


def cause(
    name: Annotated[
        str,
        Argument(
            metavar="[ID]", help="A cause; none lists them all.", autocompletion=complete_causes
        ),
    ] = "",
    markdown: Annotated[bool, Option(help="All of them as a Markdown table.")] = False,
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
    typer.echo(cause_text(named_cause(name)))
