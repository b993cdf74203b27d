"""What people get wrong in learning-rate schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.steps.schedule import config, table
from parity.steps.schedule.schedulers import LinearLR, PolyLR, Scheduler
from parity.suspects.mistake import Function, made_in

Entry = Mapping[str, Any]
Table = NDArray[np.float64]
# (scheduler, base rate, iterations, max_iters) -> rates
Rate = Callable[[Any, float, Table, int], Table]

_POLY = ("PolyLR", "PolyLRRatio")
_HAS_POLY = "a polynomial decay counted in iterations"
_HAS_WARM_UP = "a linear warm-up counted in iterations"

mistake = made_in(table.lr_table)


def _rate_of(kind: type[Scheduler], *, needs: str) -> Callable[[Rate], Rate]:
    """Registers a mistake in the rate where a scheduler of `kind` acts."""

    def register(rate: Rate) -> Rate:
        @mistake(table.lr_table, needs=needs)
        @wraps(rate)
        def wrong(lr_table: Function, base_lrs: Any, param_scheduler: Any, **options: Any) -> Any:
            rates = lr_table(base_lrs, param_scheduler, **options)
            for spec in config.schedulers_from_config(param_scheduler):
                if isinstance(spec, kind) and _by_iteration(spec, options):
                    end = options["max_iters"] if spec.end is None else spec.end
                    at = np.arange(spec.begin, end, dtype=np.float64)
                    for group, base in enumerate(base_lrs):
                        found = rate(spec, float(base), at, options["max_iters"])
                        rates[spec.begin : end, group] = found
            return rates

        return rate

    return register


def _by_iteration(spec: Scheduler, options: Mapping[str, Any]) -> bool:
    return not spec.by_epoch and options.get("loop", "iter") == "iter"


@mistake(config.schedulers_from_config, needs=_HAS_POLY)
def poly_by_epoch(schedulers_from_config: Function, entries: Any) -> Any:
    """The decay has by_epoch=True and stands still; iteration-based training needs False."""
    return schedulers_from_config(_changed(entries, _POLY, by_epoch=True))


@mistake(config.schedulers_from_config, needs="schedulers counted in iterations")
def by_epoch_left_out(schedulers_from_config: Function, entries: Any) -> Any:
    """by_epoch is left out of every scheduler, and defaults to True; the reference has False."""
    return schedulers_from_config(_changed(entries, (), by_epoch=True))


@mistake(config.schedulers_from_config, needs="a polynomial decay of another power than 1")
def poly_power_1(schedulers_from_config: Function, entries: Any) -> Any:
    """The decay is linear, the default of PolyLR; configs set a power, mostly 0.9."""
    return schedulers_from_config(_changed(entries, _POLY, power=1.0))


@mistake(config.schedulers_from_config, needs="a polynomial decay")
def poly_power_half(schedulers_from_config: Function, entries: Any) -> Any:
    """The decay has power 0.5; configs set another, mostly 0.9."""
    return schedulers_from_config(_changed(entries, _POLY, power=0.5))


@mistake(config.schedulers_from_config, needs="a decay that begins after a warm-up")
def poly_from_start(schedulers_from_config: Function, entries: Any) -> Any:
    """The decay runs during the warm-up, too; the reference begins it afterwards."""
    return schedulers_from_config(_changed(entries, _POLY, begin=0))


@_rate_of(PolyLR, needs=_HAS_POLY)
def poly_of_textbook(spec: Any, base: float, at: Table, last: int) -> Table:
    """The decay is (1 - iteration / max_iters) ** power; the reference counts from begin to end."""
    floor = spec.floor(base)
    return np.asarray((base - floor) * (1 - at / last) ** spec.power + floor)


@_rate_of(PolyLR, needs=_HAS_POLY)
def poly_in_closed_form(spec: Any, base: float, at: Table, last: int) -> Table:
    """Each rate is computed from the first; the reference's from the one before, rounded."""
    end = last if spec.end is None else spec.end
    left = 1 - (at - spec.begin) / (end - spec.begin - 1)
    floor = spec.floor(base)
    return np.asarray((base - floor) * left**spec.power + floor)


