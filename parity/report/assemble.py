"""Turn a check into a report: every number and sentence that the renderers show."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from functools import partial

from parity.check.exhibit.collect import CODES, NOT_COUNTED, CaseOutcome
from parity.check.exhibit.records import Exhibit
from parity.check.summary import ACCEPTED, DISTRIBUTION, CheckReport, StepKey, StepSummary
from parity.compare.compare import Verdict, worst_verdict
from parity.report import sentences
from parity.report.document import (
    CaseEntry,
    CheckRun,
    InputFile,
    Report,
    Section,
    StepEntry,
    Strip,
    Word,
)
from parity.report.json import canonical
from parity.report.pictures import exhibit_entries
from parity.text import with_marks


@dataclass(frozen=True)
class CheckDetails:
    """What a check kept besides its sums: every case in a line, and some in full."""

    outcomes: Sequence[CaseOutcome] = ()
    exhibits: Sequence[Exhibit] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class _Places:
    """Where steps and exhibits are in the report."""

    steps: dict[StepKey, int]
    strips: dict[str, int]
    exhibits_of_step: dict[StepKey, tuple[int, ...]]
    exhibits_of_case: dict[str, tuple[int, ...]]


def origin(seconds: float, roots: Mapping[str, str]) -> CheckRun:
    """The command as it was typed, when it began, and what stands for which folder.

    roots: folders by the mark that replaces them in paths.
    """
    command = " ".join(["parity", *(shlex.quote(word) for word in sys.argv[1:])])
    began = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    return CheckRun(command, began.isoformat(timespec="seconds"), round(seconds, 1), dict(roots))


def report_of_check(
    check: CheckReport,
    evidence: CheckDetails,
    run: CheckRun,
    *,
    candidate: str = "mmseg-parity's own steps",
    only: frozenset[str] = frozenset(),
) -> Report:
    """The report; paths below a root of `run` begin with its mark. only: the steps asked for."""
    pipelines = dict.fromkeys(row.pipeline for row in check.summaries)
    ordered = [row for name in pipelines for row in check.summaries if row.pipeline == name]
    outcomes = [*evidence.outcomes, *_tests(ordered)]
    strips = _strips(ordered, outcomes)
    places = _places(ordered, strips, evidence.exhibits)
    report = Report(
        verdict=check.verdict.value,
        label=f"incomplete, {check.verdict} so far" if check.incomplete else "",
        sentence=sentences.verdict_sentence(check),
        candidate=candidate,
        reference=sentences.reference_name(check),
        failed=check.verdict is Verdict.DIFFERENT or bool(check.broken or check.incomplete),
        compared=sentences.compared(check, outcomes),
        not_compared=sentences.not_compared(check, only),
        notes=check.notes,
        versions=check.versions,
        seeds=check.seeds,
        inputs=tuple(InputFile(name, digest) for name, digest in check.inputs.items()),
        cases_total=check.cases,
        cases_failed=check.failed,
        broken=check.broken,
        strips=strips,
        steps=tuple(_step_entry(row, places) for row in ordered),
        cases=_case_entries(outcomes, places),
        exhibits=exhibit_entries(evidence.exhibits),
        sections=evidence.sections,
        run=replace(run, minimal={**run.minimal, **check.minimal}),
    )
    return canonical(report, partial(with_marks, roots=run.roots))


def _tests(rows: Sequence[StepSummary]) -> list[CaseOutcome]:
    """Rows that are one test over many results, each as a case."""
    return [
        CaseOutcome(
            name=f"{row.pipeline}/{row.step}",
            pipeline=row.pipeline,
            verdict=row.isolated,
            steps=(row.step,),
            isolated=CODES[row.isolated],
            chained=NOT_COUNTED,
            note=row.first or row.why_skipped,
        )
        for row in rows
        if row.pipeline in (ACCEPTED, DISTRIBUTION)
    ]


def _places(
    rows: Sequence[StepSummary], strips: Sequence[Strip], exhibits: Sequence[Exhibit]
) -> _Places:
    keys = {(row.pipeline, row.step): place for place, row in enumerate(rows)}
    names = {strip.name: place for place, strip in enumerate(strips)}
    return _Places(keys, names, *_exhibit_places(exhibits))


def _exhibit_places(
    exhibits: Sequence[Exhibit],
) -> tuple[dict[StepKey, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    by_step: dict[StepKey, tuple[int, ...]] = {}
    by_case: dict[str, tuple[int, ...]] = {}
    listed = list(exhibits)
    for place, exhibit in enumerate(listed):
        facts = exhibit.facts
        key = (facts.pipeline, facts.step)
        by_step[key] = (*by_step.get(key, ()), place)
        by_case[facts.case] = (*by_case.get(facts.case, ()), place)
    ordered = {
        key: tuple(sorted(places, key=lambda place: _smallness(listed[place])))
        for key, places in by_step.items()
    }
    return ordered, by_case


def _smallness(exhibit: Exhibit) -> tuple[bool, bool, bool, float]:
    """Sorts what enters at a step, and the largest difference, to the front."""
    worst = max((row.comparison.weight for row in exhibit.facts.leaves), default=(True, True, 0.0))
    return exhibit.facts.chained, not worst[0], not worst[1], -worst[2]


def _strips(rows: Sequence[StepSummary], outcomes: Sequence[CaseOutcome]) -> tuple[Strip, ...]:
    """One strip per pipeline; one of seeded inputs of which every case has one step is single."""
    longest: dict[str, int] = {}
    unknown = 1 if outcomes else 2  # without outcomes, nothing tells
    for outcome in outcomes:
        length = max(len(outcome.steps), 2 * outcome.file)
        longest[outcome.pipeline] = max(longest.get(outcome.pipeline, 0), length)
    of: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        of.setdefault(row.pipeline, []).append(place)
    for name in longest:  # all of whose cases are broken
        of.setdefault(name, [])
    return tuple(
        _strip(name, places, rows, longest.get(name, unknown)) for name, places in of.items()
    )


def _strip(name: str, places: list[int], rows: Sequence[StepSummary], longest: int) -> Strip:
    mine = [rows[place] for place in places]
    return Strip(
        name=name,
        kind="pipeline" if longest > 1 else "single",
        steps=tuple(places),
        isolated=worst_verdict(row.isolated for row in mine).value,
        chained=worst_verdict(row.chained for row in mine).value,
        sentence=sentences.strip_sentence(mine, chain=longest > 1),
    )


# What an entry has as the summary has it.
_SAME = tuple(one.name for one in fields(StepEntry) if one.name in StepSummary.__annotations__)


def _step_entry(row: StepSummary, places: _Places) -> StepEntry:
    same = {name: getattr(row, name) for name in _SAME}
    verdicts = {"isolated": row.isolated.value, "chained": row.chained.value}
    return StepEntry(
        **{**same, **verdicts},
        enters=row.isolated is Verdict.DIFFERENT,
        worst=sentences.worst(row),
        exhibits=places.exhibits_of_step.get((row.pipeline, row.step), ()),
    )


# Failing cases first, then broken ones and others of which nothing was compared.
_ORDER: tuple[Word, ...] = ("different", "not compared", "within tolerance", "equal")


def _case_entries(outcomes: Sequence[CaseOutcome], places: _Places) -> tuple[CaseEntry, ...]:
    entries = (_case_entry(outcome, places) for outcome in outcomes)
    return tuple(sorted(entries, key=lambda entry: _ORDER.index(entry.verdict)))


def _case_entry(outcome: CaseOutcome, places: _Places) -> CaseEntry:
    kept = [
        (places.steps[outcome.pipeline, step], isolated, chained)
        for step, isolated, chained in zip(
            outcome.steps, outcome.isolated, outcome.chained, strict=True
        )
        if (outcome.pipeline, step) in places.steps
    ]
    return CaseEntry(
        name=outcome.name,
        strip=places.strips[outcome.pipeline],
        verdict=outcome.verdict.value,
        steps=tuple(place for place, _, _ in kept),
        isolated="".join(code for _, code, _ in kept),
        chained="".join(code for _, _, code in kept),
        note=outcome.note,
        broken=outcome.broken,
        exhibits=places.exhibits_of_case.get(outcome.name, ()),
    )
