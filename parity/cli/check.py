"""``parity check``: run every step beside the reference and say what differs."""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from parity.candidate.diagnosis import known_mistake
from parity.candidate.run import Options, check_candidate
from parity.candidate.runner import DEFAULT_LIMIT
from parity.compare.cases import (
    Case,
    all_steps,
    default_cases,
    list_root,
    only_needed,
    probe_cases,
    recorded_cases,
)
from parity.compare.check import (
    CaseResult,
    CheckReport,
    check_against,
    run_cases,
    summarise,
    use_one_thread,
)
from parity.compare.compare import Verdict
from parity.compare.exhibit.collect import Collector
from parity.environment import cpu_capability, environment
from parity.errors import InputError, ReferenceUnavailable
from parity.files import file_sha256, write_atomically
from parity.fixtures import fixtures_root, inputs_root
from parity.live import reference_header, reference_installed
from parity.probes.device import check_device
from parity.report.assemble import Evidence, report_of_check
from parity.report.document import Run
from parity.report.json import render_json
from parity.report.markdown import remarks
from parity.report.sentences import worst
from parity.report.write import write_report

# (results, their number) -> the same results, shown and noted down on the way
Watch = Callable[[Iterable[CaseResult], int], Iterator[CaseResult]]
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
        str,
        typer.Option(metavar="A:B", help="Seeds, B excluded; training: one image per seed."),
    ] = "0:40",
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
    device: Annotated[
        str, typer.Option(help="Where the tensors of the model side are, such as cuda.")
    ] = "cpu",
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = min(os.cpu_count() or 1, 8),
    candidate: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:OBJECT",
            help="Your own code in the place of ours: module:object or file.py:object.",
        ),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Candidate: prefer functions that apply given draws.")
    ] = False,
    samples: Annotated[
        int | None,
        typer.Option(min=0, help="Candidate: results a side to compare distributions of."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(min=0.1, help="Candidate: seconds that one call may take.")
    ] = DEFAULT_LIMIT,
) -> None:
    """Run the reimplemented steps, or your own, beside mmsegmentation on the same inputs."""
    only = select_steps(steps or [])
    seed_range = parse_seeds(seeds)
    if live is None:
        live = reference_installed()
    check_device(device)
    started = time.monotonic()
    collector = Collector(only=only)

    def watch(results: Iterable[CaseResult], total: int) -> Iterator[CaseResult]:
        return _progress(collector.watch(results), total)

    if candidate is None and (replay or samples is not None):
        raise InputError("--replay and --samples are about a candidate; name one with --candidate")
    if candidate is not None:
        if device != "cpu":
            raise InputError("--candidate is checked on the CPU; leave --device out")
        options = Options(
            text=candidate,
            seeds=seed_range,
            data=data if live or "PARITY_ADE20K" not in os.environ else None,
            only=only,
            live=live,
            replay=replay,
            limit=time_limit,
            samples=samples,
            examples=None if out is None else out / "examples",
        )
        found = check_candidate(
            options, diagnose=known_mistake, progress=watch, exhibits=collector.exhibits
        )
    elif device != "cpu":
        found = check_on_device(device, seed_range, only, watch)
    elif live:
        found = check_live_cases(data, seed_range, only, jobs, watch)
    else:
        found = check_recorded(data, only, watch)
    if json is not None or out is not None:
        run = describe_run(data, time.monotonic() - started)
        evidence = Evidence(collector.outcomes, collector.exhibits)
        name = {} if candidate is None else {"candidate": candidate}
        document = report_of_check(found, evidence, run, only=only, **name)
        if json is not None:
            write_atomically(json, render_json(document).encode())
        if out is not None:
            write_report(document, out)
    show(found)
    raise typer.Exit(2 if found.broken else EXIT_CODES[found.verdict])


def describe_run(data: Path | None, seconds: float) -> Run:
    """What may differ between two equal checks: the command, the time, the folders."""
    command = " ".join(["parity", *(shlex.quote(word) for word in sys.argv[1:])])
    roots = {"{inputs}": str(inputs_root())}
    if data is not None:
        roots["{data}"] = str(data)
    began = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    return Run(command, began.isoformat(timespec="seconds"), round(seconds, 1), roots)


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
    known = all_steps()
    unknown = [name for name in names if all(name not in (s.name, s.module) for s in known)]
    if unknown:
        listed = ", ".join(dict.fromkeys(step.module for step in known))
        raise InputError(f"no step {', '.join(unknown)}; the steps are {listed}")
    return frozenset(s.name for s in known if s.name in names or s.module in names)


