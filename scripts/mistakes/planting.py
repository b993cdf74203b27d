"""Plant suspects of one step's function, alone and in pairs, and see what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import TypeVar

from numpy.random import RandomState

from parity.check.cases import Case
from parity.check.summary import candidate_steps
from parity.compare.compare import Verdict
from parity.compare.trace import StepRecord, Trace, TraceComparison
from parity.compare.walk import compare_with_trace
from parity.suspects.diagnose import diagnose_trials
from parity.suspects.suspect import Suspect
from parity.suspects.trial import Combination, RecordDigest, Trial

# Inputs on which a pair is made, chosen such that they tell suspects apart.
PLACES_OF_PAIRS = 8


@dataclass(frozen=True)
class Single:
    """One suspect in one function.

    detected: the check calls it different; right_step: its step is the first that is;
    first: named first, or alone; named: first or among those that no input here tells from
    the first. missed: what was not named, and why.
    """

    id: str
    detected: bool = False
    right_step: bool = False
    first: bool = False
    named: bool = False
    missed: str = ""


COUNTED = ("detected", "right_step", "first", "named")


_Counts = TypeVar("_Counts", bound="Counts")


@dataclass(frozen=True)
class Counts:
    """Counts under a name, which are added up one by one."""

    step: str

    def __add__(self: _Counts, other: _Counts) -> _Counts:
        summed = {
            item.name: getattr(self, item.name) + getattr(other, item.name)
            for item in fields(self)
            if item.name not in ("step", "function")
        }
        return replace(self, **summed)


@dataclass(frozen=True)
class StepScore(Counts):
    """Functions of one step with all their suspects.

    singles: of every suspect in every function. pairs: planted together. masked: made
    together they give what one suspect gives, or nothing wrong, so they are not counted in
    pairs.
    """

    function: str
    singles: tuple[Single, ...] = ()
    pairs: int = 0
    pairs_detected: int = 0
    pairs_first: int = 0
    pairs_named: int = 0
    masked: int = 0
    missed_pairs: tuple[str, ...] = ()

    @property
    def cells(self) -> list[str]:
        """Of a table: its name, counts of suspects, and of pairs."""
        pairs = (self.pairs, self.pairs_detected, self.pairs_first, self.pairs_named, self.masked)
        return [self.step, *map(str, (*self.counts.values(), *pairs))]

    @property
    def suspects(self) -> int:
        """Mistakes planted."""
        return len({one.id for one in self.singles})

    @property
    def places(self) -> int:
        """Mistakes planted, in each function."""
        return len(self.singles)

    def count(self, what: str) -> int:
        """Mistakes that are "detected", "right_step", "first" or "named" in every function."""
        return self.suspects - len({one.id for one in self.singles if not getattr(one, what)})

    @property
    def missed(self) -> tuple[str, ...]:
        """What was not named, and why."""
        return (*(one.missed for one in self.singles if one.missed), *self.missed_pairs)

    @property
    def counts(self) -> dict[str, int]:
        """Of suspects, by name."""
        found = {"suspects": self.suspects, "places": self.places}
        return found | {what: self.count(what) for what in COUNTED}


@dataclass(frozen=True, eq=False)
class Place:
    """Where suspects are planted: a step of a case, with the reference's trace of it."""

    case: Case
    index: int
    trace: Trace
    trial: Trial

    def print(self, made: Combination) -> RecordDigest | None:
        """Of one suspect, two, or none."""
        return self.trial.print(made) if made else self.trial.clean

    def shows(self, made: Combination) -> bool:
        """Whether the mistakes change anything here."""
        got = self.print(made)
        return got is not None and not got.fits(self.trial.clean)

    def check(self, suspect: Suspect) -> TraceComparison:
        """Check the case up to this step, with the suspect in its place."""
        steps = candidate_steps(self.case.steps[: self.index + 1])
        steps[-1] = (steps[-1][0], self.trial.step.doing(suspect.instead_of(self.trial.step)))
        reference = Trace(self.trace.seed, self.trace.steps[: self.index + 1])
        return compare_with_trace(steps, reference)


def score_function(step: str, function: str, places: Sequence[Place], pairs: int) -> StepScore:
    """Plant every suspect of `function`, and `pairs` of them; 0 for all."""
    suspects = places[0].trial.suspects
    row = StepScore(step, function, tuple(_score_single(one, places) for one in suspects))
    few = _few_places(suspects, places)
    for first, second in _some(list(combinations(suspects, 2)), pairs):
        row += _score_pair(first, second, few)
    return row


