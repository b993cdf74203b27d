"""Which mistakes the failures of a check look like."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from parity.check.summary import CheckReport, IsolatedRun, Likeness, StepKey
from parity.compare.compare import Verdict
from parity.compare.rounding import bound, roundings_of
from parity.compare.trace import StepRecord, compare_records
from parity.suspects import diagnose as trials
from parity.suspects.budget import SECONDS
from parity.suspects.catalogue import suspects_of
from parity.suspects.likeness import comparable, finite_parts_agree, leaves_of, size_of
from parity.suspects.mistake import Function
from parity.suspects.search import Level
from parity.suspects.suspect import Suspect
from parity.suspects.trial import Combination

# Records of one step that a diagnosis is made from: those that differ, and those
# that are right, which rule suspects out.
KEPT_FAILURES, KEPT_EQUAL = 8, 8
# What the arrays of the failures of a step may take together, and those that are right of all.
KEPT_BYTES = 2**28
# Bytes from which on a record is not searched, where all other steps of its function were in vain.
LARGE = 2**26
UNKNOWN = "No known mistake explains it; it may be a new one."
# What reproduces each of the rows of one function that were looked at: tried first, and added to.
Siblings = list[tuple[Combination, ...]]
# Says which mistake the records of one step look like.
Diagnose = Callable[[Sequence[IsolatedRun], Siblings], Likeness]


def known_mistake(
    records: Sequence[IsolatedRun],
    siblings: Siblings | None = None,
    *,
    pairs: bool = True,
    suspects: Sequence[Suspect] | None = None,
) -> Likeness:
    """What the suspects say of the records of one step; empty where they say nothing.

    siblings: of other steps that the same function does; what reproduces this one is added.
    pairs: whether two mistakes together are tried where none alone gives it all.
    suspects: those of the step by default.
    That is a step without suspects, one whose results are right (a view, a changed input),
    and one that raises or gives something else altogether, which speaks for itself.
    """
    step = records[0][0]
    suspects = suspects_of(step) if suspects is None else suspects
    if not suspects:
        return Likeness()
    sides = [(expected, actual) for _, expected, actual in records]
    found = trials.diagnose_many(
        step,
        sides,
        pairs=pairs,
        seconds=SECONDS,
        suspects=suspects,
        first=[made for group in siblings or () for made in group],
    )
    if not found.differing:
        return Likeness()
    if found.alike:
        if siblings is not None and found.level is Level.EXACT:
            siblings.append(tuple(one.suspects for one in found.group))
        return _reproduced(found)
    if found.is_rounding:
        text = "Rounding: the order of float operations explains all that differs."
        seen = f"rounding alone in {found.rounded} of {found.cases} cases looked at"
        return Likeness(text, (seen,))
    wrong = [(expected, actual) for expected, actual in sides if _differs(expected, actual)]
    if not any(comparable(leaves_of(expected), leaves_of(actual)) for expected, actual in wrong):
        return Likeness()
    return _likeness(found, what_is_known(wrong))


def _reproduced(found: trials.Diagnosis) -> Likeness:
    best, *others = found.group
    evidence = [f"{best.name}: {best.level} in {found.cases} of {found.cases} cases"]
    if others:
        needs = f"; needs {found.telling}" if found.telling else ""
        listed = ", ".join(one.name for one in others)
        evidence.append(f"these cases cannot tell it from {listed}{needs}")
    return Likeness(best.summary, tuple(evidence))


def _likeness(found: trials.Diagnosis, known: str) -> Likeness:
    """What is known besides, else what it behaves as if it did, where that is likely."""
    seen = f"differs in {found.differing} of {found.cases} cases looked at"
    if known:
        return Likeness(known, (seen, *_spent(found)), sure=False)
    if found.likely:
        best = found.likely[0]
        text = f"Behaves as if, but is not the same code: {best.summary}"
        share = f"{best.name}: makes {best.share:.0%} of what differs, in {found.cases} cases"
        return Likeness(text, (share, *_spent(found)), sure=False)
    return Likeness(UNKNOWN, (seen, *_spent(found)), sure=False)


def what_is_known(wrong: Sequence[tuple[StepRecord, StepRecord]]) -> str:
    """What can be said of differences, (expected, actual) each, without naming a mistake."""
    if all(finite_parts_agree(expected, actual) for expected, actual in wrong):
        return "Only NaN and infinite values differ; where both sides are finite, it is right."
    if told := staircase(wrong):
        return told
    if all(expected.draws and not actual.draws for expected, actual in wrong):
        return (
            "It draws nothing from the generator it is given (rng, np.random), where the "
            "reference does: it draws from another one, such as torch's, or not at all."
        )
    return ""


def staircase(wrong: Sequence[tuple[StepRecord, StepRecord]]) -> str:
    """What is said of rates that change once in several iterations, in every record."""
    if not all(isinstance(one.input, dict) and "base_lrs" in one.input for one, _ in wrong):
        return ""
    lengths = sorted({_length(expected, actual) for expected, actual in wrong})
    if not lengths or lengths[0] == 0:
        return ""
    told = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    return (
        f"Each rate is kept for {told} iterations, as if the scheduler were stepped once an epoch; "
        f"the reference changes it at every iteration."
    )


def _length(expected: StepRecord, actual: StepRecord) -> int:
    """How many iterations each rate is kept for; 0 where they are no such steps."""
    mine, theirs = actual.output, expected.output
    if not (_is_table(mine) and _is_table(theirs)) or mine.shape != theirs.shape:
        return 0
    slack = bound("float64", float(theirs.max()), roundings_of(expected.input))
    changed = np.flatnonzero((mine != mine[0]).any(axis=1))
    longest = int(changed[0]) if len(changed) else 0
    at = np.arange(len(mine))
    fitting = (
        length
        for length in range(longest, 1, -1)
        if bool((np.abs(mine - theirs[at // length * length]) <= slack).all())
    )
    return next(fitting, 0)


def _is_table(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and len(value) > 1


def _differs(expected: StepRecord, actual: StepRecord) -> bool:
    """By more than rounding."""
    result = compare_records(actual, expected)
    return result.verdict is Verdict.DIFFERENT and not result.is_rounding


def _spent(found: trials.Diagnosis) -> list[str]:
    """What was tried, where the time was not enough for all."""
    return [f"{SECONDS:g} s are spent: {found.tried} tried"] if found.tried else []


def with_diagnoses(
    report: CheckReport,
    records: Mapping[StepKey, Sequence[IsolatedRun]],
    diagnose: Diagnose = known_mistake,
) -> CheckReport:
    """`report` with what is said of the steps in `records`.

    Steps that one function does are looked at together, those of small inputs first: what
    cannot be told apart in one may be in another, and is not searched for again.
    """
    together: dict[Function, list[StepKey]] = {}
    for key in sorted(records, key=lambda key: size_of_held(records[key][0])):
        together.setdefault(records[key][0][0].function, []).append(key)
    said: dict[StepKey, Likeness] = {}
    for keys in together.values():
        said |= _of_one_function({key: records[key] for key in keys}, diagnose)
    rows = [
        replace(row, diagnosis=said.get((row.pipeline, row.step), row.diagnosis))
        for row in report.summaries
    ]
    return replace(report, summaries=tuple(rows))


def _of_one_function(
    records: Mapping[StepKey, Sequence[IsolatedRun]], diagnose: Diagnose
) -> dict[StepKey, Likeness]:
    said: dict[StepKey, Likeness] = {}
    groups: dict[StepKey, tuple[Combination, ...]] = {}
    found: Siblings = []
    for key, held in records.items():
        before, groups[key] = len(found), ()
        if not found and size_of_held(held[0]) > LARGE and (others := _in_vain(said)):
            why = f"not searched for: inputs are large, and of {others} it is not known either"
            said[key] = Likeness(UNKNOWN, (why,), sure=False)
            continue
        said[key] = careful(diagnose, held, found)
        groups[key] = found[-1] if len(found) > before else ()
    for key, group in groups.items():
        common = [other for other in found if 0 < len({*other} & {*group}) < len(group)]
        if common:
            fewer = tuple(made for made in group if made in common[0])
            said[key] = careful(diagnose, records[key], [fewer])
    return said


def _in_vain(said: Mapping[StepKey, Likeness]) -> str:
    """A step that all known mistakes were tried on, and none explains; "" for none."""
    known = (one for one in said.items() if one[1].text == UNKNOWN and len(one[1].evidence) == 1)
    return next(("/".join(key) for key, _ in known), "")


def careful(diagnose: Diagnose, records: Sequence[IsolatedRun], siblings: Siblings) -> Likeness:
    """A diagnosis that cannot be made costs itself only, and not the report."""
    try:
        return diagnose(records, siblings)
    except Exception as error:  # suspects meet whatever a candidate gives
        return Likeness(f"No diagnosis: {type(error).__name__}: {error}", sure=False)


def worth_keeping(kept: Sequence[IsolatedRun], one: IsolatedRun, most: int) -> bool:
    """Whether `one` has a place among the records of its step: `most`, and not too large.

    The first one always has.
    """
    held = sum(map(size_of_held, (*kept, one)))
    return not kept or (len(kept) < most and held <= KEPT_BYTES)


def size_of_held(held: IsolatedRun) -> int:
    """Bytes that its arrays take."""
    _, expected, actual = held
    return sum(map(size_of, (expected.input, expected.output, actual.output)))


def entering_rows(report: CheckReport) -> frozenset[StepKey]:
    """The steps that differ although they are fed the reference's own input."""
    rows = [row for row in report.summaries if row.isolated is Verdict.DIFFERENT]
    return frozenset((row.pipeline, row.step) for row in rows)