def check_live_cases(
    data: Path | None, seeds: range, only: frozenset[str], jobs: int, watch: Watch
) -> CheckReport:
    """Check the built-in inputs and `data` against live mmsegmentation."""
    versions, notes = reference_header()
    infos = list_root(inputs_root()) + ([] if data is None else list_root(data))
    cases = only_needed(default_cases(infos, seeds), only)
    return summarise(
        watch(run_cases(cases, jobs), len(cases)),
        only=only,
        mode="live",
        versions={**versions, **environment()},
        notes=notes,
        seeds=(seeds.start, seeds.stop),
        inputs=_input_hashes(cases),
    )


def check_on_device(device: str, seeds: range, only: frozenset[str], watch: Watch) -> CheckReport:
    """Check the steps of the model side with their tensors on `device`, in one process."""
    versions, notes = reference_header()
    cases = only_needed(probe_cases(seeds, device=device), only)
    return summarise(
        watch(run_cases(cases, 1), len(cases)),
        only=only,
        mode=f"live, on {device}",
        versions={**versions, **environment()},
        notes=notes,
        seeds=(seeds.start, seeds.stop),
        inputs={},
    )


def check_recorded(data: Path | None, only: frozenset[str], watch: Watch) -> CheckReport:
    """Check against the recording in the fixtures.

    Raises ReferenceUnavailable when `data` is given: a recording cannot answer for it.
    """
    if data is not None and "PARITY_ADE20K" not in os.environ:
        raise ReferenceUnavailable(f"{data}: the recorded reference knows the built-in inputs only")
    use_one_thread()
    pairs, header = recorded_cases(fixtures_root() / "recorded", inputs_root())
    seeds = [case.seed for case, _ in pairs]
    results = (check_against(case, trace) for case, trace in pairs)
    return summarise(
        watch(results, len(pairs)),
        only=only,
        mode="recorded",
        versions={**_recorded_versions(header), **environment()},
        notes=_recorded_notes(header),
        seeds=(min(seeds), max(seeds) + 1),
        inputs=_input_hashes(case for case, _ in pairs),
    )


def _recorded_notes(header: dict[str, Any]) -> tuple[str, ...]:
    notes = ["Compared with a recording, not with live mmsegmentation."]
    recorded_on, here = header["cpu_capability"], cpu_capability()
    if recorded_on != here:
        notes.append(
            f"Recorded on a CPU with {recorded_on}, compared on one with {here}: "
            "sums of floats may differ by rounding."
        )
    return tuple(notes)


def _recorded_versions(header: dict[str, Any]) -> dict[str, str]:
    return {f"recorded {name}": str(text) for name, text in header["versions"].items()}


def _input_hashes(cases: Iterable[Case]) -> dict[str, str]:
    infos = [case.info for case in cases if case.info is not None]
    paths = [path for info in infos for path in (info.img_path, info.seg_map_path)]
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
        for what, text in remarks(row):
            name = f"{row.pipeline}/{row.step}"
            console.print(f"[bold]{name}[/] {what}: {escape(text)}", soft_wrap=True)
    for message in report.broken:
        console.print(f"[bold red]broken input[/] {escape(message)}", soft_wrap=True)
    style = STYLES[report.verdict]
    console.print(
        f"[{style}]{report.verdict}[/]: {report.cases} cases, {report.failed} different, "
        f"{len(report.broken)} broken inputs ({report.mode} reference)"
    )


def _table(report: CheckReport) -> Table:
    table = Table("pipeline")
    table.add_column("step", overflow="fold")
    for name in ("cases", "isolated", "chained", "different", "worst"):
        table.add_column(name, overflow="fold")
    for row in report.summaries:
        verdicts = [f"[{STYLES[v]}]{v}[/]" for v in (row.isolated, row.chained)]
        table.add_row(
            row.pipeline, row.step, str(row.cases), *verdicts, str(row.failed), worst(row)
        )
    return table
