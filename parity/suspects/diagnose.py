"""Name the mistake: which suspects give the output that a candidate gave.

A suspect is performed on the reference's input and generator state of the same
record. One that gives the candidate's output bit by bit, with the same
generator state afterwards, in every record at hand, is proof by reproduction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial

from parity.compare.compare import Verdict
from parity.compare.rounding import roundings_of, terms_of
from parity.compare.trace import StepFunction, StepRecord, compare_records, run_step
from parity.errors import InputError
from parity.pipeline import Step
from parity.suspects.around import needs_of
from parity.suspects.budget import Clock
from parity.suspects.catalogue import suspects_of
from parity.suspects.closeness import Leaves, leaves_of, near, share
from parity.suspects.lineup import Lineup, Made, Print
from parity.suspects.suspect import Suspect

# Of the time for a diagnosis, what may go into finding what reproduces everything.
FOR_REPRODUCTION, FOR_ROUNDING = 0.6, 0.7
# A suspect that accounts for less is not worth looking at; for less than LIKELY, it is not
# said to be what the candidate does: `parity scorecard --held-out` says how often that errs.
SMALLEST_SHARE, LIKELY = 0.2, 0.95
SHOWN = 5


class Level(str, Enum):
    """How well suspects account for what a candidate gave, best first."""

    EXACT = "exactly reproduced"
    ROUNDING = "reproduced up to rounding"
    PART = "explains part"
    NONE = "not explained"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Explanation:
    """suspects: one, or two made together. share: of what differs, as `closeness.share`."""

    suspects: Made
    level: Level
    share: float

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the suspects."""
        return tuple(suspect.id for suspect in self.suspects)

    @property
    def summary(self) -> str:
        """What is done wrongly, and what the reference does."""
        return " Also: ".join(suspect.summary.rstrip(".") + "." for suspect in self.suspects)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a step.

    cases: records compared; differing: those in which the candidate differs; rounded:
    those in which it does so by rounding alone, among `differing` where none does by more.
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
    tried: str = ""

    @property
    def is_rounding(self) -> bool:
        """Whether the candidate differs by rounding alone."""
        return self.rounded == self.differing > 0

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
        name = " with ".join(best.ids)
        sure = f"{best.level} in {self.cases} of {self.cases} cases"
        if best.level is Level.PART:
            sure = f"{best.level}: {best.share:.0%} of what differs in {self.differing} cases"
        text = f"{self.step}: {best.summary} [{name}: {sure}]"
        if self.alike > 1:
            others = ", ".join(" with ".join(one.ids) for one in self.group[1:])
            text += f" These cases cannot tell it from {others}"
            text += f"; needs {self.telling}." if self.telling else "."
        return text


def diagnose(
    step: Step, expected: StepRecord, actual: StepRecord, *, pairs: bool = True
) -> Diagnosis:
    """Name the mistake in one record of a candidate.

    step: our own, with its options. expected, actual: the reference's record and
    the candidate's, made from the same input and generator state. Pairs are tried
    when no suspect alone reproduces the candidate. Raises InputError for records
    of another step.
    """
    return diagnose_many(step, [(expected, actual)], pairs=pairs)


def diagnose_candidate(
    step: Step, candidate: StepFunction, expected: Sequence[StepRecord], *, pairs: bool = True
) -> Diagnosis:
    """Run `candidate` on the input of each record of the reference, and name its mistake."""
    records = [
        (record, run_step(record.name, candidate, record.input, record.state_before))
        for record in expected
    ]
    return diagnose_many(step, records, pairs=pairs)


def diagnose_many(
    step: Step,
    records: Sequence[tuple[StepRecord, StepRecord]],
    *,
    pairs: bool = True,
    seconds: float = math.inf,
    suspects: Sequence[Suspect] | None = None,
) -> Diagnosis:
    """As `diagnose`, by what is consistent with all of `records`, (expected, actual) each.

    Records in which the candidate is right count too: they rule suspects out.
    seconds: after these no further suspect is tried. suspects: those of the step by default.
    """
    names = {record.name for pair in records for record in pair} - {step.name}
    if names or not records:
        raise InputError(f"{step.name}: needs records of this step, got those of {sorted(names)}")
    lined_up = suspects_of(step) if suspects is None else tuple(suspects)
    lineups = [Lineup(step, expected, lined_up) for expected, _ in records]
    actual = [one for _, one in records]
    return diagnose_lineups(lineups, actual, pairs=pairs, seconds=seconds)


def diagnose_lineups(
    lineups: Sequence[Lineup],
    actual: Sequence[StepRecord],
    *,
    pairs: bool = True,
    seconds: float = math.inf,
) -> Diagnosis:
    """As `diagnose_many`, with the suspects' records kept in `lineups` between calls."""
    clock = Clock(seconds)
    search = _Search(lineups, actual, clock)
    step = lineups[0].step.name
    if not search.differing:
        return Diagnosis(step, len(lineups), 0)
    found = clock.within(FOR_REPRODUCTION, partial(search.reproduced, pairs))
    if clock.tried:  # most likely among the pairs, which come before what is up to rounding
        found = clock.within(FOR_ROUNDING, search.rounded_like)
    likened = () if found else clock.within(1.0, search.partial)
    others = _needs(found[1:]) or _needs(found[:1])
    telling = "; or ".join(others) if len(found) > 1 else ""
    return Diagnosis(
        step,
        cases=len(lineups),
        differing=len(search.differing),
        explanations=found or likened,
        alike=len(found),
        telling=telling,
        rounded=search.rounded,
        tried="" if found else clock.tried,
    )


