"""``parity ops``: whether mmcv's ops compute on this machine."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Option

from parity.cli.options import AsJson
from parity.files import write_atomically
from parity.guard import ops as program
from parity.guard.script import one_file


def ops(
    device: Annotated[
        Literal["cuda", "cpu"] | None, Option(help="CUDA where torch sees a GPU, unless given.")
    ] = None,
    limit: Annotated[
        float, Option(metavar="SECONDS", help="Time for each op.")
    ] = program.TIME_LIMIT,
    json: AsJson = False,
    script: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Write the check as one file that needs torch and mmcv alone, and run nothing.",
        ),
    ] = None,
) -> None:
    """Run mmcv's ops beside plain PyTorch in float64.

    Those of the zoo's ADE20K models, forward and backward.

    Exit codes: 0 every op is right, 1 one is wrong or dead, 2 wrong usage, or an op that could
    not be tried.
    """
    text = one_file(Path(program.__file__)).encode()
    if script is not None:
        write_atomically(script, text)
        typer.echo(f"wrote {script}; in the training's environment: python {script}")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ops.py"
        file.write_bytes(text)
        options = ["--limit", str(limit)] + (["--device", device] if device else [])
        options += ["--json"] if json else []
        done = subprocess.run([sys.executable, str(file), *options], check=False)
    raise typer.Exit(done.returncode)
