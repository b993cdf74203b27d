"""Which mistake an answer looks like that holds only some of what the reference gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from parity.candidate.judge import common
from parity.check.summary import Held, Likeness
from parity.pipeline import Step
from parity.probes.natural import Partly
from parity.suspects.failures import known_mistake


def mistake_of(records: Sequence[Held]) -> Likeness:
    """As `known_mistake`; of an answer by some of its names, what else suspects make is left out.

    Two mistakes together are then not looked for: one number fits too many pairs.
    """
    outputs = [actual.output for _, _, actual in records]
    given = next((output for output in outputs if isinstance(output, Partly)), None)
    if given is None:
        return known_mistake(records)
    like = partial(common, actual=given, partial=True)
    cut = [
        (_cut(step, like), replace(expected, output=like(expected.output)), actual)
        for step, expected, actual in records
    ]
    return known_mistake(cut, pairs=False)


def _cut(step: Step, like: Callable[[Any], Any]) -> Step:
    """`step` that gives no more than the answer."""

    def run(function: Callable[..., Any], *given: Any, **options: Any) -> Any:
        return like(step.run(function, *given, **options))

    return replace(step, run=run)
