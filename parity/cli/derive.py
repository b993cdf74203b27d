"""``parity derive``: a config for other hardware, with the same samples in each step."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from parity.cli.options import Config, OtherRoot
from parity.errors import InputError
from parity.files import write_atomically
from parity.guard.derive import derive as derived_from


def derive(
    config: Config,
    gpus: Annotated[int, Option(min=1, help="Processes that will train.")],
    accumulate: Annotated[
        bool, Option("--accumulate", help="Keep the config's images a GPU; the default.")
    ] = False,
    batch: Annotated[
        int | None, Option(min=1, help="Images a GPU, in the place of the config's.")
    ] = None,
    data: OtherRoot = None,
    out: Annotated[
        Path | None, Option(metavar="FILE", help="Where to write it; default: printed.")
    ] = None,
) -> None:
    """Write a config for other GPUs that trains as the original.

    What stays different is said.

    What the GPUs and the batch lack to the original's samples per step is accumulated; iterations,
    schedule and intervals are lengthened by as much. Exit codes: 0, or 2 where it cannot be done.
    """
    if accumulate and batch is not None:
        raise InputError("--accumulate keeps the config's images a GPU; give it or --batch")
    found = derived_from(config, gpus=gpus, batch=batch, data=data, out=out)
    if out is None:
        typer.echo(found.text, nl=False)
    else:
        write_atomically(out, found.text.encode())
        typer.echo(f"wrote {out}")
    for title, lines in (("the same", found.checked), ("different", found.differs)):
        for line in lines:
            typer.echo(f"{title}: {line}", err=True)
