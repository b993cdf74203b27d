"""Which mistakes the failures of a check look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from parity.compare.cases import Case
from parity.compare.check import CheckReport, Diagnosis, Held, StepKey
from parity.compare.compare import Verdict
from parity.compare.exhibit.collect import CODES, Outcome
from parity.compare.plan import Plan
from parity.compare.trace import run_step
from parity.suspects import diagnose as lineups
from parity.suspects.catalogue import suspects_of
from parity.suspects.closeness import comparable, leaves_of

# Records of one step that a diagnosis is made from: those that differ, and those
# that are right, which rule suspects out.
KEPT_FAILURES, KEPT_EQUAL = 8, 8
# Says which mistake the records of one step look like.
Diagnose = Callable[[Sequence[Held]], Diagnosis]


def known_mistake(records: Sequence[Held]) -> Diagnosis:
    """What the suspects say of the records of one step; empty where they say nothing.

    That is a step without suspects, one whose results are right (a view, a changed input),
    and one that raises or gives something else altogether, which speaks for itself.
    """
    step = records[0][0]
    if not suspects_of(step):
        return Diagnosis()
    pairs = [(expected, actual) for _, expected, actual in records]
    found = lineups.diagnose_many(step, pairs)
    if not found.explanations and not any(
        comparable(leaves_of(expected), leaves_of(actual))
        for expected, actual in pairs[: found.differing]
    ):
        return Diagnosis()
    return _in_words(found)


def _in_words(found: lineups.Diagnosis) -> Diagnosis:
    if not found.differing:
        return Diagnosis()
    if not found.explanations:
        text = "No known mistake explains any of it; it may be a new one."
        seen = f"differs in {found.differing} of {found.cases} cases looked at"
        return Diagnosis(text, (seen,), sure=False)
    if found.level is lineups.Level.PART:
        text = f"In part: {found.explanations[0].summary}"
        return Diagnosis(text, tuple(_share(one, found) for one in found.explanations), sure=False)
    best, *others = found.group
    evidence = [f"{_name(best)}: {best.level} in {found.cases} of {found.cases} cases"]
    if others:
        needs = f"; needs {found.telling}" if found.telling else ""
        listed = ", ".join(map(_name, others))
        evidence.append(f"these cases cannot tell it from {listed}{needs}")
    return Diagnosis(best.summary, tuple(evidence))


def _share(one: lineups.Explanation, found: lineups.Diagnosis) -> str:
    return f"{_name(one)}: {one.level}, {one.share:.0%} in {found.differing} cases that differ"


def _name(one: lineups.Explanation) -> str:
    return " with ".join(one.ids)


def own_failures(
    plan: Plan, outcomes: Iterable[Outcome], rows: Iterable[StepKey]
) -> dict[StepKey, list[Held]]:
    """Records of the steps in `rows`, made by running a few cases of each again.

    Cases in which the step differs from the reference come first, then some in
    which it does not.
    """
    cases = {case.name: case for case in plan.cases}
    known = list(outcomes)
    made = {}
    for key in rows:
        wrong = _cases_with(known, key, CODES[Verdict.DIFFERENT])
        right = _cases_with(known, key, CODES[Verdict.EQUAL])
        names = [*islice(wrong, KEPT_FAILURES), *islice(right, KEPT_EQUAL)]
        made[key] = [_held(plan, cases[name], key[1]) for name in names]
    return {key: records for key, records in made.items() if records}


def _cases_with(outcomes: Sequence[Outcome], key: StepKey, code: str) -> Iterable[str]:
    return (
        outcome.name
        for outcome in outcomes
        if outcome.pipeline == key[0]
        and (key[1], code) in zip(outcome.steps, outcome.isolated, strict=True)
    )


def _held(plan: Plan, case: Case, name: str) -> Held:
    [at] = [place for place, step in enumerate(case.steps) if step.name == name]
    expected = plan.reference(replace(case, steps=case.steps[: at + 1])).steps[at]
    step = plan.plant(case.steps)[at]
    actual = run_step(name, step, expected.input, expected.state_before)
    return case.steps[at], replace(expected, name=name), actual


def with_diagnoses(
    report: CheckReport,
    records: Mapping[StepKey, Sequence[Held]],
    diagnose: Diagnose = known_mistake,
) -> CheckReport:
    """`report` with what is said of the steps in `records`."""
    rows = [
        replace(row, diagnosis=diagnose(records[row.pipeline, row.step]))
        if (row.pipeline, row.step) in records
        else row
        for row in report.summaries
    ]
    return replace(report, summaries=tuple(rows))


def entering(report: CheckReport) -> list[StepKey]:
    """The steps that differ although they are fed the reference's own input."""
    return [
        (row.pipeline, row.step) for row in report.summaries if row.isolated is Verdict.DIFFERENT
    ]
