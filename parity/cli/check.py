"""``parity check``: run every step beside the reference and say what differs."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from parity.candidate.fixed import check_fixed
from parity.candidate.load import split_name
from parity.candidate.own import check_own
from parity.candidate.project import (
    DEFAULT_SEEDS,
    Project,
    add_accepted,
    find_project,
    parse_seeds,
)
from parity.candidate.run import CheckOptions, check_candidate
from parity.candidate.runner import DEFAULT_LIMIT
from parity.candidate.steps import PIPELINE, select_steps
from parity.check.cases import all_steps
from parity.check.exhibit import Collector, Exhibit
from parity.check.plan import Plan, device_plan, live_plan, recorded_plan
from parity.check.summary import CheckReport
from parity.cli.console import complain
from parity.cli.jobs import usable_cores
from parity.cli.names import complete_steps
from parity.cli.origin import origin
from parity.cli.progress import Telling
from parity.cli.show import EXIT_CODES, INTERRUPTED, show
from parity.compare.rounding import Rounding
from parity.errors import InputError, WorkerLost
from parity.files import make_folder, write_atomically
from parity.fixtures import inputs_root
from parity.live import reference_installed
from parity.probes.device import check_device
from parity.recipe.plan import recipe_plan
from parity.report.assemble import CheckDetails, report_of_check
from parity.report.document import CheckRun
from parity.report.json import render_json
from parity.report.palette import CLASSES
from parity.report.write import write_report

EPILOG = f"""Steps: {", ".join(dict.fromkeys(step.module for step in all_steps()))}; each stands
for all steps of its file, which parity steps lists.

\b
Exit codes:
    0  equal, or within a named tolerance
    1  different
    2  wrong usage, an input that cannot be read, or a process that was lost
    3  nothing was compared
  130  ended by Ctrl-C; the report holds what was done until then

\b
Examples:
  parity check crop resize --seeds 0:200
  parity check loss --candidate train.py:criterion --out reports/mine
