"""What is said of mistakes that are not in the catalogue: suspects held out of it, in turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

from mistakes.planting import Counts, Place, function_of
from parity.compare.rounding import roundings_of
from parity.suspects.diagnose import Diagnosis, diagnose_trials
from parity.suspects.failures import KEPT_EQUAL, KEPT_FAILURES
from parity.suspects.likeness import leaves_of, near
from parity.suspects.search import Level
from parity.suspects.suspect import Suspect
from parity.suspects.trial import Combination, Trial

# A tenth of the mistakes is held out at a time.
FOLDS = 10
# Share of wrong names that is not to be reached.
WRONG = 0.02


@dataclass(frozen=True)
class HeldOut(Counts):
    """Suspects of one step, each diagnosed while a tenth, its own among them, is unknown.

    places: suspects, each in every function that holds it, as all that is counted here.
    unnamed: no name is given. alike: the name is of what gives the same on all inputs.
    likened: the name is given as a likeness, whatever it is; wrong: it is of something
    else. names: the wrong ones.
    """

    places: int = 0
    unnamed: int = 0
    alike: int = 0
    likened: int = 0
    wrong: int = 0
    names: tuple[str, ...] = ()


def score_held_out(step: str, places: Sequence[Place]) -> HeldOut:
    """Hold out and diagnose every suspect that `places` have, as a check would do."""
    row = HeldOut(step)
    for suspect in places[0].trial.suspects:
        row += replace(_score(suspect, places), step=step)
    return row


def fold_of(suspect: Suspect) -> int:
    """Which tenth it is in: that of its mistake, in whatever function it is made."""
    return crc32(suspect.summary.encode()) % FOLDS


def _score(suspect: Suspect, places: Sequence[Place]) -> HeldOut:
    trials = [place.trial for place in places]
    told = _diagnosed(suspect, places)
    if told is None:
        return HeldOut("")
    if not told.likely:
        return HeldOut("", places=1, unnamed=1)
    name = told.likely[0].suspects
    likened = not told.alike
    if _same(trials, (suspect,), name, rounded=told.level is Level.ROUNDING):
        return HeldOut("", places=1, alike=1, likened=likened)
    text = f"{suspect.id} in {function_of(places)}: {' with '.join(told.likely[0].ids)}"
    share = f"likened, {told.likely[0].share:.0%}" if likened else str(told.level)
    return HeldOut("", places=1, likened=likened, wrong=1, names=(f"{text} ({share})",))


def _diagnosed(suspect: Suspect, places: Sequence[Place]) -> Diagnosis | None:
    """As a check does, of the first failures and some cases that are right; None without any."""
    absent = {one for one in places[0].trial.suspects if fold_of(one) == fold_of(suspect)}
    wrong = [place.trial for place in places if place.shows((suspect,))]
    right = [place.trial for place in places if not place.shows((suspect,))]
    chosen = [*wrong[:KEPT_FAILURES], *right[:KEPT_EQUAL]]
    records = [trial.record((suspect,)) for trial in chosen]
    given = [record for record in records if record is not None]
    if not wrong or len(given) < len(chosen):
        return None
    return diagnose_trials([trial.without(absent) for trial in chosen], given)


def _near(trial: Trial, one: Combination, other: Combination) -> bool:
    left, right = trial.record(one), trial.record(other)
    roundings = roundings_of(trial.expected.input)
    if left is None or right is None:
        return False
    return near(leaves_of(left), leaves_of(right), roundings)


def _same(trials: Sequence[Trial], one: Combination, other: Combination, *, rounded: bool) -> bool:
    """Whether both give the same on all inputs, so that they are one mistake.

    rounded: up to rounding, which is what was said of them.
    """
    if rounded:
        return all(_near(trial, one, other) for trial in trials)
    prints = [(trial.print(one), trial.print(other)) for trial in trials]
    return all(left and right and left.fits(right) for left, right in prints)
