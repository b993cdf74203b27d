"""What people get wrong in learning-rate schedules."""

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
Stub = Callable[[], None]

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


def _with(*kinds: str, needs: str, **changes: Any) -> Callable[[Stub], Stub]:
    """Registers that schedulers of `kinds` (none means all) have other options."""

    def register(told: Stub) -> Stub:
        @mistake(config.scheduler_of, needs=needs)
        @wraps(told)
        def wrong(scheduler_of: Function, entry: Entry) -> Any:
            changed = not kinds or _kind(entry) in kinds
            return scheduler_of({**entry, **changes} if changed else entry)

        return told

    return register


def _by_iteration(spec: Scheduler, options: Mapping[str, Any]) -> bool:
    return not spec.by_epoch and options.get("loop", "iter") == "iter"


@_with(*_POLY, needs=_HAS_POLY, by_epoch=True)
def poly_by_epoch() -> None:
    """The decay has by_epoch=True and stands still; iteration-based training needs False."""


@_with(needs="schedulers counted in iterations", by_epoch=True)
def by_epoch_left_out() -> None:
    """by_epoch is left out of every scheduler, and defaults to True; the reference has False."""


@_with(*_POLY, needs="a polynomial decay of another power than 1", power=1.0)
def poly_power_1() -> None:
    """The decay is linear, the default of PolyLR; configs set a power, mostly 0.9."""


@_with(*_POLY, needs="a polynomial decay", power=0.5)
def poly_power_half() -> None:
    """The decay has power 0.5; configs set another, mostly 0.9."""


@_with(*_POLY, needs="a decay that begins after a warm-up", begin=0)
def poly_from_start() -> None:
    """The decay runs during the warm-up, too; the reference begins it afterwards."""


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


@mistake(config.scheduler_of, needs="a decay with eta_min or eta_min_ratio above 0")
def floor_ignored(scheduler_of: Function, entry: Entry) -> Any:
    """The rate falls to 0; the reference stops at eta_min or its ratio."""
    bare = {key: entry[key] for key in entry if key != "eta_min_ratio"}
    return scheduler_of({**bare, "eta_min": 0} if "eta_min" in entry else bare)


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
    listed = [entries] if isinstance(entries, Mapping) else entries
    return schedulers_from_config([entry for entry in listed if _kind(entry) != "LinearLR"])


@mistake(config.scheduler_of, needs="a warm-up")
def warm_up_one_longer(scheduler_of: Function, entry: Entry) -> Any:
    """The warm-up ends one step late; the reference's last step is the one before end."""
    is_warm_up = _kind(entry) == "LinearLR"
    return scheduler_of({**entry, "end": entry["end"] + 1} if is_warm_up else entry)


@_with("LinearLR", needs=_HAS_WARM_UP, by_epoch=True)
def warm_up_by_epoch() -> None:
    """The warm-up has by_epoch=True and never ends; iteration-based training needs False."""


@_with("LinearLR", needs="a warm-up with a start_factor of its own", start_factor=1 / 3)
def warm_up_from_a_third() -> None:
    """start_factor is the default, 1/3; configs set a much smaller one."""


@_rate_of(LinearLR, needs=_HAS_WARM_UP)
def warm_up_from_0(spec: Any, base: float, at: Table, _: int) -> Table:
    """Warm-up is iteration / length and starts at 0; the reference starts at start_factor."""
    return np.asarray(base * (at - spec.begin) / (spec.end - spec.begin))


@_with("LinearLR", needs="a warm-up", start_factor=1e-12)
def warm_up_line_from_0() -> None:
    """start_factor is next to 0, and so is the first rate; configs set one that trains."""


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


@mistake(config.scheduler_of, needs="milestones of a scheduler that begins late")
def milestones_from_start(scheduler_of: Function, entry: Entry) -> Any:
    """Milestones count from the start of training; in the reference from the scheduler's begin."""
    at = [step - entry.get("begin", 0) for step in entry.get("milestones", ())]
    return scheduler_of({**entry, "milestones": at} if "milestones" in entry else entry)


@_with("CosineAnnealingLR", needs="a cosine with T_max", T_max=None)
def cosine_to_the_end() -> None:
    """The cosine reaches its floor at the end of training; the reference's at T_max."""


@_with(needs="convert_to_iter_based", convert_to_iter_based=False)
def epochs_not_converted() -> None:
    """convert_to_iter_based is ignored, and the rate changes once per epoch."""


@mistake(config.scheduler_of, needs="a constant factor that ends within training")
def factor_kept(scheduler_of: Function, entry: Entry) -> Any:
    """A constant factor is not taken back; the reference's last step divides by it again."""
    is_factor = _kind(entry) == "ConstantLR"
    return scheduler_of({**entry, "end": entry["end"] + 1} if is_factor else entry)


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


def _kind(entry: Entry) -> str:
    return str(entry["type"]).rpartition(".")[2]
