"""A config's ``param_scheduler`` and the length of its training, as `lr_table` takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.random import RandomState

from parity.errors import InputError
from parity.recipe.reader import Reader
from parity.runs.facts import Unknown
from parity.settings.items import Item, plain
from parity.steps.schedule import ReduceOnPlateauLR, schedulers_from_config

# Batches of an epoch, where only the data could tell how many there are.
EPOCH_LENGTH = 10
# The longest of the zoo has 320,000.
MOST_ITERATIONS = 10_000_000
_RATE_OF_ADAM = 0.9


@dataclass(frozen=True)
class Schedule:
    """base_lr: of the optimizer; momentum: likewise, None where nothing schedules it.

    options: what `lr_table` takes besides.
    """

    base_lr: float
    momentum: float | None
    options: Mapping[str, Any] = field(default_factory=dict)


def schedule_of(reader: Reader) -> Schedule | None:
    """The schedule of a config; None, and a note, where there is none that can be listed."""
    terms = reader.terms
    given, loop = terms.item("param_scheduler"), terms.item("train_cfg")
    entries = [reader.entry(part) for part in given.parts]
    optimizer = terms.item("optim_wrapper", "optimizer")
    rate, length = optimizer.get("lr").value, _length(reader, loop)
    known = bool(entries) or given.is_empty
    if not isinstance(rate, (int, float)) or length is None or not known:
        unknown = [one.note for one in (rate, given.value) if isinstance(one, Unknown)]
        told = "no rate, no length or no list of schedulers is given"
        reader.note(loop, "the schedule", "".join(unknown[:1]) or told)
        return None
    if not 0 < length["max_iters"] <= MOST_ITERATIONS:
        told = f"{length['max_iters']} iterations are none, or too many to list"
        reader.note(loop, "the schedule", told)
        return None
    try:
        specs = schedulers_from_config(entries)
    except (InputError, TypeError) as error:
        reader.note(given, "the schedule", str(error))
        return None
    plateaus = [spec for spec in specs if isinstance(spec, ReduceOnPlateauLR)]
    monitored = _monitored(reader, loop, plateaus, length["max_iters"])
    momentum = _momentum(optimizer) if any(spec.momentum for spec in specs) else None
    options = {"param_scheduler": entries, **length, **monitored}
    return Schedule(float(rate), momentum, options)


def _length(reader: Reader, loop: Item) -> dict[str, Any] | None:
    iterations, epochs = loop.get("max_iters").value, loop.get("max_epochs").value
    if iterations is None and isinstance(epochs, int):
        reader.note(loop, "the length of an epoch", f"taken as {EPOCH_LENGTH} batches")
        length = {"epoch_length": EPOCH_LENGTH, "loop": "epoch"}
        return {"max_iters": epochs * EPOCH_LENGTH, **length}
    return {"max_iters": iterations} if isinstance(iterations, int) else None


def _monitored(
    reader: Reader, loop: Item, plateaus: list[ReduceOnPlateauLR], iterations: int
) -> dict[str, Any]:
    """Made-up scores for what waits for a plateau, better at first and then up and down."""
    interval = loop.get("val_interval").value
    if not plateaus or not isinstance(interval, int) or interval < 1:
        return {}
    reader.note(loop, "the scores of validation", "made up, to see when the rate is reduced")
    rng = RandomState(0)
    scores = [min(at, 4) + float(rng.random_sample()) for at in range(iterations // interval + 1)]
    names = {spec.monitor for spec in plateaus}
    return {
        "val_interval": interval,
        "metrics": [dict.fromkeys(names, score) for score in scores],
    }


def _momentum(optimizer: Item) -> float:
    betas = plain(optimizer.get("betas"))
    given = optimizer.get("momentum").value
    if isinstance(betas, list) and betas:
        given = betas[0]
    return float(given) if isinstance(given, (int, float)) else _RATE_OF_ADAM
