"""``parity coverage``: which configs of the zoo are equal, stage by stage."""

import warnings
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from parity.check.workers import in_processes, use_one_thread
from parity.cli.jobs import usable_cores
from parity.coverage.page import page, table
from parity.coverage.stages import ORDER, Stages, config_files, stages_of_files
from parity.errors import InputError
from parity.files import write_atomically
from parity.live import reference_header
from parity.text import did_you_mean

# Processes beyond this wait for memory: each imports mmsegmentation.
MOST_JOBS = 8


def coverage(
    config: Annotated[
        str, Option(metavar="GLOB", help="Configs of the zoo, such as 'pidnet/*'.")
    ] = "*",
    stage: Annotated[
        list[str] | None, Option(help=f"One of: {', '.join(ORDER)}. Default all.")
    ] = None,
    out: Annotated[Path | None, Option(metavar="FILE", help="Write it all as Markdown.")] = None,
    jobs: Annotated[int | None, Option(min=1, help="Processes; default one a core.")] = None,
) -> None:
    """Check the steps of every config of the zoo.

    Each config is read, and run beside what mmsegmentation builds from it.

    Exit codes: 0 no stage differs, 1 one does, 2 wrong usage.
    """
    wanted = tuple(one for one in ORDER if not stage or one in stage)
    for one in stage or ():
        if one not in ORDER:
            raise InputError(f"no stage {one}; {did_you_mean(one, ORDER, ', '.join(ORDER))}")
    files = config_files(config)
    versions, _ = reference_header()
    rows = []
    for row in _rows(files, frozenset(stage or ()), jobs or usable_cores(MOST_JOBS)):
        rows.append(row)
        typer.echo(f"{row.name} {row.different[0] if row.different else ''}".rstrip(), err=True)
    typer.echo(table(rows, wanted), nl=False)
    if out is not None:
        write_atomically(out, page(rows, versions["mmseg"], wanted).encode())
        typer.echo(f"wrote {out}")
    raise typer.Exit(int(any(row.different for row in rows)))


def _rows(files: list[Path], stages: frozenset[str], jobs: int) -> Iterator[Stages]:
    """A folder at a time: its configs have most words in common."""
    warnings.simplefilter("ignore")
    folders = [list(paths) for _, paths in groupby(files, key=lambda path: path.parent)]
    run = partial(stages_of_files, stages=stages)
    if jobs == 1 or len(folders) == 1:
        use_one_thread()
        found: Iterator[list[Stages]] = map(run, ([path] for path in files))
    else:
        found = in_processes(run, folders, min(jobs, len(folders)))
    for rows in found:
        yield from rows
