"""``parity dataset``: a data set checked, or made smaller."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from typer import Argument, Option

from parity.cli.console import progress_bar
from parity.guard.data import SPLITS, SplitReport, check_split, splits_of
from parity.guard.shrink import downsample as downsample_data
from parity.guard.shrink import subset as subset_data
from parity.text import visible

SHOWN = 20
app = typer.Typer(help="Check a data set in ADE20K's layout, or make a smaller one.")
Root = Annotated[Path, Argument(help="Holds images/ and annotations/.")]


@app.command()
def check(root: Root) -> None:
    """Decode every image and label map: broken, missing, unpaired and odd-sized files, and ids.

    Exit codes: 0 nothing wrong, 1 something is, 2 there is no such data set.
    """
    wrong = False
    there = splits_of(root)
    for name in SPLITS:
        if name not in there:
            typer.echo(f"{name}: {root / 'images' / name} is not there, and not checked")
            continue
        with _progress(f"checking {name}") as progress:
            found = check_split(root, name, progress)
        typer.echo(_text(found))
        wrong |= bool(found.troubles)
    raise typer.Exit(int(wrong))


@app.command()
def downsample(
    root: Root,
    factor: Annotated[int, Option(min=2, help="What sides are divided by.")],
    out: Annotated[Path | None, Option(help="Default: ROOT_ds_FACTOR.")] = None,
) -> None:
    """Divide the sides of all images and label maps; what is there already is kept.

    Exit codes: 0 all made, 1 some pairs are broken and left out, 2 wrong usage.
    """
    out = out or root.with_name(f"{root.name}_ds_{factor}")
    with _progress("downsampling") as progress:
        made, troubles = downsample_data(root, out, factor=factor, progress=progress)
    _end(made, out, troubles)


@app.command()
def subset(
    root: Root,
    every: Annotated[int | None, Option(min=1, help="One training image in so many.")] = None,
    count: Annotated[int | None, Option(min=1, help="So many training images.")] = None,
    seed: Annotated[int, Option(min=0, max=2**32 - 1, help="Of --count.")] = 0,
    out: Annotated[Path | None, Option(help="Default: ROOT_every_K, ROOT_count_N.")] = None,
) -> None:
    """Copy some of the training images and all validation images.

    Exit codes: 0 all made, 1 some pairs are broken and left out, 2 wrong usage.
    """
    part = f"every_{every}" if every is not None else f"count_{count}_seed_{seed}"
    out = out or root.with_name(f"{root.name}_{part}")
    with _progress("copying") as progress:
        made, troubles = subset_data(
            root, out, every=every, count=count, seed=seed, progress=progress
        )
    _end(made, out, troubles)


def _end(made: int, out: Path, troubles: list[str]) -> None:
    for line in _shown(troubles):
        typer.echo(line, err=True)
    left = f"; {len(troubles)} left out" if troubles else ""
    typer.echo(f"{made} pairs in {out}{left}")
    raise typer.Exit(int(bool(troubles)))


def _text(found: SplitReport) -> str:
    ids = [(at, int(n)) for at, n in enumerate(found.ids) if n]
    total = max(sum(n for _, n in ids), 1)
    few = sorted(ids, key=lambda pair: -pair[1])[:5]
    known = [at for at, _ in ids if at != 255]
    lines = [
        f"{found.name}: {found.images} images, {'x'.join(map(str, found.smallest))} to "
        f"{'x'.join(map(str, found.largest))} (by the shorter side)",
        f"  ids {min(known, default=0)} to {max(known, default=0)}, {len(ids)} in all; most: "
        + ", ".join(f"{at} {n / total:.1%}" for at, n in few)
        + f"; 0 {found.ids[0] / total:.1%}; 255 {found.ids[255] / total:.1%}",
        f"  {len(found.troubles) or 'no'} files are broken, missing, unpaired or odd-sized",
        *(f"  {line}" for line in _shown(found.troubles)),
    ]
    return "\n".join(lines)


def _shown(troubles: Sequence[str]) -> list[str]:
    more = len(troubles) - SHOWN
    return [*map(visible, troubles[:SHOWN]), *([f"and {more:,} more"] if more > 0 else [])]


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task(doing)
        yield lambda done, total: bar.update(task, completed=done, total=total)
