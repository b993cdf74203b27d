"""What a check of a candidate was asked for and did not exercise: part of its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from parity.candidate.judge import NOT_GIVEN
from parity.candidate.runner import Description
from parity.check.cases import all_steps
from parity.check.left_out import Unexercised
from parity.check.summary import StepSummary

if TYPE_CHECKING:
    from parity.candidate.run import CheckOptions

# Begins the reason of every case that a candidate could not be run on.
CANDIDATE = "the candidate "


def unexercised(
    rows: Sequence[StepSummary], description: Description, options: CheckOptions
) -> tuple[Unexercised, ...]:
    """Steps not given, cases that the candidate takes no option for, and draws it does not make."""
    found = _refused(rows) + _unrecorded(rows, description, options)
    found += _replayed(description, options)
    absent = [] if description.has_pipeline else _absent(description, options)
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


def _unrecorded(
    rows: Sequence[StepSummary], description: Description, options: CheckOptions
) -> list[Unexercised]:
    """Steps that are given and of which this check has no case, such as one of a recording."""
    there = {row.step for row in rows}
    asked = [step for step in all_steps() if not options.only or step.name in options.only]
    given = [step for step in asked if description.part(step, replay=options.replay)]
    absent = list(dict.fromkeys(step.name for step in given if step.name not in there))
    return [Unexercised(tuple(absent), "not in the recording")] if absent else []


def _replayed(description: Description, options: CheckOptions) -> list[Unexercised]:
    """Random steps of which only the arithmetic is given."""
    asked = [step for step in all_steps() if not options.only or step.name in options.only]
    drawn = [
        step.name
        for step in asked
        if step.module in ("resize", "crop", "flip", "photometric")
        and description.part(step, replay=options.replay).startswith("apply:")
    ]
    drawn = [f"draws of {name}" for name in dict.fromkeys(drawn)]
    return [Unexercised(tuple(drawn), "the reference's were applied")] if drawn else []


def _absent(description: Description, options: CheckOptions) -> list[str]:
    """What is not given: the name of a file when none of its steps is, else the steps' names."""
    asked = [step for step in all_steps() if not options.only or step.name in options.only]
    given = [step for step in asked if description.part(step, replay=options.replay)]
    modules, given_names = {step.module for step in given}, {step.name for step in given}
    missing = []
    for step in asked:
        if step in given:
            continue
        # Validation has a resize of its own, under the same name as that of training.
        name = f"{step.name} ({step.function.__name__})" if step.name in given_names else step.name
        missing.append(name if step.module in modules else step.module)
    return list(dict.fromkeys(missing))
