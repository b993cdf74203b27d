"""``parity train``: a config trained by mmengine's Runner and by our loop, side by side."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from parity.candidate.load import load_candidate
from parity.cli.console import INTERRUPTED, complain
from parity.cli.options import Config
from parity.cli.progress import Telling
from parity.errors import InputError
from parity.files import make_folder, write_atomically
from parity.probes.device import check_device
from parity.report.training import render_training
from parity.report.training_json import render_training_json
from parity.report.training_page import render_training_html
from parity.train.asked import TrainOptions
from parity.train.equivalence import MARGIN
from parity.train.mapping import read_map
from parity.train.ported import Port
from parity.train.record import Training
from parity.train.roots import built_in_data
from parity.train.seeds import Trainings, train_seeds
from parity.train.settings import TrainingSettings, read_settings
from parity.train.whole import for_whole, interval_of

DEFAULT_ITERATIONS = 20
MAX_SEED = 2**32 - 1 - 1024  # a worker's seed is this and its number


class SideName(str, Enum):
    """Which side trains."""

    BOTH = "both"
    REFERENCE = "reference"
    CANDIDATE = "candidate"


def train(
    config: Config,
    lockstep: Annotated[
        int | None,
        Option(metavar="K", min=1, help="Iterations to compare in everything; default 20."),
    ] = None,
    side: Annotated[SideName, Option(help="Which side trains.")] = SideName.BOTH,
    iters: Annotated[
        int | None,
        Option(
            metavar="N",
            min=1,
            help="Iterations of the schedule to run; after K only losses, generators and the "
            "last weights are compared. Default: K.",
        ),
    ] = None,
    seeds: Annotated[
        str,
        Option(
            "--seeds",
            "--seed",
            metavar="S,S,...",
            help="Of both sides; with several, one training after the other, and their scores.",
        ),
    ] = "0",
    interval: Annotated[
        int | None,
        Option(
            metavar="M",
            min=0,
            help="Iterations between validations and checkpoints, with --iters; 0: neither. "
            "Default: half of N.",
        ),
    ] = None,
    shorten: Annotated[
        bool, Option("--shorten", help="The whole schedule in N iterations.")
    ] = False,
    amp: Annotated[bool, Option("--amp", help="In mixed precision (bfloat16 on the CPU).")] = False,
    margin: Annotated[
        float, Option(min=0.001, help="Scores that are closer count as equivalent, in percent.")
    ] = MARGIN,
    resume: Annotated[
        bool, Option("--resume", help="Go on with what is in the folder of --out.")
    ] = False,
    data: Annotated[
        Path | None,
        Option(
            metavar="ROOT",
            help="Root of the data set; default: the config's own, or built-in images.",
        ),
    ] = None,
    device: Annotated[str, Option(help="cpu or cuda.")] = "cpu",
    small: Annotated[
        bool | None,
        Option(
            "--small/--full",
            help="Sizes of crop and resize divided by 8, batches of 2, no workers; the default "
            "on the CPU.",
        ),
    ] = None,
    workers: Annotated[
        int | None, Option(min=0, help="Processes that load data; default: the config's.")
    ] = None,
    batch_size: Annotated[
        int | None, Option(min=1, help="Images a batch; default: the config's.")
    ] = None,
    option: Annotated[
        list[str] | None,
        Option(metavar="KEY.KEY=VALUE", help="Another value of the config, on both sides."),
    ] = None,
    model: Annotated[
        str | None, Option(metavar="FILE.PY:MAKE", help="A model of your own for our side.")
    ] = None,
    map_file: Annotated[
        Path | None,
        Option("--map", metavar="FILE", help='JSON: {"name in the reference": "name in --model"}.'),
    ] = None,
    teacher: Annotated[
        bool, Option("--teacher", help="Give our side the reference's state before each iteration.")
    ] = False,
    float64: Annotated[
        bool,
        Option(
            "--float64",
            help="Hold what is not bit-equal to the same step in float64; with --teacher.",
        ),
    ] = False,
    repeat: Annotated[
        bool,
        Option(
            "--repeat", help="Train one side twice; what it has otherwise then is no difference."
        ),
    ] = False,
    ops: Annotated[bool, Option("--ops", help="Name the first operations that part.")] = False,
    threads: Annotated[int, Option(min=1, help="Threads of torch on each side.")] = 1,
    out: Annotated[
        Path | None,
        Option(metavar="DIR", help="Write training.txt, training.json and both work directories."),
    ] = None,
) -> None:
    """Train with mmengine's Runner and with our loop.

    The two are compared as they go.

    Exit codes: 0 equal in every bit (or one side alone went through); 1 something differs;
    2 wrong usage, bad config, missing data or no reference.
    """
    check_device(device)
    _insist_on_one(float64, repeat)
    _insist(side, ("--teacher", teacher), ("--float64", float64), ("--ops", ops))
    if model is not None and side is SideName.REFERENCE:
        raise InputError("--model is of our side; --side reference trains without it")
    if interval is not None and iters is None:
        raise InputError("--interval goes with --iters; without it nothing is validated or saved")
    several, compared = _seeds(seeds), _compared(lockstep, iters)
    every = 0 if iters is None else interval_of(iters, interval)
    with built_in_data() as spare, _work_dir(out, resume) as work_dir, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of mmengine and mmseg, about themselves
        settings = read_settings(
            config,
            data=data,
            spare=spare,
            small=device == "cpu" if small is None else small,
            workers=workers,
            batch_size=batch_size,
            options=option or (),
            validated=every > 0,
        )
        settings = for_whole(settings, iters or compared, every, shorten=shorten, amp=amp)
        options = TrainOptions(
            side=side.value,
            lockstep=compared,
            iters=iters or compared,
            device=device,
            threads=threads,
            teacher=teacher,
            work_dir=work_dir,
            keep=out is not None,
            port=_port(model, map_file),
            repeat=repeat,
            precise=float64,
            ops=ops,
            interval=every,
            resume=resume,
        )
        ended = _train(settings, options, several, margin, out)
    raise typer.Exit(ended)


def _train(
    settings: TrainingSettings,
    options: TrainOptions,
    several: tuple[int, ...],
    margin: float,
    out: Path | None,
) -> int:
    """Train, and write what came of it. Gives the exit code."""
    with Telling(unit="iterations") as telling:
        trainings: tuple[Training, ...] = ()
        with telling.counting("training", options.iters * len(several)) as count:
            trainings = train_seeds(settings, options, several, lambda at: count(at - 1))
        found = Trainings(trainings, margin, several)
        _write(found, out)
    return INTERRUPTED if telling.interrupted else _exit_code(found)


def _insist_on_one(float64: bool, repeat: bool) -> None:
    if float64 and repeat:
        raise InputError("--float64 and --repeat are two ways to judge; give one of them")


def _insist(side: SideName, *asked: tuple[str, bool]) -> None:
    """Raises InputError where one side alone is asked for what only both can do."""
    for option, given in asked:
        if given and side is not SideName.BOTH:
            raise InputError(f"{option} compares both sides; leave out --side {side.value}")


def _compared(lockstep: int | None, iters: int | None) -> int:
    """Iterations to compare in everything. Raises InputError where fewer are run."""
    if lockstep is not None and iters is not None and iters < lockstep:
        raise InputError(
            f"--iters {iters} is less than --lockstep {lockstep}; give at least as many"
        )
    return lockstep or min(iters or DEFAULT_ITERATIONS, DEFAULT_ITERATIONS)


def _exit_code(found: Trainings) -> int:
    """2 where nothing differs, but a training did not come to its end."""
    both = [training for training in found.each if training.options.side == SideName.BOTH]
    tallies = [training.tally for training in both if training.tally is not None]
    if any(tally.first is not None for tally in tallies):
        return 1
    return 2 if any(tally.stopped for tally in tallies) else 0


def _port(model: str | None, map_file: Path | None) -> Port | None:
    if model is None:
        if map_file is not None:
            raise InputError("--map goes with --model")
        return None
    return Port(model, load_candidate(model), read_map(map_file) if map_file else {})


def _seeds(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 <= one <= MAX_SEED for one in found) or len({*found}) < len(found):
        raise InputError(f"--seeds {text!r}: give different whole numbers from 0 to {MAX_SEED}")
    return found


def _write(found: Trainings, out: Path | None) -> None:
    if not found.each:
        complain("interrupted before anything was compared")
        return
    text = render_training(found)
    if out is not None:
        write_atomically(out / "training.txt", text.encode())
        write_atomically(out / "training.json", render_training_json(found).encode())
        write_atomically(out / "training.html", render_training_html(found).encode())
    typer.echo(text, nl=False)


@contextmanager
def _work_dir(out: Path | None, resume: bool) -> Iterator[Path]:
    """Where both sides write: into `out`, or nowhere that stays. Raises InputError."""
    if resume and (out is None or not out.is_dir()):
        raise InputError("--resume needs --out with the folder of what was begun")
    if out is not None:
        make_folder(out)
        yield out
        return
    # After Ctrl-C a side may still be writing there.
    with tempfile.TemporaryDirectory(prefix="parity-work-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
