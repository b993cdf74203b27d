"""Read a config's ``param_scheduler`` list."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from parity.errors import InputError
from parity.steps.schedule.cycles import CosineRestartLR, OneCycleLR
from parity.steps.schedule.plateau import ReduceOnPlateauLR
from parity.steps.schedule.schedulers import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolyLR,
    PolyLRRatio,
    Scheduler,
    StepLR,
)

SCHEDULERS: dict[str, type[Scheduler]] = {
    cls.__name__: cls
    for cls in (
        *(PolyLR, PolyLRRatio, LinearLR, ConstantLR, MultiStepLR, CosineAnnealingLR),
        *(StepLR, ExponentialLR, CosineRestartLR, OneCycleLR, ReduceOnPlateauLR),
    )
}
_MOMENTUM = "Momentum"
# One entry of a config or a list of them; what is a spec already stays one.
ParamScheduler = Mapping[str, Any] | Sequence[Mapping[str, Any] | Scheduler]


def schedulers_from_config(param_scheduler: ParamScheduler) -> tuple[Scheduler, ...]:
    """A config's ``param_scheduler``, one dict or a list of them, as specs.

    Raises InputError for a type that is not reproduced and for unknown or missing options.
    """
    if isinstance(param_scheduler, Mapping):
        param_scheduler = [param_scheduler]
    return tuple(
        entry if isinstance(entry, Scheduler) else scheduler_of(entry) for entry in param_scheduler
    )


def scheduler_of(entry: Mapping[str, Any]) -> Scheduler:
    """The spec of one entry of a config. Raises InputError as `schedulers_from_config`."""
    options = dict(entry)
    given = str(options.pop("type", "")).rpartition(".")[2]
    momentum = given.endswith(_MOMENTUM)
    name = f"{given.removesuffix(_MOMENTUM)}LR" if momentum else given
    if name not in SCHEDULERS:
        raise InputError(f"param_scheduler type {given!r} is not one of {', '.join(SCHEDULERS)}")
    options.pop("verbose", None)
    if options.get("last_step") == -1:  # the default: training starts at its start
        del options["last_step"]
    known = {field.name: field for field in fields(SCHEDULERS[name])}
    surplus = sorted(set(options) - set(known) | set(options) & {"momentum"})
    missing = [key for key, field in known.items() if field.default is MISSING]
    missing = [key for key in missing if key not in options]
    if surplus or missing:
        raise InputError(f"{name}: unknown options {surplus}, missing options {missing}")
    return SCHEDULERS[name](**options, momentum=momentum)
