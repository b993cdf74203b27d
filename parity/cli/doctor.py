"""``parity doctor``: whether this environment can train with mmsegmentation."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from parity.cli.options import AsJson
from parity.files import write_atomically
from parity.guard import doctor as program


def doctor(
    data: Annotated[
        Path | None, Option(metavar="ROOT", help="An ADE20K data set to count.")
    ] = None,
    gpu: Annotated[
        list[str] | None,
        Option(
            metavar="X.Y",
            help="A compute capability to check for, in the place of this machine's GPUs.",
        ),
    ] = None,
    json: AsJson = False,
    script: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Write the check as one file that needs Python 3.8 alone, and check nothing here.",
        ),
    ] = None,
) -> None:
    """Check versions, compiled ops, GPUs and data.

    For what is wrong there is a command that mends it.

    Exit codes: 0 no error, 1 an error found, 2 wrong usage.
    """
    capabilities = [_capability(text) for text in gpu or ()]
    if script is not None:
        write_atomically(script, Path(program.__file__).read_bytes())
        typer.echo(f"wrote {script}; in the training's environment: python {script}")
        return
    found = program.examine(data=data, gpus=capabilities)
    lines = program.diagnose(found)
    typer.echo(program.render_json(found, lines) if json else program.render_text(lines))
    raise typer.Exit(program.exit_code(lines))


def _capability(text: str) -> int:
    value = program.capability(text)
    if value is None:
        raise typer.BadParameter(f"{text!r} is no compute capability such as 8.6")
    return value
