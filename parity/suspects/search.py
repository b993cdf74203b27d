"""Search the suspects of a step for those that give what a candidate gave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from parity.compare.compare import Verdict
from parity.compare.rounding import roundings_of, terms_of
from parity.compare.trace import StepRecord, compare_records
from parity.suspects.budget import Clock
from parity.suspects.likeness import Leaves, leaves_of, near, share
from parity.suspects.trial import Combination, RecordDigest, Trial
from parity.suspects.values import OtherValue, joined, other_values

# A suspect that accounts for less is not worth looking at; for less than LIKELY, it is not
# said to be what the candidate does; docs/scorecard.md says how often that errs.
SMALLEST_SHARE, LIKELY = 0.2, 0.98
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
    """suspects: one, or two made together. share: of what differs, as `likeness.share`."""

    suspects: Combination
    level: Level
    share: float

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the suspects."""
        return tuple(suspect.id for suspect in self.suspects)

    @property
    def name(self) -> str:
        """The same as one."""
        return " with ".join(self.ids)

    @property
    def summary(self) -> str:
        """What is done wrongly, and what the reference does."""
        return " Also: ".join(suspect.summary.rstrip(".") + "." for suspect in self.suspects)


class Search:
    """One candidate's records against the trials."""

    def __init__(self, trials: Sequence[Trial], actual: Sequence[StepRecord], clock: Clock) -> None:
        self._clock = clock
        rows = [
            _Row(trial, record, RecordDigest.of(record))
            for trial, record in zip(trials, actual, strict=True)
        ]
        by_more = [row for row in rows if row.is_rounding is False]
        rounded = [row for row in rows if row.is_rounding]
        self.rounded = len(rounded)
        # Rounding alone: only a mistake that rounds likewise is looked for.
        self.only_rounding = not by_more
        self.differing = by_more or rounded
        # Where the candidate differs, few suspects are left after the first record, and small
        # inputs take the least time.
        self._rows = sorted(rows, key=lambda row: (row not in self.differing, row.terms))
        self._values_differ = not all(row.print.same_values(row.trial.clean) for row in rows)
        # Where our own step does the same, as where both raise, no suspect is told by it.
        self._reached = not all(row.print.fits(row.trial.clean) for row in self.differing)

    def reproduced(self, pairs: bool, first: Sequence[Combination]) -> tuple[Explanation, ...]:
        """Every suspect, else every pair, that gives what the candidate gave in all records.

        Those of `first` that do so are enough; one of a pair alone, if that is all it takes.
        """
        if not self._reached:
            return ()
        trial = self._rows[0].trial
        alone: Sequence[Combination] = [(suspect,) for made in first for suspect in made]
        for known in (list(dict.fromkeys(alone)), first):
            if found := self._exact(known, RecordDigest.fits):
                return found
        if self.only_rounding:
            return self._exact(trial.alone(), RecordDigest.fits)
        choices = (trial.alone, trial.pairs) if pairs else (trial.alone,)
        for choose in choices:
            if found := self._exact(choose(), RecordDigest.fits):
                return found
        # Draws written otherwise, such as uniform(low=0, high=1), are the same.
        for choose in choices if self._values_differ else ():
            if found := self._exact(choose(), RecordDigest.same_values):
                return found
        return self.rounded_like()

    def _exact(
        self, left: Sequence[Combination], fits: Callable[[RecordDigest, RecordDigest], bool]
    ) -> tuple[Explanation, ...]:
        for row in self._rows:
            left = [
                made
                for made in self._clock.watch(left)
                if (got := row.trial.print(made)) and fits(got, row.print)
            ]
        found = joined([made for made in _unordered(left) if self._told_apart(made)])
        return tuple(Explanation(made, Level.EXACT, 1.0) for made in found)

    def _told_apart(self, made: Combination) -> bool:
        """Whether the records tell one of an option's few values from the option taken otherwise.

        Where none asks for that value, or nothing shows there, "always true" and "the other
        way round" are one.
        """
        one = made[0]
        if not isinstance(one, OtherValue) or not isinstance(one.values[0], (bool, str)):
            return True
        rows = [row for row in self._rows if _asked(row.trial, one.option) == one.values[0]]
        others = [
            other
            for other in other_values(self._rows[0].trial.step)
            if isinstance(other, OtherValue)
            and (other.option, other.values != one.values) == (one.option, True)
        ]
        prints = [(row.print, row.trial.print((other,))) for row in rows for other in others]
        return any(other is not None and not other.fits(mine) for mine, other in prints)

    def rounded_like(self) -> tuple[Explanation, ...]:
        """Single suspects that give it up to rounding; of pairs, some always come near.

        None when the reference itself is as near.
        """
        if all(near(row.expected, row.actual, row.roundings) for row in self._rows):
            return ()
        left = self._rows[0].trial.singles()
        for row in self._rows:
            left = [
                made
                for made in self._clock.watch(left)
                if (got := row.trial.print(made)) and _near(row, made, got)
            ]
        return tuple(Explanation(made, Level.ROUNDING, 1.0) for made in _unordered(left))

    def partial(self) -> tuple[Explanation, ...]:
        """Single suspects by the share they account for, the largest first."""
        found = []
        known = self._reached and not self.only_rounding
        choice = self._rows[0].trial.singles() if known else []
        for made in self._clock.watch(choice):
            mean = self._share(made)
            if mean >= SMALLEST_SHARE:
                found.append(Explanation(made, Level.PART, mean))
        return tuple(sorted(found, key=lambda one: -one.share)[:SHOWN])

    def _share(self, made: Combination) -> float:
        """The mean over records in which the candidate or the suspect is wrong."""
        shares: list[float] = []
        for at, row in enumerate(self._rows):
            self._clock.check()
            record = row.trial.record(made)
            assert record is not None  # one suspect alone can always be made
            found = share(row.expected, row.actual, leaves_of(record), row.roundings)
            shares += [] if found is None else [found]
            if sum(shares) + len(self._rows) - at - 1 < SMALLEST_SHARE * len(shares):
                return 0.0
        return sum(shares) / len(shares) if shares else 0.0


