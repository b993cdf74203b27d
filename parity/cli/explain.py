"""``parity explain``: why a run's score is below the zoo's, from its files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parity.causes.explain import Explanation
from parity.causes.explain import explain as explain_run
from parity.causes.parity_file import read_parity
from parity.errors import InputError
from parity.files import write_atomically
from parity.report.explanation import render_html, render_json, render_markdown, render_text
from parity.runs.read import read_run
from parity.runs.record import Run

UNEXPLAINED = 1


def explain(
    run: Annotated[Path, typer.Argument(help="Work directory of a training, or a file of one.")],
    against: Annotated[
        str,
        typer.Option(
            metavar="ZOO_NAME_OR_RUN",
            help="A zoo result by the name of its config, or another run; default: the zoo's "
            "result of the run's own config.",
        ),
    ] = "",
    console: Annotated[
        Path | None, typer.Option(help="Captured output of the training, of any size.")
    ] = None,
    parity: Annotated[
        Path | None,
        typer.Option(help="What parity check --json wrote of the code."),
    ] = None,
    extension: Annotated[
        list[Path] | None,
        typer.Option(help="A compiled extension of mmcv, to read its architectures from."),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the answer as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the answer as one HTML page.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the answer as Markdown.")] = None,
) -> None:
    """Say why a training run scores below the model zoo, with evidence.

    Exit codes: 0 explained or within noise, 1 the gap is unexplained, 2 input error.
    """
    answer = explain_run(
        read_run(_existing(run), console=console),
        against=_other(against),
        parity=None if parity is None else read_parity(parity),
        extensions=extension or (),
    )
    for path, render in ((json, render_json), (html, render_html), (markdown, render_markdown)):
        if path is not None:
            write_atomically(path, render(answer).encode("utf-8", "replace"))
    typer.echo(render_text(answer), nl=False)
    raise typer.Exit(exit_code(answer))


def exit_code(answer: Explanation) -> int:
    """0 unless a gap stays unexplained."""
    return UNEXPLAINED if answer.status == "unexplained" else 0


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: no such file or directory; give a work directory")
    return path


def _other(against: str) -> str | Run:
    """A run where `against` is a path that exists, else a zoo result's name."""
    if against and Path(against).exists():
        return read_run(Path(against))
    return against