"""


def check(
    steps: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STEP]...",
            help="Steps to check; default all.",
            autocompletion=complete_steps,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="A:B",
            help="Seeds, B excluded; training takes one image per seed, in turn.",
            show_default=DEFAULT_SEEDS,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="PARITY_ADE20K",
            help="ADE20K-style root to check besides the built-in inputs: every image once, "
            "in training and validation; more seeds than images are further draws.",
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the report into this folder: HTML, Markdown, JSON, JUnit."),
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
    jobs: Annotated[
        int, typer.Option(min=1, help="Processes; default: the cores there are, at most 8.")
    ] = usable_cores(8),
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
    config: Annotated[
        str | None,
        typer.Option(
            metavar="ZOO_NAME|PATH|WORK_DIR",
            help="The steps of this config, beside what mmsegmentation builds from it; "
            "candidate: one fixed scheduler or optimizer, held against it.",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(min=0, help="Candidate: results a side to compare distributions of."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(min=0.1, help="Candidate: seconds that one call may take.")
    ] = DEFAULT_LIMIT,
    rounding: Annotated[
        Rounding | None,
        typer.Option(
            help="What a difference by rounding alone counts as; default: pass for a candidate "
            "and on a GPU, fail for our own steps on the CPU.",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="All versions, notes, steps, and what was left out."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The verdict line only.")] = False,
    write_accepted: Annotated[
        bool,
        typer.Option(
            "--write-accepted",
            help="Candidate: add what differs to pyproject.toml as accepted, reasons left empty.",
        ),
    ] = False,
) -> None:
    """Run the reimplemented steps, or your own, beside mmsegmentation on the same inputs.

    What is not given here is taken from the table tool.parity of the nearest pyproject.toml.
    """
    started = time.monotonic()
    project = find_project()
    candidate = _candidate(candidate, project)
    steps = steps or [*project.steps]
    only = select_steps(steps)
    seed_range = parse_seeds(seeds) if seeds else project.seeds or parse_seeds(DEFAULT_SEEDS)
    rounding = rounding or project.rounding
    if live is None:
        live = reference_installed()
    check_device(device)
    about_candidate = bool(replay or samples is not None or write_accepted)
    _insist(candidate, device, about_candidate=about_candidate)
    if out is not None:
        make_folder(out)
    # A recording knows the built-in inputs only; asked for other ones in so many words, it says so.
    told = data is not None and "PARITY_ADE20K" not in os.environ
    data = data or project.data
    asked = data if live or told else None
    examples = None if out is None else out / "examples"
    counted = only | {PIPELINE} if only and candidate is not None else only
    collector = Collector(only=counted)
    shown = json is not None or out is not None
    with Telling(collector.watch) as telling:
        exhibits: list[Exhibit] = []
        if candidate is not None:
            options = CheckOptions(
                text=candidate,
                seeds=seed_range,
                data=asked,
                only=only,
                live=live,
                replay=replay,
                limit=time_limit,
                samples=samples,
                examples=examples,
                class_names=CLASSES,
                rounding=rounding or Rounding.PASS,
                accepted=project.accepted,
            )
            run_it = check_candidate if config is None else partial(check_fixed, config=config)
            found = run_it(options, progress=telling, exhibits=exhibits)
        else:
            plan = own_plan(asked, seed_range, device=device, live=live, config=config).only(only)
            found = check_own(
                plan,
                telling,
                only,
                jobs if device == "cpu" else 1,
                exhibits=exhibits if shown else None,
                class_names=CLASSES,
                examples=examples,
                rounding=rounding or (Rounding.FAIL if device == "cpu" else Rounding.PASS),
            )
        run = origin(time.monotonic() - started, _roots(data, candidate))
        evidence = CheckDetails(collector.outcomes, exhibits)
        written = write(found, evidence, run, candidate=candidate, only=only, json=json, out=out)
    if telling.lost is not None:
        kept = f"; {out or json} holds what was done until then" if shown else ""
        raise WorkerLost(f"{telling.lost}{kept}")
    for path in () if quiet else written:
        complain(f"wrote {path}")
    show(found, verbose=verbose, quiet=quiet)
    if telling.interrupted:
        raise typer.Exit(INTERRUPTED)
    if write_accepted:
        _write_accepted(found.draft)
    raise typer.Exit(2 if found.broken else EXIT_CODES[found.verdict])


def _candidate(given: str | None, project: Project) -> str | None:
    """The candidate to check; given as "", our own steps, whatever the project says."""
    if given is None and project.candidate is None and project.accepted:
        raise InputError(
            f"{project.file}: [[tool.parity.accepted]] is about code of yours; add candidate = "
            f'"module:object" to [tool.parity], or name it with --candidate ("" for our own steps)'
        )
    return (project.candidate if given is None else given) or None


def _write_accepted(draft: str) -> None:
    if not draft:
        complain("nothing differs that could be accepted")
        return
    file = add_accepted(draft)
    if file is None:
        typer.echo(draft)
    where = "the lines above" if file is None else str(file)
    complain(f"drafted accepted differences: {where}; fill in each reason, which may not be empty")


def _roots(data: Path | None, candidate: str | None) -> dict[str, str]:
    """The folders whose names are replaced by a mark in the report."""
    roots = {"{inputs}": str(inputs_root())}
    if data is not None:
        roots["{data}"] = str(data)
    file = Path(split_name(candidate)[0]) if candidate is not None else None
    if file is not None and file.suffix == ".py":
        roots["{candidate}"] = str(file.resolve().parent)
    return roots


def _insist(candidate: str | None, device: str, *, about_candidate: bool) -> None:
    """Raises InputError for options that have no meaning together."""
    if candidate is None and about_candidate:
        raise InputError(
            "--replay, --samples and --write-accepted are about a candidate; "
            "name one with --candidate"
        )
    if candidate is not None and device != "cpu":
        raise InputError("--candidate is checked on the CPU; leave --device out")


def own_plan(
    data: Path | None, seeds: range, *, device: str, live: bool, config: str | None = None
) -> Plan:
    """What our own steps are checked on."""
    if config is not None:
        if device != "cpu" or not live:
            raise InputError("--config is checked live, on the CPU; leave --device and --recorded")
        return recipe_plan(config, data, seeds)
    if device != "cpu":
        return device_plan(device, seeds)
    return live_plan(data, seeds) if live else recorded_plan(data)


def write(
    found: CheckReport,
    evidence: CheckDetails,
    run: CheckRun,
    *,
    candidate: str | None,
    only: frozenset[str],
    json: Path | None,
    out: Path | None,
) -> list[Path]:
    """Write the report where it is asked for; gives the files of `out`."""
    if json is None and out is None:
        return []
    name = {} if candidate is None else {"candidate": candidate}
    document = report_of_check(found, evidence, run, only=only, **name)
    if json is not None:
        write_atomically(json, render_json(document).encode())
    return [] if out is None else list(write_report(document, out))
