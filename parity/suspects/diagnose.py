"""Name the mistake: which suspects give the output that a candidate gave.

A suspect is performed on the reference's input and generator state of the same
record. One that gives the candidate's output bit by bit, with the same
generator state afterwards, in every record at hand, is proof by reproduction.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from parity.compare.trace import StepRecord
from parity.errors import InputError
from parity.pipeline import Step
from parity.suspects.budget import Clock
from parity.suspects.catalogue import suspects_of
from parity.suspects.search import LIKELY, Explanation, Level, Search
from parity.suspects.suspect import Suspect
from parity.suspects.trial import Combination, Trial

# Of the time for a diagnosis, what may go into finding what reproduces everything.
FOR_REPRODUCTION, FOR_ROUNDING = 0.6, 0.7


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a step.

    cases: records compared; by_more: those in which the candidate differs by more than
    rounding; rounded: those in which it does so by rounding alone. differing: the ones that
    are explained, the latter where there are none of the former.
    tried: what was tried when the time was spent, "" when it was enough.
    explanations: best first. alike: how many of the first ones these records do
    not tell apart. telling: what an input must have to tell them apart, or "".
    """

    step: str
    cases: int
    differing: int
    explanations: tuple[Explanation, ...] = ()
    alike: int = 0
    telling: str = ""
    rounded: int = 0
    by_more: int = 0
    tried: str = ""

    @property
    def is_rounding(self) -> bool:
        """Whether the candidate differs by rounding alone."""
        return self.rounded > 0 and self.by_more == 0

    @property
    def level(self) -> Level:
        """Of the best explanation."""
        return self.explanations[0].level if self.explanations else Level.NONE

    @property
    def likely(self) -> tuple[Explanation, ...]:
        """What may be told as a name: what reproduces everything, else a likeness."""
        if self.alike:
            return self.group
        return tuple(one for one in self.explanations[:1] if one.share >= LIKELY)

    @property
    def group(self) -> tuple[Explanation, ...]:
        """The best explanation, and those these records cannot tell from it."""
        return self.explanations[: self.alike]

    def __str__(self) -> str:
        if not self.differing:
            return f"{self.step}: nothing differs in {self.cases} cases"
        if not self.explanations and self.is_rounding:
            return f"{self.step}: only rounding differs, in {self.rounded} of {self.cases} cases"
        if not self.explanations:
            return f"{self.step}: no known mistake explains any of it; it may be a new one"
        best = self.explanations[0]
        sure = f"{best.level} in {self.cases} of {self.cases} cases"
        if best.level is Level.PART:
            sure = f"{best.level}: {best.share:.0%} of what differs in {self.differing} cases"
        text = f"{self.step}: {best.summary} [{best.name}: {sure}]"
        if self.alike > 1:
            others = ", ".join(one.name for one in self.group[1:])
            text += f" These cases cannot tell it from {others}"
            text += f"; needs {self.telling}." if self.telling else "."
        return text


def diagnose_many(
    step: Step,
    records: Sequence[tuple[StepRecord, StepRecord]],
    *,
    pairs: bool = True,
    seconds: float = math.inf,
    suspects: Sequence[Suspect] | None = None,
    first: Sequence[Combination] = (),
) -> Diagnosis:
    """Name the mistake of a candidate by what is consistent with all of `records`.

    step: our own, with its options. records: (expected, actual) each, the reference's and the
    candidate's, made from the same input and generator state. Those in which the candidate is
    right count too: they rule suspects out. pairs: whether two are tried where none alone
    reproduces the candidate. Raises InputError for records of another step.
    seconds: after these no further suspect is tried. suspects: those of the step by default.
    first: tried before all; what reproduces everything among them is enough.
    """
    names = {record.name for pair in records for record in pair} - {step.name}
    if names or not records:
        raise InputError(f"{step.name}: needs records of this step, got those of {sorted(names)}")
    lined_up = suspects_of(step) if suspects is None else tuple(suspects)
    trials = [Trial(step, expected, lined_up) for expected, _ in records]
    actual = [one for _, one in records]
    return diagnose_trials(trials, actual, pairs=pairs, seconds=seconds, first=first)


def diagnose_trials(
    trials: Sequence[Trial],
    actual: Sequence[StepRecord],
    *,
    pairs: bool = True,
    seconds: float = math.inf,
    first: Sequence[Combination] = (),
) -> Diagnosis:
    """As `diagnose_many`, with the suspects' records kept in `trials` between calls."""
    clock = Clock(seconds)
    search = Search(trials, actual, clock)
    step = trials[0].step.name
    if not search.differing:
        return Diagnosis(step, len(trials), 0)
    found = clock.within(FOR_REPRODUCTION, partial(search.reproduced, pairs, first))
    if clock.tried:  # most likely among the pairs, which come before what is up to rounding
        found = clock.within(FOR_ROUNDING, search.rounded_like)
    likened = () if found else clock.within(1.0, search.partial)
    others = _needs(found[1:]) or _needs(found[:1])
    telling = "; or ".join(others) if len(found) > 1 else ""
    return Diagnosis(
        step,
        cases=len(trials),
        differing=len(search.differing),
        explanations=found or likened,
        alike=len(found),
        telling=telling,
        rounded=search.rounded,
        by_more=0 if search.only_rounding else len(search.differing),
        tried="" if found else clock.tried,
    )


def _needs(found: Sequence[Explanation]) -> list[str]:
    suspects: dict[str, Suspect] = {one.id: one for each in found for one in each.suspects}
    return list(dict.fromkeys(text for one in suspects.values() if (text := one.needs)))
