"""What a candidate's record is worth beside the reference's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import Any

from parity.candidate.grouping import are_groups, by_parameter, in_other_groups
from parity.candidate.guard import NOTHING, UNUSABLE
from parity.candidate.manners import forgiven
from parity.candidate.runner import Outcome
from parity.check.summary import IsolatedRun, Likeness
from parity.compare.compare import Verdict
from parity.compare.trace import StepRecord, StepResult, compare_records
from parity.errors import InputError, NotExercised
from parity.pipeline import Step
from parity.probes.natural import Partly
from parity.suspects.failures import Siblings, known_mistake

NOT_GIVEN = "the candidate does not give this step"


def judge(
    outcome: Outcome, expected: StepRecord, *, replayed: bool = False, partial: bool = False
) -> StepResult:
    """Compare what a candidate did with the reference's record; misuse is a difference.

    replayed: the draws were ours. partial: only what the candidate gives is compared.
    """
    outcome = settled(outcome, expected)
    actual = outcome.record
    if reason := unexercised(actual):
        return not_compared(reason)
    if replayed and not actual.error and actual.draws != expected.draws:
        return not_compared("our draws are not the reference's here; run parity check first")
    if not actual.error and in_other_groups(actual.output, expected.output):
        view = by_parameter(actual.output)
        actual, expected = (
            replace(record, output=view(record.output)) for record in (actual, expected)
        )
    if (partial or isinstance(actual.output, (Partly, list))) and not actual.error:
        expected = replace(expected, output=common(expected.output, actual.output, partial=partial))
    try:
        result = compare_records(actual, expected)
    except InputError as error:  # the candidate returned what cannot be compared
        result = StepResult(Verdict.DIFFERENT, error=str(error))
    result = replace(result, manner=outcome.manner)
    if not outcome.misuse:
        return result
    rest = result.explain() if result.verdict is Verdict.DIFFERENT else str(result.verdict)
    alone = outcome.misuse.startswith((NOTHING, UNUSABLE))
    text = outcome.misuse if alone else f"{outcome.misuse}; otherwise {rest}"
    return replace(result, verdict=Verdict.DIFFERENT, error=text)


def settled(outcome: Outcome, expected: StepRecord) -> Outcome:
    """`outcome` without what is odd about its manner only, which it then names."""
    if outcome.record.error or expected.error or outcome.misuse.startswith((NOTHING, UNUSABLE)):
        return outcome
    output, notes = forgiven(outcome.record.output, expected.output)
    told = [outcome.manner] if outcome.manner else []
    rest = [note for note in dict.fromkeys(notes) if not told or "memory order" not in note]
    record = replace(outcome.record, output=output)
    return replace(outcome, record=record, manner="; ".join([*told, *rest]))


def unexercised(record: StepRecord) -> str:
    """Why a candidate could not be run on a case, or ""; nothing is wrong with it then."""
    kind, _, reason = record.error.partition(": ")
    return f"the candidate {reason}" if kind == NotExercised.__name__ else ""


def completed(actual: StepRecord, expected: StepRecord) -> StepRecord:
    """`actual` with what it leaves out as it is expected, for the steps after it."""
    given, whole = actual.output, expected.output
    if not isinstance(given, Partly) or not is_dataclass(whole) or isinstance(whole, type):
        return actual
    return replace(actual, output=replace(whole, **given))


def common(expected: Any, actual: Any, *, partial: bool) -> Any:
    """`expected` without the entries of mappings that `actual`, where it is partial, lacks."""
    if isinstance(actual, list) and isinstance(expected, list):
        pairs = zip_longest(expected, actual[: len(expected)])
        return [common(one, other, partial=partial) for one, other in pairs]
    if not isinstance(actual, Mapping) or not (partial or isinstance(actual, Partly)):
        return expected
    if isinstance(actual, Partly) and is_dataclass(expected):
        return {key: getattr(expected, key) for key in actual}
    if not isinstance(expected, Mapping):
        return expected
    return {
        key: common(expected[key], actual[key], partial=partial)
        for key in actual
        if key in expected
    }


def not_compared(reason: str) -> StepResult:
    """The result of a step that was not run, or could not be."""
    return StepResult(Verdict.NOT_COMPARED, error=reason)


def mistake_of(records: Sequence[IsolatedRun], siblings: Siblings | None = None) -> Likeness:
    """As `known_mistake`; of an answer by some of its names, what else suspects make is left out.

    Two mistakes together are looked for where only metadata is left out, or a gradient is given:
    one number fits too many pairs.
    """
    if any(in_other_groups(actual.output, one.output) for _, one, actual in records):
        records = [_by_parameter(record) for record in records if are_groups(record[2].output)]
    outputs = [actual.output for _, _, actual in records]
    given = next((output for output in outputs if isinstance(output, Partly)), None)
    if given is None:
        return known_mistake(records, siblings)
    like = partial(common, actual=given, partial=True)
    cut = [
        (_cut(step, like), replace(expected, output=like(expected.output)), actual)
        for step, expected, actual in records
    ]
    tells = all(is_dataclass(one.output) or "grad" in given for _, one, _ in records)
    return known_mistake(cut, siblings, pairs=tells)


def _by_parameter(record: IsolatedRun) -> IsolatedRun:
    step, expected, actual = record
    view = by_parameter(actual.output)
    seen = replace(expected, output=view(expected.output))
    return _cut(step, view), seen, replace(actual, output=view(actual.output))


def _cut(step: Step, like: Callable[[Any], Any]) -> Step:
    """`step` that gives no more than the answer."""

    def run(function: Callable[..., Any], *given: Any, **options: Any) -> Any:
        return like(step.run(function, *given, **options))

    return replace(step, run=run)
