"""``parity check``: run every step beside the reference and say what differs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from parity.compare.check import (
    Case,
    CaseResult,
    CheckReport,
    check_against,
    default_cases,
    list_root,
    recorded_cases,
    run_cases,
    summarise,
)
from parity.compare.compare import Verdict
from parity.environment import environment
from parity.errors import InputError, ReferenceUnavailable
from parity.files import file_sha256, write_atomically
from parity.fixtures import fixtures_root, inputs_root
from parity.live import reference_header, reference_installed
from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.report.json import render_json
from parity.report.markdown import render_markdown, worst

EXIT_CODES = {
    Verdict.EQUAL: 0,
    Verdict.WITHIN: 0,
    Verdict.DIFFERENT: 1,
    Verdict.NOT_COMPARED: 3,
}
STYLES = {
    Verdict.EQUAL: "green",
    Verdict.WITHIN: "yellow",
    Verdict.DIFFERENT: "bold red",
    Verdict.NOT_COMPARED: "dim",
}


def check(
    steps: Annotated[
        list[str] | None, typer.Argument(metavar="[STEP]...", help="Steps to check; default all.")
    ] = None,
    seeds: Annotated[
        str, typer.Option(metavar="A:B", help="Training seeds, B excluded; one image per seed.")
    ] = "0:60",
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="PARITY_ADE20K",
            help="ADE20K-style root to check besides the built-in inputs.",
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write report.json and report.md into this folder.")
    ] = None,
    live: Annotated[
        bool | None,
        typer.Option(
            "--live/--recorded",
            help="Live reference, or the recorded one; default: live where it is installed.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = min(os.cpu_count() or 1, 8),
) -> None:
    """Run the reimplemented steps beside mmsegmentation on the same inputs and seeds."""
    only = select_steps(steps or [])
    seed_range = parse_seeds(seeds)
    if live is None:
        live = reference_installed()
    report = check_live_cases(data, seed_range, only, jobs) if live else check_recorded(data, only)
    if json is not None:
        write_atomically(json, render_json(report).encode())
    if out is not None:
        write_atomically(out / "report.json", render_json(report).encode())
        write_atomically(out / "report.md", render_markdown(report).encode())
    show(report)
    raise typer.Exit(2 if report.broken else EXIT_CODES[report.verdict])


def parse_seeds(text: str) -> range:
    """``A:B`` as a range. Raises InputError unless ``0 <= A < B``."""
    match = re.fullmatch(r"(\d+):(\d+)", text.strip())
    if match is None or int(match[1]) >= int(match[2]) or int(match[2]) > 2**32:
        raise InputError(f"--seeds {text}: give A:B with 0 <= A < B <= 2**32, such as 0:200")
    return range(int(match[1]), int(match[2]))


def select_steps(names: list[str]) -> frozenset[str]:
    """The steps called `names`; a file's name, such as load, stands for all steps in it.

    Raises InputError for an unknown name.
    """
    known: tuple[Step, ...] = (*TrainPipeline().steps, *ValPipeline().steps)
    unknown = [name for name in names if all(name not in (s.name, s.module) for s in known)]
    if unknown:
        listed = ", ".join(dict.fromkeys(step.name for step in known))
        raise InputError(f"no step {', '.join(unknown)}; the steps are {listed}")
    return frozenset(s.name for s in known if s.name in names or s.module in names)


def check_live_cases(
    data: Path | None, seeds: range, only: frozenset[str], jobs: int
) -> CheckReport:
    """Check the built-in inputs and `data` against live mmsegmentation."""
    versions, notes = reference_header()
    infos = list_root(inputs_root()) + ([] if data is None else list_root(data))
    cases = default_cases(infos, seeds)
    return summarise(
        _progress(run_cases(cases, jobs), len(cases)),
        only=only,
        mode="live",
        versions={**versions, **environment()},
        notes=notes,
        seeds=(seeds.start, seeds.stop),
        inputs=_input_hashes(cases),
    )


def check_recorded(data: Path | None, only: frozenset[str]) -> CheckReport:
    """Check against the recording in the fixtures.

    Raises ReferenceUnavailable when `data` is given: a recording cannot answer for it.
    """
    if data is not None and "PARITY_ADE20K" not in os.environ:
        raise ReferenceUnavailable(f"{data}: the recorded reference knows the built-in inputs only")
    pairs, header = recorded_cases(fixtures_root() / "recorded", inputs_root())
    seeds = [case.seed for case, _ in pairs]
    results = (check_against(case, trace) for case, trace in pairs)
    return summarise(
        _progress(results, len(pairs)),
        only=only,
        mode="recorded",
        versions={**_recorded_versions(header), **environment()},
        notes=("Compared with a recording, not with live mmsegmentation.",),
        seeds=(min(seeds), max(seeds) + 1),
        inputs=_input_hashes(case for case, _ in pairs),
    )


def _recorded_versions(header: dict[str, Any]) -> dict[str, str]:
    return {f"recorded {name}": str(text) for name, text in header["versions"].items()}


def _input_hashes(cases: Iterable[Case]) -> dict[str, str]:
    paths = [path for case in cases for path in (case.info.img_path, case.info.seg_map_path)]
    hashes = {}
    for path in dict.fromkeys(path for path in paths if path):
        try:
            hashes[path] = file_sha256(Path(path))
        except InputError:  # reported as broken by its case
            hashes[path] = "unreadable"
    return hashes


def _progress(results: Iterable[CaseResult], total: int) -> Iterator[CaseResult]:
    console = Console(stderr=True)
    return iter(track(results, "checking", total=total, console=console, transient=True))


def show(report: CheckReport) -> None:
    """Print the report as a table."""
    console = Console()
    for name, text in report.versions.items():
        console.print(f"[dim]{escape(name)}[/] {escape(text)}", highlight=False)
    for note in report.notes:
        console.print(f"[yellow]{escape(note)}[/]")
    console.print(_table(report))
    for row in report.summaries:
        if row.first:
            console.print(f"[bold]{row.pipeline}/{row.step}[/] {escape(row.first)}", soft_wrap=True)
    for message in report.broken:
        console.print(f"[bold red]broken input[/] {escape(message)}", soft_wrap=True)
    style = STYLES[report.verdict]
    console.print(
        f"[{style}]{report.verdict}[/]: {report.cases} cases, {report.failed} different, "
        f"{len(report.broken)} broken inputs ({report.mode} reference)"
    )


def _table(report: CheckReport) -> Table:
    table = Table("pipeline", "step", "cases", "isolated", "chained", "different", "worst")
    for row in report.summaries:
        verdicts = [f"[{STYLES[v]}]{v}[/]" for v in (row.isolated, row.chained)]
        table.add_row(
            row.pipeline, row.step, str(row.cases), *verdicts, str(row.failed), worst(row)
        )
    return table
