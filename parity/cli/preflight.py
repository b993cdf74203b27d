"""``parity preflight``: whether a training is worth starting."""

import json as to_json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from parity.cli.options import AsJson, Config, OtherRoot
from parity.guard.doctor import exit_code, render_text
from parity.guard.preflight import examine, planned
from parity.guard.rehearsal import rehearse


def preflight(
    config: Config,
    gpus: Annotated[
        int | None, Option(min=1, help="Processes; default: as many as the zoo's row has.")
    ] = None,
    data: OtherRoot = None,
    checkpoint: Annotated[
        Path | None, Option(metavar="FILE", help="Other weights to start from.")
    ] = None,
    trust: Annotated[
        bool, Option("--trust", help="Run the config: the first iterations, for real.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        Option(metavar="ID", help="Something that is meant, e.g. effective-batch."),
    ] = None,
    elsewhere: Annotated[
        bool, Option("--elsewhere", help="Do not look at this environment.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Say go or no go before a training starts.

    By its config, data, weights and environment.

    Nothing of the config is executed without --trust. Exit codes: 0 go, 1 no go, 2 wrong usage.
    """
    flight = planned(config, gpus=gpus, data=data, checkpoint=checkpoint)
    lines = list(examine(flight, accept=accept or (), elsewhere=elsewhere))
    lines += rehearse(flight) if trust else ()
    lines.sort(key=lambda line: ("error", "warning", "ok").index(line.status))
    if json:
        typer.echo(to_json.dumps([asdict(line) for line in lines], indent=2))
    else:
        typer.echo(render_text(lines))
        typer.echo("no go" if exit_code(lines) else "go")
    raise typer.Exit(exit_code(lines))