def _shared(spec: PolyLR) -> dict[str, Any]:
    """Its options but for the floor."""
    kept = {one.name: getattr(spec, one.name) for one in fields(spec)}
    return {name: value for name, value in kept.items() if "eta_min" not in name}


@mistake(config.schedulers_from_config, needs="a decay with eta_min or eta_min_ratio above 0")
def floor_ignored(schedulers_from_config: Function, entries: Any) -> Any:
    """The rate falls to 0; the reference stops at eta_min or its ratio."""
    kept = [{**entry, "eta_min": 0} if "eta_min" in entry else entry for entry in _listed(entries)]
    bare = [{key: entry[key] for key in entry if key != "eta_min_ratio"} for entry in kept]
    return schedulers_from_config(bare)


@mistake(table.lr_table, needs="a decay with eta_min above 0")
def floor_clamped(lr_table: Function, base_lrs: Any, param_scheduler: Any, **options: Any) -> Any:
    """The rate falls towards 0 and is held at eta_min; the reference's ends there."""
    specs = config.schedulers_from_config(param_scheduler)
    to_0 = [PolyLR(**_shared(one)) if isinstance(one, PolyLR) else one for one in specs]
    rates = lr_table(base_lrs, to_0, **options)
    for spec in specs:
        if isinstance(spec, PolyLR) and _by_iteration(spec, options):
            part = slice(spec.begin, spec.end)
            rates[part] = np.maximum(rates[part], [spec.floor(float(base)) for base in base_lrs])
    return rates


@mistake(config.schedulers_from_config, needs="a warm-up")
def warm_up_missing(schedulers_from_config: Function, entries: Any) -> Any:
    """The warm-up is left out; the reference starts from a small share of the rate."""
    rest = [entry for entry in _listed(entries) if _kind(entry) != "LinearLR"]
    return schedulers_from_config(rest)


@mistake(config.schedulers_from_config, needs="a warm-up")
def warm_up_one_longer(schedulers_from_config: Function, entries: Any) -> Any:
    """The warm-up ends one step late; the reference's last step is the one before end."""
    return schedulers_from_config(_one_longer(entries, "LinearLR"))


@mistake(config.schedulers_from_config, needs=_HAS_WARM_UP)
def warm_up_by_epoch(schedulers_from_config: Function, entries: Any) -> Any:
    """The warm-up has by_epoch=True and never ends; iteration-based training needs False."""
    return schedulers_from_config(_changed(entries, ("LinearLR",), by_epoch=True))


@mistake(config.schedulers_from_config, needs="a warm-up with a start_factor of its own")
def warm_up_from_a_third(schedulers_from_config: Function, entries: Any) -> Any:
    """start_factor is the default, 1/3; configs set a much smaller one."""
    return schedulers_from_config(_changed(entries, ("LinearLR",), start_factor=1 / 3))


@_rate_of(LinearLR, needs=_HAS_WARM_UP)
def warm_up_from_0(spec: Any, base: float, at: Table, _: int) -> Table:
    """Warm-up is iteration / length and starts at 0; the reference starts at start_factor."""
    return np.asarray(base * (at - spec.begin) / (spec.end - spec.begin))


@mistake(config.schedulers_from_config, needs="a warm-up")
def warm_up_line_from_0(schedulers_from_config: Function, entries: Any) -> Any:
    """start_factor is next to 0, and so is the first rate; configs set one that trains."""
    return schedulers_from_config(_changed(entries, ("LinearLR",), start_factor=1e-12))


