"""What a training to its end has otherwise than one that is only compared."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parity.errors import InputError
from parity.train.plan import AMP, EPOCHS, plan_of
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
    """Validated and saved every `interval` iterations on both sides. Raises InputError."""
    values, length = given.values, _epoch_length(given)
    if interval % length:
        raise InputError(
            f"{given.name}: --interval {interval} ends within an epoch of {length} iterations; "
            "give a multiple, or --interval 0"
        )
    missing = [key for key in _NEEDED if not values.get(key)]
    loop = {key: part for key, part in values["train_cfg"].items() if key != "dynamic_intervals"}
    hooks = dict(values.get("default_hooks") or {})
    hooks["checkpoint"] = {"type": "CheckpointHook", "by_epoch": False, "interval": interval}
    told = f"validated and saved every {interval} iterations"
    if missing:
        told = f"saved every {interval} iterations; not validated: no {', '.join(missing)}"
    made = given.having(
        told,
        train_cfg={**loop, "val_interval": interval // length, "val_begin": 1},
        default_hooks=hooks,
    )
    kept = {key: part for key, part in made.values.items() if not missing or key not in _NEEDED}
    return replace(made, values=kept)


def shortened(given: TrainingSettings, iters: int) -> TrainingSettings:
    """The whole schedule in `iters` iterations. Raises InputError where it has no length."""
    loop, epoch = given.values["train_cfg"], _epoch_length(given)
    key = "max_epochs" if _by_epoch(given) else "max_iters"
    length = loop.get(key)
    if not isinstance(length, int) or length < 1:
        raise InputError(f"{given.name}: train_cfg.{key} is {length!r}, not a number")
    if iters % epoch:
        raise InputError(f"{given.name}: an epoch has {epoch} iterations; give a multiple of them")
    factor = iters / (length * epoch)
    entries = given.values.get("param_scheduler") or []
    listed: list[Mapping[str, Any]] = [entries] if isinstance(entries, Mapping) else list(entries)
    made = [_scaled(entry, factor) for entry in listed]
    return given.having(
        f"the schedule of {length * epoch} iterations in {iters}",
        train_cfg={**loop, key: iters // epoch},
        param_scheduler=made or None,
    )


def _by_epoch(given: TrainingSettings) -> bool:
    return str(given.values["train_cfg"].get("type", "")).endswith(EPOCHS)


def _epoch_length(given: TrainingSettings) -> int:
    """Iterations of what the training counts in: 1 where it counts them. Raises InputError."""
    return plan_of(given).epoch_length if _by_epoch(given) else 1


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
