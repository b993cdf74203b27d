"""``parity check``: run every step beside the reference and say what differs."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from parity.candidate.fixed import check_fixed
from parity.candidate.load import split_name
from parity.candidate.own import check_own
from parity.candidate.project import DEFAULT_SEEDS, Project, add_accepted, find_project, parse_seeds
from parity.candidate.run import CheckOptions, check_candidate
from parity.candidate.runner import DEFAULT_LIMIT
from parity.candidate.steps import select_steps
from parity.check.cases import all_steps
from parity.check.exhibit import Collector, Exhibit
from parity.check.plan import Plan, device_plan, live_plan, recorded_plan
from parity.check.progress import Progress
from parity.check.summary import CheckReport
from parity.cli.console import INTERRUPTED, complain
from parity.cli.jobs import usable_cores
from parity.cli.names import complete_steps
from parity.cli.options import ReportFolder
from parity.cli.progress import Telling
from parity.cli.show import EXIT_CODES, show
from parity.compare.rounding import Rounding
from parity.errors import InputError, WorkerLost
from parity.files import make_folder, write_atomically
from parity.fixtures import inputs_root
from parity.live import reference_installed
from parity.probes.device import check_device
from parity.recipe.plan import recipe_plan
from parity.report.assemble import CheckDetails, origin, report_of_check
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
SETTINGS = {"epilog": EPILOG}


def check(
    steps: Annotated[
        list[str] | None,
        Argument(
            metavar="[STEP]...", help="Steps to check; default all.", autocompletion=complete_steps
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        Option(
            metavar="A:B",
            help="Seeds, B excluded; training takes one image per seed, in turn.",
            show_default=DEFAULT_SEEDS,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        Option(
            envvar="PARITY_ADE20K",
            help="ADE20K-style root to check besides the built-in inputs: every image once, "
            "in training and validation; more seeds than images are further draws.",
        ),
    ] = None,
    json: Annotated[Path | None, Option(help="Write the report as JSON.")] = None,
    out: ReportFolder = None,
    live: Annotated[
        bool | None,
        Option(
            "--live/--recorded",
            help="Live reference, or the recorded one; default: live where it is installed.",
        ),
    ] = None,
    device: Annotated[
        str, Option(help="Where the tensors of the model side are, such as cuda.")
    ] = "cpu",
    jobs: Annotated[
        int, Option(min=1, help="Processes; default: the cores there are, at most 8.")
    ] = usable_cores(8),
    candidate: Annotated[
        str | None,
        Option(
            metavar="MODULE:OBJECT",
            help="Your own code in the place of ours: module:object or file.py:object.",
        ),
    ] = None,
    replay: Annotated[
        bool, Option("--replay", help="Candidate: prefer functions that apply given draws.")
    ] = False,
    config: Annotated[
        str | None,
        Option(
            metavar="ZOO_NAME|PATH|WORK_DIR",
            help="The steps of this config, beside what mmsegmentation builds from it; "
            "candidate: one fixed scheduler or optimizer, held against it.",
        ),
    ] = None,
    samples: Annotated[
        int | None, Option(min=0, help="Candidate: results a side to compare distributions of.")
    ] = None,
    time_limit: Annotated[
        float, Option(min=0.1, help="Candidate: seconds that one call may take.")
    ] = DEFAULT_LIMIT,
    rounding: Annotated[
        Rounding | None,
        Option(
            help="What a difference by rounding alone counts as; default: pass for a candidate "
            "and on a GPU, fail for our own steps on the CPU."
        ),
    ] = None,
    verbose: Annotated[
        bool, Option("--verbose", "-v", help="All versions, notes, steps, and what was left out.")
    ] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="The verdict line only.")] = False,
    write_accepted: Annotated[
        bool,
        Option(
            "--write-accepted",
            help="Candidate: add what differs to pyproject.toml as accepted, reasons left empty.",
        ),
    ] = False,
) -> None:
    """Run our steps, or your own, beside mmsegmentation.

    Both get the same inputs and the same random draws.

    What is not given here is taken from the table tool.parity of the nearest pyproject.toml.
    """
    started = time.monotonic()
    project = find_project()
    candidate = _candidate(candidate, project)
    check_device(device)
    _insist(candidate, device, [replay, samples is not None, write_accepted])
    live = reference_installed() if live is None else live
    data, told = data or project.data, live or _is_asked(data)
    options = CheckOptions(
        text=candidate or "",
        seeds=parse_seeds(seeds) if seeds else project.seeds or parse_seeds(DEFAULT_SEEDS),
        data=data if told else None,
        only=select_steps(steps or project.steps),
        called=steps[0] if steps and len(steps) == 1 else "",
        live=live,
        replay=replay,
        limit=time_limit,
        samples=samples,
        examples=None if out is None else make_folder(out) / "examples",
        class_names=CLASSES,
        rounding=rounding or project.rounding or _rounding(candidate, device),
        accepted=project.accepted,
    )
    collector = Collector(only=options.counted)
    exhibits: list[Exhibit] | None = None if json is None and out is None else []
    with Telling(collector.watch) as telling:
        found = _checked(options, telling, exhibits, config, device, jobs)
        run = origin(time.monotonic() - started, _roots(data, candidate))
        details = CheckDetails(collector.outcomes, exhibits or ())
        written = _write(found, details, run, options, json, out)
    if telling.lost is not None:
        kept = "" if exhibits is None else f"; {out or json} holds what was done until then"
        raise WorkerLost(f"{telling.lost}{kept}")
    for path in () if quiet else written:
        complain(f"wrote {path}")
    show(found, verbose=verbose, quiet=quiet)
    if write_accepted and not telling.interrupted:
        _write_accepted(found.draft)
    ended = 2 if found.broken else EXIT_CODES[found.verdict]
    raise typer.Exit(INTERRUPTED if telling.interrupted else ended)


def _is_asked(data: Path | None) -> bool:
    """Whether a recording, which knows the built-in inputs only, is asked for others in words."""
    return data is not None and "PARITY_ADE20K" not in os.environ


def _checked(
    options: CheckOptions,
    progress: Progress,
    exhibits: list[Exhibit] | None,
    config: str | None,
    device: str,
    jobs: int,
) -> CheckReport:
    """The candidate of `options`, one that is held against a config, or our own steps."""
    if options.text and config is not None:
        return check_fixed(options, config, progress=progress, exhibits=exhibits)
    if options.text:
        return check_candidate(options, progress=progress, exhibits=exhibits)
    plan = _own_plan(options, device, config).only(options.only)
    on_cpu = device == "cpu"
    return check_own(plan, options, progress, jobs=jobs if on_cpu else 1, exhibits=exhibits)


def _rounding(candidate: str | None, device: str) -> Rounding:
    return Rounding.FAIL if candidate is None and device == "cpu" else Rounding.PASS


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


def _insist(candidate: str | None, device: str, about_candidate: list[bool]) -> None:
    """Raises InputError for options that have no meaning together."""
    if candidate is None and any(about_candidate):
        raise InputError(
            "--replay, --samples and --write-accepted are about a candidate; "
            "name one with --candidate"
        )
    if candidate is not None and device != "cpu":
        raise InputError("--candidate is checked on the CPU; leave --device out")


def _own_plan(options: CheckOptions, device: str, config: str | None) -> Plan:
    """What our own steps are checked on."""
    if config is not None:
        if device != "cpu" or not options.live:
            raise InputError("--config is checked live, on the CPU; leave --device and --recorded")
        return recipe_plan(config, options.data, options.seeds)
    if device != "cpu":
        return device_plan(device, options.seeds)
    return live_plan(options.data, options.seeds) if options.live else recorded_plan(options.data)


def _write(
    found: CheckReport,
    details: CheckDetails,
    run: CheckRun,
    options: CheckOptions,
    json: Path | None,
    out: Path | None,
) -> list[Path]:
    """Write the report where it is asked for; gives the files of `out`."""
    if json is None and out is None:
        return []
    name = {"candidate": options.text} if options.text else {}
    document = report_of_check(found, details, run, only=options.only, **name)
    if json is not None:
        write_atomically(json, render_json(document).encode())
    return [] if out is None else list(write_report(document, out))