@mistake(table.lr_table)
def rate_by_epoch(lr_table: Function, *arguments: Any, **options: Any) -> Any:
    """The rate changes once per epoch, here a tenth of the run unless given; not per iteration."""
    rates = lr_table(*arguments, **options)
    length = options.get("epoch_length") or max(len(rates) // 10, 1)
    return rates[np.arange(len(rates)) // length * length]


@_rate_of(LinearLR, needs=_HAS_WARM_UP)
def warm_up_from_first_share(spec: Any, base: float, at: Table, _: int) -> Table:
    """Warm-up is (iteration + 1) / length; the reference starts at start_factor."""
    return np.asarray(base * (at - spec.begin + 1) / (spec.end - spec.begin))


@mistake(config.schedulers_from_config, needs="milestones of a scheduler that begins late")
def milestones_from_start(schedulers_from_config: Function, entries: Any) -> Any:
    """Milestones count from the start of training; in the reference from the scheduler's begin."""
    shifted = []
    for entry in _listed(entries):
        begin = entry.get("begin", 0)
        at = [step - begin for step in entry.get("milestones", ())]
        shifted.append({**entry, "milestones": at} if "milestones" in entry else entry)
    return schedulers_from_config(shifted)


@mistake(config.schedulers_from_config, needs="a cosine with T_max")
def cosine_to_the_end(schedulers_from_config: Function, entries: Any) -> Any:
    """The cosine reaches its floor at the end of training; the reference's at T_max."""
    return schedulers_from_config(_changed(entries, ("CosineAnnealingLR",), T_max=None))


@mistake(config.schedulers_from_config, needs="convert_to_iter_based")
def epochs_not_converted(schedulers_from_config: Function, entries: Any) -> Any:
    """convert_to_iter_based is ignored, and the rate changes once per epoch."""
    return schedulers_from_config(_changed(entries, (), convert_to_iter_based=False))


@mistake(config.schedulers_from_config, needs="a constant factor that ends within training")
def factor_kept(schedulers_from_config: Function, entries: Any) -> Any:
    """A constant factor is not taken back; the reference's last step divides by it again."""
    return schedulers_from_config(_one_longer(entries, "ConstantLR"))


@mistake(table.lr_table)
def stepped_before_update(lr_table: Function, *arguments: Any, **options: Any) -> Any:
    """The scheduler steps before the optimizer, so each rate comes one iteration early."""
    rates = lr_table(*arguments, **options)
    return np.concatenate([rates[1:], rates[-1:]])


@mistake(table.lr_table)
def stepped_one_late(lr_table: Function, *arguments: Any, **options: Any) -> Any:
    """The first rate is used twice, so each rate comes one iteration late."""
    rates = lr_table(*arguments, **options)
    return np.concatenate([rates[:1], rates[:-1]])


@mistake(table.lr_table, needs="groups of unlike rates")
def one_rate_for_all_groups(rates_of: Function, base_lrs: Any, *given: Any, **options: Any) -> Any:
    """Every group gets the first one's rate; the reference keeps the groups' multipliers."""
    return rates_of([base_lrs[0]] * len(base_lrs), *given, **options)


@mistake(table.lr_table)
def rates_in_float32(lr_table: Function, *arguments: Any, **options: Any) -> Any:
    """Rates are rounded to float32; the reference's are Python floats."""
    return lr_table(*arguments, **options).astype(np.float32).astype(np.float64)


def _listed(entries: Any) -> list[Entry]:
    return [entries] if isinstance(entries, Mapping) else list(entries)


def _kind(entry: Entry) -> str:
    return str(entry["type"]).rpartition(".")[2]


def _changed(entries: Any, kinds: tuple[str, ...], **changes: Any) -> list[Entry]:
    """`entries`, those of `kinds` (none means all) with other options."""
    return [
        {**entry, **changes} if not kinds or _kind(entry) in kinds else entry
        for entry in _listed(entries)
    ]


def _one_longer(entries: Any, kind: str) -> list[Entry]:
    return [
        {**entry, "end": entry["end"] + 1} if _kind(entry) == kind else entry
        for entry in _listed(entries)
    ]
