"""``parity explain``: why a run's score is below the zoo's, from its files alone."""

import time
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from parity.cli.names import complete_zoo
from parity.cli.options import ReportFolder
from parity.errors import FolderOfRuns, InputError
from parity.explain.explain import Judgement
from parity.explain.explain import explain as explain_run
from parity.files import make_folder, write_atomically
from parity.report.assemble import origin
from parity.report.explained import report_of_explanation
from parity.report.explanation import render_all, render_json
from parity.report.html import render_html
from parity.report.json import read_parity
from parity.report.markdown import render_markdown
from parity.report.terminal import render_text
from parity.report.write import write_report
from parity.runs.read import read_run
from parity.runs.record import Run

UNEXPLAINED, NOTHING_COMPARED = 1, 3


def explain(
    run: Annotated[Path, Argument(help="Work directory of a training, or a file of one.")],
    against: Annotated[
        str,
        Option(
            metavar="ZOO_NAME_OR_RUN",
            help="A zoo result by the name of its config, or another run; default: the zoo's "
            "result of the run's own config.",
            autocompletion=complete_zoo,
        ),
    ] = "",
    console: Annotated[
        Path | None, Option(help="Captured output of the training, of any size.")
    ] = None,
    parity: Annotated[
        Path | None, Option(help="What parity check --json wrote of the code.")
    ] = None,
    extension: Annotated[
        list[Path] | None,
        Option(help="A compiled extension of mmcv, to read its architectures from."),
    ] = None,
    out: ReportFolder = None,
    html: Annotated[Path | None, Option(help="Write the report as one HTML page.")] = None,
    markdown: Annotated[Path | None, Option(help="Write the report as Markdown.")] = None,
    json: Annotated[
        Path | None, Option(help="Write every field of the answer as JSON, for programs.")
    ] = None,
    everything: Annotated[
        bool, Option("--all", help="Print everything: what was ruled out, not checked, ...")
    ] = False,
) -> None:
    """Say why a run scores below the model zoo, with evidence.

    Exit codes: 0 explained or within noise; 1 the gap is unexplained or not settled; 2 an input
    cannot be read; 3 nothing was compared (no score, no row, not comparable, a folder of runs).
    """
    started = time.monotonic()
    if out is not None:
        make_folder(out)
    try:
        mine = read_run(_existing(run), console=console)
    except FolderOfRuns as error:
        typer.echo(f"{error}; python extract_tables.py --runs {run} lists them all", err=True)
        raise typer.Exit(NOTHING_COMPARED) from error
    answer = explain_run(
        mine,
        against=_other(against),
        parity=None if parity is None else read_parity(parity),
        extensions=extension or (),
    )
    made = origin(time.monotonic() - started, {"{run}": answer.path})
    report = report_of_explanation(answer, made)
    if json is not None:
        write_atomically(json, render_json(answer).encode())
    for path, render in ((html, render_html), (markdown, render_markdown)):
        if path is not None:
            write_atomically(path, render(report).encode())
    for path in () if out is None else write_report(report, out):
        typer.echo(f"wrote {path}", err=True)
    typer.echo(render_all(answer) if everything else render_text(answer), nl=False)
    raise typer.Exit(exit_code(answer))


def exit_code(answer: Judgement) -> int:
    """0 for an answer, 1 for a gap without one, 3 where nothing was compared."""
    if answer.status in ("unexplained", "not settled"):
        return UNEXPLAINED
    return NOTHING_COMPARED if answer.status in ("no gap", "not comparable") else 0


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: no such file or directory; give a work directory")
    return path


def _other(against: str) -> str | Run:
    """A run where `against` is a path that exists, else a zoo result's name."""
    if against and Path(against).exists():
        return read_run(Path(against))
    return against