@dataclass(frozen=True, eq=False)
class _Row:
    """What the candidate gave on the input of one trial."""

    trial: Trial
    record: StepRecord
    print: RecordDigest

    @cached_property
    def is_rounding(self) -> bool | None:
        """Whether it differs by rounding alone, None for not at all; the print only saves time."""
        if self.print.fits(self.trial.reference):
            return None
        result = compare_records(self.record, self.trial.expected)
        return result.is_rounding if result.verdict is Verdict.DIFFERENT else None

    @cached_property
    def terms(self) -> int:
        """Of the sums in the output, at most."""
        return terms_of(self.trial.expected.input)

    @cached_property
    def roundings(self) -> float:
        """One after the other, at most."""
        return roundings_of(self.trial.expected.input)

    @cached_property
    def expected(self) -> Leaves:
        """Of the reference's record."""
        return leaves_of(self.trial.expected)

    @cached_property
    def actual(self) -> Leaves:
        """Of the candidate's record."""
        return leaves_of(self.record)


def _asked(trial: Trial, option: str) -> Any:
    """The value of an option that the reference had in this record."""
    given = trial.expected.input
    if isinstance(given, Mapping) and option in given:
        return given[option]
    return trial.step.options.get(option)


def _near(row: _Row, made: Combination, got: RecordDigest) -> bool:
    if got.state != row.print.state or (record := row.trial.record(made)) is None:
        return False
    return near(leaves_of(record), row.actual, row.roundings)


def _unordered(found: Sequence[Combination]) -> list[Combination]:
    """Of pairs that are there in both orders, the first."""
    kept: dict[frozenset[str], Combination] = {}
    for made in found:
        kept.setdefault(frozenset(suspect.id for suspect in made), made)
    return list(kept.values())
