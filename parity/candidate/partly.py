"""Which mistake an answer looks like that holds only some of what the reference gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from parity.candidate.judge import common
from parity.compare.check import Diagnosis, Held
from parity.probes.natural import Partly
from parity.suspects.catalogue import suspects_of
from parity.suspects.failures import known_mistake


def mistake_of(records: Sequence[Held]) -> Diagnosis:
    """As `known_mistake`; of an answer by some of its names, what else suspects make is left out.

    Two mistakes together are then not looked for: one number fits too many pairs.
    """
    outputs = [actual.output for _, _, actual in records]
    given = next((output for output in outputs if isinstance(output, Partly)), None)
    if given is None:
        return known_mistake(records)
    like = partial(common, actual=given, partial=True)
    cut = [
        (step, replace(expected, output=like(expected.output)), actual)
        for step, expected, actual in records
    ]
    suspects = [replace(one, function=_cut(one.function, like)) for one in suspects_of(cut[0][0])]
    return known_mistake(cut, pairs=False, suspects=suspects)


def _cut(function: Callable[..., Any], like: Callable[[Any], Any]) -> Callable[..., Any]:
    def call(value: Any, rng: Any = None, **options: Any) -> Any:
        return like(function(value, rng, **options))

    return call
