"""For the tests of your own repository: `assert_parity`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from parity.candidate.example import importable_name
from parity.candidate.judge import mistake_of
from parity.candidate.load import load_candidate
from parity.candidate.project import DEFAULT_SEEDS, find_project, parse_seeds
from parity.candidate.run import CheckOptions, check_with
from parity.candidate.runner import DEFAULT_LIMIT, InProcess
from parity.candidate.steps import PIPELINE, candidate_from, select_steps
from parity.check.summary import ACCEPTED, DISTRIBUTION, CheckReport, StepSummary
from parity.compare.compare import Verdict
from parity.compare.rounding import Rounding
from parity.errors import InputError, ParityError
from parity.live import reference_installed
from parity.suspects.failures import Diagnose

__all__ = ["assert_parity"]

# Steps of which a failure tells the first difference.
MOST = 6


def assert_parity(
    step: str,
    candidate: Any = None,
    *,
    seeds: Iterable[int] | None = None,
    data: str | Path | None = None,
    live: bool | None = None,
    replay: bool = False,
    samples: int | None = None,
    rounding: str | Rounding | None = None,
    time_limit: float = DEFAULT_LIMIT,
    diagnose: Diagnose | None = mistake_of,
    example: str | Path | None = None,
) -> None:
    """Fail unless ``parity check STEP --candidate ...`` passes for `candidate`.

    step: such as "crop", or "pipeline" for all that follows loading. candidate: what
    ``--candidate`` takes, or a function of any name that stands for the step. live:
    insist on mmsegmentation, or (False) on our own steps, which ``parity check`` holds
    bit-equal to it; None takes what is installed. diagnose: see
    `parity.candidate.run.check_candidate`. example: a folder for minimal examples. The
    others are options of the command; what is not given is taken from the table
    ``tool.parity`` of the nearest pyproject.toml, as are accepted differences.

    Raises AssertionError with the first difference and the mistake it looks like;
    InputError for an unknown step, and when nothing could be compared.
    """
    __tracebackhide__ = True
    try:
        project = find_project()
        given = _given(project.candidate if candidate is None else candidate)
        options = CheckOptions(
            text=importable_name(given),
            seeds=_seeds(seeds) or project.seeds or parse_seeds(DEFAULT_SEEDS),
            data=project.data if data is None else Path(data),
            only=frozenset({step}) if step == PIPELINE else select_steps([step]),
            live=reference_installed() if live is None else live,
            stand_in=True,
            replay=replay,
            limit=time_limit,
            samples=samples,
            examples=None if example is None else Path(example),
            rounding=Rounding(rounding or project.rounding or Rounding.PASS),
            accepted=project.accepted,
        )
        name = options.text or step
        sorted_parts = candidate_from(given, name, asked=options.only, called=step)
        report = check_with(InProcess(sorted_parts, limit=time_limit), options, diagnose=diagnose)
    except ParityError as error:
        # Where it was raised in this package says nothing to the reader of a test.
        raise type(error)(str(error)) from None
    if report.verdict is Verdict.NOT_COMPARED:
        raise InputError(f"{step}: nothing was compared; {_why_not(report)}")
    if report.verdict is Verdict.DIFFERENT:
        raise AssertionError(_message(step, report, live=options.live))


def _given(candidate: Any) -> Any:
    if candidate is None:
        raise InputError(
            "no candidate is given; give one, or set candidate in [tool.parity] of pyproject.toml"
        )
    return load_candidate(candidate) if isinstance(candidate, str) else candidate


def _seeds(seeds: Iterable[int] | None) -> range | None:
    """`seeds` as a range; None for None."""
    listed = [] if seeds is None else list(seeds)
    if seeds is None:
        return None
    if not listed or listed != list(range(listed[0], listed[0] + len(listed))):
        raise InputError(f"seeds {listed[:5]}: give a range that is not empty, such as range(40)")
    return range(listed[0], listed[-1] + 1)


def _why_not(report: CheckReport) -> str:
    reasons = [row.why_skipped for row in report.summaries if row.why_skipped]
    reasons += map(str, report.unexercised)
    return next(iter(reasons), "the candidate does not give this step")


def _message(name: str, report: CheckReport, *, live: bool) -> str:
    """What differs, what it looks like, and where the minimal examples are."""
    beside = f"mmsegmentation {report.versions['mmseg']}" if live else "the steps of mmseg-parity"
    failed = [row for row in report.summaries if row.failed]
    steps = [row for row in failed if row.pipeline not in (ACCEPTED, DISTRIBUTION)]
    steps.sort(key=lambda row: row.isolated is not Verdict.DIFFERENT)  # what enters there first
    lines = [_head(name, steps, failed, beside)]
    lines += [f"first: {steps[0].first}"] if steps else []
    lines += [_also(row) for row in steps[1:MOST]]
    lines += [f"and {len(steps) - MOST} more steps"] if len(steps) > MOST else []
    lines += [f"{row.pipeline}/{row.step}: {row.first}" for row in failed if row not in steps]
    lines += [f"looks like: {row.diagnosis}" for row in steps if row.diagnosis.text]
    lines += [f"minimal example: {path}" for path in report.minimal.values()]
    lines += [note for note in report.notes if note.startswith("No minimal example")]
    lines += [f"not exercised: {one}" for one in report.unexercised]
    return "\n".join(lines)


def _head(name: str, steps: list[StepSummary], failed: list[StepSummary], beside: str) -> str:
    if steps:
        amount, cases = sum(row.failed for row in steps), sum(row.cases for row in steps)
        return f"{name} differs from {beside} in {amount} of {cases} cases"
    if any(row.pipeline == DISTRIBUTION for row in failed):
        return f"{name} is not distributed as in {beside}"
    return f"{name} no longer differs from {beside} as is accepted"


def _also(row: StepSummary) -> str:
    return f"also {row.pipeline}/{row.step} in {row.failed} of {row.cases} cases: {row.first}"
