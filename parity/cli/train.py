"""``parity train``: a config trained by mmengine's Runner and by our loop, side by side."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from parity.candidate.load import load_candidate
from parity.errors import InputError
from parity.files import make_folder, write_atomically
from parity.probes.device import check_device
from parity.report.training import render_training, render_training_json
from parity.train.mapping import read_map
from parity.train.ported import Port
from parity.train.record import Training, TrainOptions
from parity.train.record import train as train_sides
from parity.train.settings import built_in_data, read_settings

DEFAULT_ITERATIONS = 20
MAX_SEED = 2**32 - 1 - 1024  # a worker's seed is this and its number


class SideName(str, Enum):
    """Which side trains."""

    BOTH = "both"
    REFERENCE = "reference"
    CANDIDATE = "candidate"


def train(
    config: Annotated[str, typer.Argument(help="A config of the zoo by name, or a path.")],
    lockstep: Annotated[
        int | None,
        typer.Option(metavar="K", min=1, help="Iterations to compare in everything; default 20."),
    ] = None,
    side: Annotated[SideName, typer.Option(help="Which side trains.")] = SideName.BOTH,
    iters: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Iterations of the schedule to run; after K only losses, generators and the "
            "last weights are compared. Default: K.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of both sides.")] = 0,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="ROOT",
            help="Root of the data set; default: the config's own, or built-in images.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    small: Annotated[
        bool | None,
        typer.Option(
            "--small/--full",
            help="Sizes of crop and resize divided by 8, batches of 2, no workers; the default "
            "on the CPU.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that load data; default: the config's.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images a batch; default: the config's.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY.KEY=VALUE", help="Another value of the config, on both sides."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="FILE.PY:MAKE", help="A model of your own for our side."),
    ] = None,
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help='JSON: {"name in the reference": "name in --model"}.'
        ),
    ] = None,
    teacher: Annotated[
        bool,
        typer.Option(
            "--teacher", help="Give our side the reference's state before each iteration."
        ),
    ] = False,
    float64: Annotated[
        bool,
        typer.Option(
            "--float64",
            help="Hold what is not bit-equal to the same step in float64; with --teacher.",
        ),
    ] = False,
    repeat: Annotated[
        bool,
        typer.Option(
            "--repeat", help="Train one side twice; what it has otherwise then is no difference."
        ),
    ] = False,
    ops: Annotated[
        bool, typer.Option("--ops", help="Name the first operations that part.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch on each side.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write training.txt, training.json and both work directories."
        ),
    ] = None,
) -> None:
    """Train a config with mmengine's Runner and with our loop, and compare as they go.

    Exit codes: 0 equal in every bit (or one side alone went through); 1 something differs;
    2 wrong usage, bad config, missing data or no reference.
    """
    check_device(device)
    if float64 and repeat:
        raise InputError("--float64 and --repeat are two ways to judge; give one of them")
    if lockstep is not None and iters is not None and iters < lockstep:
        raise InputError(
            f"--iters {iters} is less than --lockstep {lockstep}; give at least as many"
        )
    if out is not None:
        make_folder(out)
    compared = lockstep or min(iters or DEFAULT_ITERATIONS, DEFAULT_ITERATIONS)
    with built_in_data() as spare, _work_dir(out) as work_dir, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of mmengine and mmseg, about themselves
        settings = read_settings(
            config,
            data=data,
            spare=spare,
            small=device == "cpu" if small is None else small,
            workers=workers,
            batch_size=batch_size,
            options=option or (),
        )
        options = TrainOptions(
            side=side.value,
            lockstep=compared,
            iters=iters or compared,
            seed=seed,
            device=device,
            threads=threads,
            teacher=teacher,
            work_dir=work_dir,
            keep=out is not None,
            port=_port(model, map_file),
            repeat=repeat,
            precise=float64,
            ops=ops,
        )
        with _progress(options.iters) as progress:
            training = train_sides(settings, options, progress)
    _write(training, out)
    raise typer.Exit(0 if training.equal or side is not SideName.BOTH else 1)


def _port(model: str | None, map_file: Path | None) -> Port | None:
    if model is None:
        if map_file is not None:
            raise InputError("--map goes with --model")
        return None
    return Port(model, load_candidate(model), read_map(map_file) if map_file else {})


def _write(training: Training, out: Path | None) -> None:
    text = render_training(training)
    if out is not None:
        write_atomically(out / "training.txt", text.encode())
        write_atomically(out / "training.json", render_training_json(training).encode())
    typer.echo(text, nl=False)


@contextmanager
def _work_dir(out: Path | None) -> Iterator[Path]:
    """Where both sides write: into `out`, or nowhere that stays."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="parity-work-") as folder:
        yield Path(folder)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=total)
        yield lambda iteration: bar.update(task, completed=iteration - 1)