def _score_single(suspect: Suspect, places: Sequence[Place]) -> Single:
    made = (suspect,)
    records = _records(made, places)
    showing = [place for place in places if place.shows(made)]
    name = f"{suspect.id} in {function_of(places)}"
    if not showing:
        return Single(suspect.id, missed=f"{name}: shows on no input")
    checked = showing[0].check(suspect)
    step = checked.first_difference
    right = step is not None and step.name == showing[0].trial.step.name
    first, named, why = _judge(places, records, made)
    return Single(
        suspect.id,
        detected=checked.verdict is Verdict.DIFFERENT,
        right_step=right,
        first=first,
        named=named,
        missed="" if first and right else f"{name}: {why}",
    )


def function_of(places: Sequence[Place]) -> str:
    """Name of the step's own function."""
    return places[0].trial.step.function.__name__


def _score_pair(one: Suspect, other: Suspect, places: Sequence[Place]) -> StepScore:
    """Masked when one performs the step without coming to the other, in either order."""
    orders = [(made, _records(made, places)) for made in ((one, other), (other, one))]
    # Defined everywhere if possible; then rather the order in which nothing raises.
    made, records = max(orders, key=lambda order: (len(order[1]), _unbroken(order[1])))
    if len(records) < len(places):
        return StepScore("", "", masked=1)
    lesser = [(), *places[0].trial.singles()]
    if any(_same_effect(made, less, places) for less in lesser):
        return StepScore("", "", masked=1)
    first, named, why = _judge(places, records, made)
    detected = any(place.shows(made) for place in places)
    name = f"{one.id} with {other.id} in {function_of(places)}"
    return StepScore(
        "",
        "",
        pairs=1,
        pairs_detected=detected,
        pairs_first=first,
        pairs_named=named,
        missed_pairs=() if first else (f"{name}: {why}",),
    )


def _same_effect(made: Combination, less: Combination, places: Sequence[Place]) -> bool:
    """Whether two suspects give what one gives, or none."""
    prints = [(place.print(made), place.print(less)) for place in places]
    return all(got and fewer and got.fits(fewer) for got, fewer in prints)


def _records(made: Combination, places: Sequence[Place]) -> list[StepRecord]:
    """What `made` give, up to the first place where they cannot be made together."""
    records = []
    for place in places:
        record = place.trial.record(made)
        if record is None:
            break
        records.append(record)
    return records


def _unbroken(records: Sequence[StepRecord]) -> int:
    return sum(not record.error for record in records)


def _judge(
    places: Sequence[Place], records: Sequence[StepRecord], planted: Combination
) -> tuple[bool, bool, str]:
    """Whether what was planted is named first, whether it is among those as good, and if not, what.

    The text is the diagnosis, or the names of what cannot be told from what was planted.
    """
    diagnosis = diagnose_trials([place.trial for place in places], records)
    wanted = {suspect.id for suspect in planted}
    alike = [set(one.ids) == wanted for one in diagnosis.group]
    if not any(alike):
        return False, False, str(diagnosis)
    others = [
        " with ".join(one.ids) for one, same in zip(diagnosis.group, alike, strict=True) if not same
    ]
    return alike[0], True, f"no input tells it from {', '.join(others)}"


def _few_places(suspects: Sequence[Suspect], places: Sequence[Place]) -> list[Place]:
    """Few places that tell as many suspects from each other, and from none, as they can."""
    chosen: list[Place] = []
    while len(chosen) < min(PLACES_OF_PAIRS, len(places)):
        rest = [place for place in places if place not in chosen]
        chosen.append(max(rest, key=lambda place: _told_apart(suspects, [*chosen, place])))
    return chosen


def _told_apart(suspects: Sequence[Suspect], places: Sequence[Place]) -> tuple[int, int]:
    """How many kinds of prints there are on `places`, and how often one shows on the last."""
    rows = [(), *((suspect,) for suspect in suspects)]
    kinds = {tuple(place.print(made) for place in places) for made in rows}
    return len(kinds), sum(places[-1].shows(made) for made in rows)


def _some(pairs: list[tuple[Suspect, Suspect]], count: int) -> list[tuple[Suspect, Suspect]]:
    """`count` of them, always the same; 0 for all."""
    if not count or count >= len(pairs):
        return pairs
    order = RandomState(0).permutation(len(pairs))[:count]
    return [pairs[at] for at in sorted(order)]