class _Search:
    """One candidate's records against the lineups."""

    def __init__(
        self, lineups: Sequence[Lineup], actual: Sequence[StepRecord], clock: Clock
    ) -> None:
        self._clock = clock
        rows = [
            _Row(lineup, record, Print.of(record))
            for lineup, record in zip(lineups, actual, strict=True)
        ]
        by_more = [row for row in rows if row.difference is Difference.MORE]
        rounded = [row for row in rows if row.difference is Difference.ROUNDING]
        self.rounded = len(rounded)
        # Rounding alone: only a mistake that rounds likewise is looked for.
        self._only_rounding = not by_more
        self.differing = by_more or rounded
        # Where the candidate differs, few suspects are left after the first record, and small
        # inputs take the least time.
        self._rows = sorted(rows, key=lambda row: (row not in self.differing, row.terms))
        self._values_differ = not all(row.print.same_values(row.lineup.clean) for row in rows)

    def reproduced(self, pairs: bool) -> tuple[Explanation, ...]:
        """Every suspect, else every pair, that gives what the candidate gave in all records."""
        if self._only_rounding:
            return self._exact(Lineup.singles, Print.fits)
        choices = (Lineup.singles, Lineup.pairs) if pairs else (Lineup.singles,)
        for choose in choices:
            if found := self._exact(choose, Print.fits):
                return found
        # Draws written otherwise, such as uniform(low=0, high=1), are the same.
        for choose in choices if self._values_differ else ():
            if found := self._exact(choose, Print.same_values):
                return found
        return self.rounded_like()

    def _exact(
        self, choose: Callable[[Lineup], list[Made]], fits: Callable[[Print, Print], bool]
    ) -> tuple[Explanation, ...]:
        left = choose(self._rows[0].lineup)
        for row in self._rows:
            left = [
                made
                for made in self._clock.watch(left)
                if (got := row.lineup.print(made)) and fits(got, row.print)
            ]
        return tuple(Explanation(made, Level.EXACT, 1.0) for made in _unordered(left))

    def rounded_like(self) -> tuple[Explanation, ...]:
        """Single suspects that give it up to rounding; of pairs, some always come near.

        None when the reference itself is as near.
        """
        if all(near(row.expected, row.actual, row.roundings) for row in self._rows):
            return ()
        left = self._rows[0].lineup.singles()
        for row in self._rows:
            left = [
                made
                for made in self._clock.watch(left)
                if (got := row.lineup.print(made)) and _near(row, made, got)
            ]
        return tuple(Explanation(made, Level.ROUNDING, 1.0) for made in _unordered(left))

    def partial(self) -> tuple[Explanation, ...]:
        """Single suspects by the share they account for, the largest first."""
        found = []
        choice = [] if self._only_rounding else self._rows[0].lineup.singles()
        for made in self._clock.watch(choice):
            mean = self._share(made)
            if mean >= SMALLEST_SHARE:
                found.append(Explanation(made, Level.PART, mean))
        return tuple(sorted(found, key=lambda one: -one.share)[:SHOWN])

    def _share(self, made: Made) -> float:
        """The mean over records in which the candidate or the suspect is wrong."""
        shares: list[float] = []
        for at, row in enumerate(self._rows):
            self._clock.check()
            record = row.lineup.record(made)
            assert record is not None  # one suspect alone can always be made
            found = share(row.expected, row.actual, leaves_of(record), row.roundings)
            shares += [] if found is None else [found]
            if sum(shares) + len(self._rows) - at - 1 < SMALLEST_SHARE * len(shares):
                return 0.0
        return sum(shares) / len(shares) if shares else 0.0


class Difference(Enum):
    """How a candidate's record differs from the reference's."""

    NONE = "none"
    ROUNDING = "rounding"
    MORE = "more"


@dataclass(frozen=True, eq=False)
class _Row:
    """What the candidate gave on the input of one lineup."""

    lineup: Lineup
    record: StepRecord
    print: Print

    @cached_property
    def difference(self) -> Difference:
        """As the check says; the print only saves time."""
        if self.print.fits(self.lineup.reference):
            return Difference.NONE
        result = compare_records(self.record, self.lineup.expected)
        if result.verdict is not Verdict.DIFFERENT:
            return Difference.NONE
        return Difference.ROUNDING if result.is_rounding else Difference.MORE

    @cached_property
    def terms(self) -> int:
        """Of the sums in the output, at most."""
        return terms_of(self.lineup.expected.input)

    @cached_property
    def roundings(self) -> float:
        """One after the other, at most."""
        return roundings_of(self.lineup.expected.input)

    @cached_property
    def expected(self) -> Leaves:
        """Of the reference's record."""
        return leaves_of(self.lineup.expected)

    @cached_property
    def actual(self) -> Leaves:
        """Of the candidate's record."""
        return leaves_of(self.record)


def _near(row: _Row, made: Made, got: Print) -> bool:
    if got.state != row.print.state or (record := row.lineup.record(made)) is None:
        return False
    return near(leaves_of(record), row.actual, row.roundings)


def _unordered(found: Sequence[Made]) -> list[Made]:
    """Of pairs that are there in both orders, the first."""
    kept: dict[frozenset[str], Made] = {}
    for made in found:
        kept.setdefault(frozenset(suspect.id for suspect in made), made)
    return list(kept.values())


def _needs(found: Sequence[Explanation]) -> list[str]:
    suspects: dict[str, Suspect] = {one.id: one for each in found for one in each.suspects}
    return list(dict.fromkeys(text for one in suspects.values() if (text := needs_of(one))))
