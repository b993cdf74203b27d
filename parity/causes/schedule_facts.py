"""Learning rates of a run: from its config's schedule, and as it logged them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.errors import InputError
from parity.runs.facts import Config, Source
from parity.runs.record import Run
from parity.steps.schedule import lr_table, schedulers_from_config

Rates = tuple[NDArray[np.float64], str, Source | None]
# More iterations than any run has; a larger number is a typing error, not a schedule.
MAX_STEPS = 5_000_000


def optimizer_options(config: Config) -> Mapping[str, Any]:
    """``optim_wrapper.optimizer`` (or 0.x's ``optimizer``); empty where there is none."""
    for path in (("optim_wrapper", "optimizer"), ("optimizer",)):
        found = config.get(*path)
        if isinstance(found, Mapping):
            return found
    return {}


def multipliers(config: Config, key: str) -> tuple[float, float]:
    """``lr_mult`` and ``decay_mult`` of the parameter called `key`.

    Reproduces the order of mmengine 0.10.7 optim/optimizer/default_constructor.py:
    the longest matching custom key, then alphabetically; else the bias options.
    """
    paramwise = config.get("optim_wrapper", "paramwise_cfg") or config.get("paramwise_cfg")
    paramwise = paramwise if isinstance(paramwise, Mapping) else {}
    custom = paramwise.get("custom_keys")
    custom = custom if isinstance(custom, Mapping) else {}
    for name in sorted(sorted(custom), key=len, reverse=True):
        if name in key and isinstance(custom[name], Mapping):
            found = custom[name]
            return float(found.get("lr_mult", 1.0)), float(found.get("decay_mult", 1.0))
    lr_mult = paramwise.get("bias_lr_mult") or 1.0
    decay_mult = paramwise.get("bias_decay_mult")
    return float(lr_mult), 1.0 if decay_mult is None else float(decay_mult)


def learning_rates(run: Run, steps: int) -> list[Rates]:
    """The base rate at each optimizer step of the first `steps` iterations, by every source."""
    if not 0 < steps <= MAX_STEPS or run.config is None:
        return []
    every = run.settings.accumulation.value or 1
    found = [*_from_config(run, steps), *_from_log(run, steps)]
    return [(rates[every - 1 :: every], how, source) for rates, how, source in found]


def _from_config(run: Run, steps: int) -> list[Rates]:
    assert run.config is not None
    lr, schedule = optimizer_options(run.config).get("lr"), run.config.get("param_scheduler")
    if not isinstance(lr, (int, float)) or not isinstance(schedule, (list, tuple, Mapping)):
        return []
    try:
        planned = max(steps, run.settings.max_iters.value or 0)
        table = lr_table([lr], schedulers_from_config(schedule), max_iters=planned)
    except (InputError, TypeError):  # a schedule that is not reproduced
        return []
    source = run.config.source("param_scheduler")
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
