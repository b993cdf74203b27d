"""Learning rates of a run: from its config's schedule, and as it logged them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.errors import InputError
from parity.runs.facts import Source
from parity.runs.record import Run
from parity.settings.terms import Terms
from parity.steps.schedule import ReduceOnPlateauLR, lr_table, schedulers_from_config

Rates = tuple[NDArray[np.float64], str, Source | None]
# More iterations than any run has; a larger number is a typing error, not a schedule.
MAX_STEPS = 5_000_000
# Defaults that only fill in what torch or mmengine would.
_EXTRA = {"verbose", "last_step"}


def optimizer_options(terms: Terms) -> Mapping[str, Any]:
    """The optimizer's options; empty where there is none."""
    found = terms.get("optim_wrapper", "optimizer")
    return found if isinstance(found, Mapping) else {}


def multipliers(terms: Terms, key: str) -> tuple[float, float]:
    """``lr_mult`` and ``decay_mult`` of the parameter called `key`. Raises RunFormatError.

    Reproduces the order of mmengine 0.10.7 optim/optimizer/default_constructor.py:
    the longest matching custom key, then alphabetically; else the bias options.
    """
    place = ("optim_wrapper", "paramwise_cfg")
    custom = terms.item(*place, "custom_keys").fields
    for name in sorted(sorted(custom), key=len, reverse=True):
        if name in key:
            at = (*place, "custom_keys", name)
            return _or_one(terms.number(*at, "lr_mult")), _or_one(terms.number(*at, "decay_mult"))
    lr_mult = terms.number(*place, "bias_lr_mult")
    return _or_one(lr_mult), _or_one(terms.number(*place, "bias_decay_mult"))


def _or_one(value: float | None) -> float:
    return 1.0 if value is None else float(value)


def learning_rates(run: Run, terms: Terms | None, steps: int) -> list[Rates]:
    """The base rate at each optimizer step of the first `steps` iterations, by every source."""
    if not 0 < steps <= MAX_STEPS or terms is None:
        return []
    every = run.settings.accumulation.value or 1
    found = [*scheduled(run, terms, steps), *_from_log(run, steps)]
    return [(rates[every - 1 :: every], how, source) for rates, how, source in found]


def scheduled(run: Run, terms: Terms, steps: int) -> list[Rates]:
    """The rates of the config's schedule; none where it is not reproduced here."""
    lr, schedule = optimizer_options(terms).get("lr"), terms.get("param_scheduler")
    if not isinstance(lr, (int, float)) or not isinstance(schedule, list):
        return []
    given = [
        {k: v for k, v in item.items() if k not in _EXTRA and v is not None}
        for item in schedule
        if isinstance(item, Mapping)
    ]
    try:
        planned = max(steps, run.settings.max_iters.value or 0)
        specs = schedulers_from_config(given)
        if any(isinstance(spec, ReduceOnPlateauLR) for spec in specs):  # goes by scores
            return []
        table = lr_table([float(lr)], specs, max_iters=planned)
    except (InputError, TypeError):  # a schedule that is not reproduced
        return []
    source = terms.source(terms.item("param_scheduler"))
    return [(table[:steps, 0], "the config's schedule", source)]


def _from_log(run: Run, steps: int) -> list[Rates]:
    """Between logged iterations the rate is interpolated; the log holds the rates as used."""
    curve = run.curves.get("base_lr")
    if curve is None or len(curve) < 2 or not np.all(np.isfinite(curve.values)):
        return []
    if curve.steps[-1] < 0.9 * steps:  # too short to tell
        return []
    at = np.arange(1, steps + 1)
    start = np.polyfit(curve.steps[:2], curve.values[:2], 1)
    rates = np.interp(at, curve.steps, curve.values)
    early = at < curve.steps[0]
    rates[early] = np.polyval(start, at[early])
    return [(rates, f"{len(curve)} logged rates", curve.source(len(curve) - 1))]
