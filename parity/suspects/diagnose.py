"""Name the mistake: which suspects give the output that a candidate gave.

A suspect is performed on the reference's input and generator state of the same
record. One that gives the candidate's output bit by bit, with the same
generator state afterwards, in every record at hand, is proof by reproduction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from parity.compare.compare import Verdict
from parity.compare.trace import StepFunction, StepRecord, compare_records, run_step
from parity.errors import InputError
from parity.pipeline import Step
from parity.suspects.around import needs_of
from parity.suspects.catalogue import suspects_of
from parity.suspects.closeness import Leaves, leaves_of, near, share
from parity.suspects.lineup import Lineup, Made, Print
from parity.suspects.suspect import Suspect

# A suspect that accounts for less is not worth showing.
SMALLEST_SHARE = 0.2
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

    cases: records compared; differing: those in which the candidate differs.
    explanations: best first. alike: how many of the first ones these records do
    not tell apart. telling: what an input must have to tell them apart, or "".
    """

    step: str
    cases: int
    differing: int
    explanations: tuple[Explanation, ...] = ()
    alike: int = 0
    telling: str = ""

    @property
    def level(self) -> Level:
        """Of the best explanation."""
        return self.explanations[0].level if self.explanations else Level.NONE

    @property
    def group(self) -> tuple[Explanation, ...]:
        """The best explanation, and those these records cannot tell from it."""
        return self.explanations[: self.alike]

    def __str__(self) -> str:
        if not self.differing:
            return f"{self.step}: nothing differs in {self.cases} cases"
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
    step: Step, records: Sequence[tuple[StepRecord, StepRecord]], *, pairs: bool = True
) -> Diagnosis:
    """As `diagnose`, by what is consistent with all of `records`, (expected, actual) each.

    Records in which the candidate is right count too: they rule suspects out.
    """
    names = {record.name for pair in records for record in pair} - {step.name}
    if names or not records:
        raise InputError(f"{step.name}: needs records of this step, got those of {sorted(names)}")
    suspects = suspects_of(step)
    lineups = [Lineup(step, expected, suspects) for expected, _ in records]
    return diagnose_lineups(lineups, [actual for _, actual in records], pairs=pairs)


def diagnose_lineups(
    lineups: Sequence[Lineup], actual: Sequence[StepRecord], *, pairs: bool = True
) -> Diagnosis:
    """As `diagnose_many`, with the suspects' records kept in `lineups` between calls."""
    search = _Search(lineups, actual)
    step = lineups[0].step.name
    if not search.differing:
        return Diagnosis(step, len(lineups), 0)
    found = search.reproduced(pairs)
    others = _needs(found[1:]) or _needs(found[:1])
    telling = "; or ".join(others) if len(found) > 1 else ""
    return Diagnosis(
        step,
        cases=len(lineups),
        differing=len(search.differing),
        explanations=found or search.partial(),
        alike=len(found),
        telling=telling,
    )


class _Search:
    """One candidate's records against the lineups."""

    def __init__(self, lineups: Sequence[Lineup], actual: Sequence[StepRecord]) -> None:
        rows = [
            (lineup, record, Print.of(record))
            for lineup, record in zip(lineups, actual, strict=True)
        ]
        self.differing = [
            lineup for lineup, record, found in rows if _differs(lineup, record, found)
        ]
        # Where the candidate differs, few suspects are left after the first record.
        self._rows = sorted(rows, key=lambda row: row[0] not in self.differing)
        self._values_differ = not all(found.same_values(row.clean) for row, _, found in rows)
        self._sides = cache(self._leaves)

    def reproduced(self, pairs: bool) -> tuple[Explanation, ...]:
        """Every suspect, else every pair, that gives what the candidate gave in all records."""
        choices = (Lineup.singles, Lineup.pairs) if pairs else (Lineup.singles,)
        for choose in choices:
            if found := self._exact(choose, Print.fits):
                return found
        for choose in choices:
            # Draws written otherwise, such as uniform(low=0, high=1), are the same.
            if self._values_differ and (found := self._exact(choose, Print.same_values)):
                return found
            if found := self._rounded(choose):
                return found
        return ()

    def _exact(
        self, choose: Callable[[Lineup], list[Made]], fits: Callable[[Print, Print], bool]
    ) -> tuple[Explanation, ...]:
        left = choose(self._rows[0][0])
        for lineup, _, wanted in self._rows:
            left = [made for made in left if (got := lineup.print(made)) and fits(got, wanted)]
        return tuple(Explanation(made, Level.EXACT, 1.0) for made in _unordered(left))

    def _rounded(self, choose: Callable[[Lineup], list[Made]]) -> tuple[Explanation, ...]:
        """None when the reference itself is as near."""
        if all(near(*self._sides(at)) for at in range(len(self._rows))):
            return ()
        left = choose(self._rows[0][0])
        for at, (lineup, _, wanted) in enumerate(self._rows):
            _, actual = self._sides(at)
            left = [
                made
                for made in left
                if (got := lineup.print(made)) and got.state == wanted.state
                if (record := lineup.record(made)) and near(leaves_of(record), actual)
            ]
        return tuple(Explanation(made, Level.ROUNDING, 1.0) for made in _unordered(left))

    def partial(self) -> tuple[Explanation, ...]:
        """Single suspects by the share they account for, the largest first."""
        found = []
        for made in self._rows[0][0].singles():
            shares = [
                share(*self._sides(at), leaves_of(lineup.record(made)))  # type: ignore[arg-type]
                for at, (lineup, _, _) in enumerate(self._rows)
                if lineup in self.differing
            ]
            mean = sum(shares) / len(shares)
            if mean >= SMALLEST_SHARE:
                found.append(Explanation(made, Level.PART, mean))
        return tuple(sorted(found, key=lambda one: -one.share)[:SHOWN])

    def _leaves(self, at: int) -> tuple[Leaves, Leaves]:
        """Of the reference's record and of the candidate's."""
        lineup, actual, _ = self._rows[at]
        return leaves_of(lineup.expected), leaves_of(actual)


def _differs(lineup: Lineup, record: StepRecord, found: Print) -> bool:
    """As the check says; the print only saves time."""
    if found.fits(lineup.reference):
        return False
    return compare_records(record, lineup.expected).verdict is Verdict.DIFFERENT


def _unordered(found: Sequence[Made]) -> list[Made]:
    """Of pairs that are there in both orders, the first."""
    kept: dict[frozenset[str], Made] = {}
    for made in found:
        kept.setdefault(frozenset(suspect.id for suspect in made), made)
    return list(kept.values())


def _needs(found: Sequence[Explanation]) -> list[str]:
    suspects: dict[str, Suspect] = {one.id: one for each in found for one in each.suspects}
    return list(dict.fromkeys(text for one in suspects.values() if (text := needs_of(one))))
