"""What a training to its end has otherwise than one that is only compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parity.errors import InputError
from parity.train.plan import AMP
from parity.train.settings import TrainingSettings

_NEEDED = ("val_dataloader", "val_cfg", "val_evaluator")
_PLACES = ("begin", "end", "T_max", "total_iters", "step_size")


def interval_of(iters: int, asked: int | None) -> int:
    """Iterations between two validations: half of them all unless asked otherwise.

    Raises InputError for one that does not come out at the end.
    """
    if asked is None:
        return iters // 2 if iters % 2 == 0 else iters
    if asked and iters % asked:
        raise InputError(f"--interval {asked} does not divide the {iters} iterations")
    return asked


def with_validation(given: TrainingSettings, interval: int) -> TrainingSettings:
    """Validated and saved every `interval` iterations on both sides."""
    values = given.values
    missing = [key for key in _NEEDED if not values.get(key)]
    loop = {key: part for key, part in values["train_cfg"].items() if key != "dynamic_intervals"}
    hooks = dict(values.get("default_hooks") or {})
    hooks["checkpoint"] = {"type": "CheckpointHook", "by_epoch": False, "interval": interval}
    told = f"validated and saved every {interval} iterations"
    if missing:
        told = f"saved every {interval} iterations; not validated: no {', '.join(missing)}"
    made = given.having(
        told,
        train_cfg={**loop, "val_interval": interval, "val_begin": 1},
        default_hooks=hooks,
    )
    kept = {key: part for key, part in made.values.items() if not missing or key not in _NEEDED}
    return replace(made, values=kept)


def shortened(given: TrainingSettings, iters: int) -> TrainingSettings:
    """The whole schedule in `iters` iterations. Raises InputError where it has no length."""
    loop = given.values["train_cfg"]
    length = loop.get("max_iters")
    if not isinstance(length, int) or length < 1:
        raise InputError(f"{given.name}: train_cfg.max_iters is {length!r}, not a number")
    factor = iters / length
    entries = given.values.get("param_scheduler") or []
    listed: list[Mapping[str, Any]] = [entries] if isinstance(entries, Mapping) else list(entries)
    made = [_scaled(entry, factor) for entry in listed]
    return given.having(
        f"the schedule of {length} iterations in {iters}",
        train_cfg={**loop, "max_iters": iters},
        param_scheduler=made or None,
    )


def _scaled(entry: Mapping[str, Any], factor: float) -> dict[str, Any]:
    def scaled(value: Any) -> Any:
        return max(round(value * factor), 1) if isinstance(value, int) and value else value

    made = {key: scaled(part) if key in _PLACES else part for key, part in entry.items()}
    if "milestones" in made:
        made["milestones"] = [scaled(part) for part in made["milestones"]]
    return made


def with_amp(given: TrainingSettings) -> TrainingSettings:
    """In mixed precision, whatever the config says."""
    wrapper = {**given.values["optim_wrapper"], "type": AMP}
    return given.having(f"optim_wrapper.type = {AMP}", optim_wrapper=wrapper)


def for_whole(
    given: TrainingSettings, iters: int, interval: int, *, shorten: bool, amp: bool
) -> TrainingSettings:
    """`given` with what the command asks for. Raises InputError."""
    given = with_amp(given) if amp else given
    given = shortened(given, iters) if shorten else given
    return with_validation(given, interval) if interval else given
