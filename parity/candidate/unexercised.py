"""What a check of a candidate was asked for and did not exercise: part of its verdict."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from parity.candidate.judge import NOT_GIVEN
from parity.candidate.runner import Description
from parity.check.cases import all_steps
from parity.check.summary import StepSummary, Unexercised
from parity.pipeline import Step

# Begins the reason of every case that a candidate could not be run on.
CANDIDATE = "the candidate "
# Steps asked for, each with what of the candidate stands in for it.
Parts = Sequence[tuple[Step, str]]


def unexercised(
    rows: Sequence[StepSummary],
    description: Description,
    *,
    only: Collection[str] = (),
    replay: bool = False,
) -> tuple[Unexercised, ...]:
    """Steps not given, cases that the candidate takes no option for, and draws it does not make."""
    asked = [step for step in all_steps() if not only or step.name in only]
    parts = [(step, description.part(step, replay=replay)) for step in asked]
    found = _refused(rows) + _unrecorded(rows, parts) + _replayed(parts)
    absent = [] if description.has_pipeline else _absent(parts)
    return (*found, *([Unexercised(tuple(absent), "not given")] if absent else []))


def _refused(rows: Sequence[StepSummary]) -> list[Unexercised]:
    """Steps with cases that the candidate could not be run on, by the reason."""
    by_reason: dict[str, list[StepSummary]] = {}
    for row in rows:
        _, colon, reason = row.why_skipped.partition(f": {CANDIDATE}")
        if colon and row.skipped and not NOT_GIVEN.endswith(reason):
            by_reason.setdefault(reason, []).append(row)
    return [
        Unexercised(
            tuple(row.step for row in some),
            f"{CANDIDATE}{reason}",
            sum(row.skipped for row in some),
        )
        for reason, some in by_reason.items()
    ]


def _unrecorded(rows: Sequence[StepSummary], parts: Parts) -> list[Unexercised]:
    """Steps that are given and of which this check has no case, such as one of a recording."""
    there = {row.step for row in rows}
    given = [step.name for step, part in parts if part]
    absent = list(dict.fromkeys(name for name in given if name not in there))
    return [Unexercised(tuple(absent), "not in the recording")] if absent else []


def _replayed(parts: Parts) -> list[Unexercised]:
    """Random steps of which only the arithmetic is given."""
    drawn = [
        f"draws of {step.name}"
        for step, part in parts
        if step.module in ("resize", "crop", "flip", "photometric") and part.startswith("apply:")
    ]
    names = tuple(dict.fromkeys(drawn))
    return [Unexercised(names, "the reference's were applied")] if drawn else []


def _absent(parts: Parts) -> list[str]:
    """What is not given: the name of a file when none of its steps is, else the steps' names."""
    given = [step for step, part in parts if part]
    modules, given_names = {step.module for step in given}, {step.name for step in given}
    missing = []
    for step, part in parts:
        if part:
            continue
        # Validation has a resize of its own, under the same name as that of training.
        name = f"{step.name} ({step.function.__name__})" if step.name in given_names else step.name
        missing.append(name if step.module in modules else step.module)
    return list(dict.fromkeys(missing))
