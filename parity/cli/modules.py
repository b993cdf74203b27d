"""``parity modules``: two models with the same weights, held beside each other module by module."""

import warnings
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from typer import Argument, Option

from parity.candidate.load import load_candidate, split_name
from parity.errors import InputError
from parity.report.modules import render_modules
from parity.train.mapping import read_map
from parity.train.models import inputs_of, open_model, run_on
from parity.train.modules import compare_modules

_MODEL = "file.py:make, or a config of the zoo by name, or a path."


def modules(
    a: Annotated[str, Argument(help=f"Yours: {_MODEL}")],
    b: Annotated[str, Argument(help=f"What it should be: {_MODEL}")],
    part: Annotated[
        str, Option(metavar="MODULE", help="Of a config: this alone, such as decode_head.")
    ] = "",
    map_file: Annotated[
        Path | None, Option("--map", metavar="FILE", help='JSON: {"name in B": "name in A"}.')
    ] = None,
    size: Annotated[
        str, Option("--input", metavar="NxCxHxW", help="Of the images they are given.")
    ] = "2x3x64x64",
    seed: Annotated[int, Option(min=0, help="Of weights and images.")] = 0,
    option: Annotated[
        list[str] | None, Option(metavar="KEY.KEY=VALUE", help="Another value of the config.")
    ] = None,
) -> None:
    """Name the first module in which two models part.

    In the order of execution, then backward.

    B's weights go to A, mapped by name, else by shape in execution order. A part of a config
    gets the input that it has in its network. Exit codes: 0 equal in every bit, or but for
    rounding; 1 they part; 2 wrong usage, or a model that cannot be made or run.
    """
    given = read_map(map_file) if map_file else {}
    torch.manual_seed(seed)
    images = torch.randn(_shape(size))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of mmseg, about itself
        ours, theirs = (
            open_model(text, _own(text), part=part, options=option or ()) for text in (a, b)
        )
        around = theirs if theirs.model is not theirs.whole else ours
        run = run_on(inputs_of(around, images))
        found = compare_modules(ours.model, theirs.model, (run, run), given=given, seed=seed)
    typer.echo(render_modules(found, a, b), nl=False)
    raise typer.Exit(1 if found.real else 0)


def _own(text: str) -> Any:
    """The user's own function, of ``file.py:make``; None for the name of a config."""
    return load_candidate(text) if split_name(text)[2] else None


def _shape(text: str) -> tuple[int, ...]:
    parts = text.split("x")
    if len(parts) != 4 or not all(part.isdigit() and int(part) for part in parts):
        raise InputError(f"--input {text}: give four positive numbers, such as 2x3x64x64")
    return tuple(int(part) for part in parts)
