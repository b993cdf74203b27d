"""Schedules, parameter groups, clipping, accumulation: what a config asks for."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import nn

from parity.errors import InputError, NotExercised
from parity.probes.natural.signature import Caller, Partly, parameters_of, through_caller
from parity.steps.iou import ClassCounts
from parity.steps.optim.groups import ParamGroup
from parity.steps.optim.layout import build_model
from parity.steps.schedule import schedulers_from_config

Table = NDArray[np.float64]
# Class in torch.optim.lr_scheduler -> type in a config, and its arguments as the config has them;
# "length" is the number of iterations from begin to end.
_OF_TORCH: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "PolynomialLR": ("PolyLR", {"total_iters": "length", "power": "power"}),
    "LinearLR": (
        "LinearLR",
        {"total_iters": "steps", "start_factor": "start_factor", "end_factor": "end_factor"},
    ),
    "CosineAnnealingLR": ("CosineAnnealingLR", {"T_max": "T_max", "eta_min": "eta_min"}),
    "MultiStepLR": ("MultiStepLR", {"milestones": "milestones", "gamma": "gamma"}),
}
# Where a config says nothing; mmengine's own defaults.
_ABSENT: Mapping[str, Any] = {
    "power": 1.0,
    "gamma": 0.1,
    "eta_min": 0.0,
    "start_factor": 1.0 / 3,
    "end_factor": 1.0,
}
_PLACE = frozenset({"type", "begin", "end", "by_epoch"})


@through_caller
def scheduled(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Give the rate of every group at every iteration, float64 ``(max_iters, groups)``.

    Raises NotExercised for one fixed recipe, which a config has to be named for.
    """
    if is_torch_scheduler(call.function):
        return _stepped(*_with_torch(call.function, value), value)
    _insist_on_options(call.function, "param_scheduler", "schedulers")
    if "optimizer" in parameters_of(call.function):
        optimizer = _optimizer(value["base_lrs"])
        rest = {key: item for key, item in value.items() if key != "base_lrs"}
        return _stepped(optimizer, call({"optimizer": optimizer}, rest), value)
    rest = {key: item for key, item in value.items() if key not in ("base_lrs", "param_scheduler")}
    plain = {"param_scheduler": value["param_scheduler"]}
    if "schedulers" in parameters_of(call.function):
        plain = {"schedulers": schedulers_from_config(value["param_scheduler"])}
    return call({"base_lrs": value["base_lrs"], **plain}, rest)


def _insist_on_options(function: Any, *names: str) -> None:
    """Raise NotExercised for one fixed recipe, which takes none of what cases differ in."""
    parameters = parameters_of(function)
    open_ended = any(
        one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in parameters.values()
    )
    if parameters and not open_ended and not set(names) & set(parameters):
        raise NotExercised(
            "takes none of the options in which the cases differ; hold one fixed recipe against "
            "the config that it follows: --config ZOO_NAME"
        )


def is_torch_scheduler(given: Any) -> bool:
    """Whether it is a class of schedulers of torch."""
    return inspect.isclass(given) and issubclass(given, torch.optim.lr_scheduler.LRScheduler)


def _with_torch(given: Any, value: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, Any]:
    """A torch scheduler made from the one entry of the case that it can stand for."""
    if given.__name__ not in _OF_TORCH:
        raise NotExercised(
            f"is no scheduler of torch that a config can be read as ({', '.join(_OF_TORCH)}); "
            f"hold it against the config that it follows: --config ZOO_NAME"
        )
    kind, arguments = _OF_TORCH[given.__name__]
    entry, length = _only_entry(value, kind)
    known = {**_ABSENT, **entry, "length": length, "steps": length - 1}
    unknown = [
        key
        for key in entry
        if key not in (*_PLACE, *arguments.values()) and entry[key] != _ABSENT.get(key)
    ]
    if unknown:
        raise NotExercised(f"{given.__name__} takes no {', '.join(unknown)}")
    optimizer = _optimizer(value["base_lrs"])
    return optimizer, given(optimizer, **{key: known[ours] for key, ours in arguments.items()})


def _only_entry(value: Mapping[str, Any], kind: str) -> tuple[dict[str, Any], int]:
    entries = value["param_scheduler"]
    entries = [entries] if isinstance(entries, Mapping) else list(entries)
    if len(entries) > 1 or value.get("loop", "iter") != "iter":
        raise NotExercised("is one scheduler by iteration; the case has several, or epochs")
    entry = dict(entries[0])
    if entry["type"] != kind or entry.get("begin") or entry.get("by_epoch", True):
        raise NotExercised(f"is no {entry['type']}")
    return entry, int(entry.get("end") or value["max_iters"])


def _optimizer(base_lrs: Sequence[float]) -> torch.optim.Optimizer:
    groups = [{"params": [nn.Parameter(torch.zeros(()))], "lr": lr} for lr in base_lrs]
    return torch.optim.SGD(groups, lr=base_lrs[0])


def _stepped(optimizer: torch.optim.Optimizer, scheduler: Any, value: Mapping[str, Any]) -> Table:
    table = np.empty((value["max_iters"], len(value["base_lrs"])))
    for iteration in range(value["max_iters"]):
        table[iteration] = [group["lr"] for group in optimizer.param_groups]
        optimizer.step()
        scheduler.step()
    return table


@through_caller
def grouped(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Give the parameter groups of a model: ours, of an optimizer, or the dicts it is made of.

    Raises InputError for what is no group.
    """
    rest = {key: item for key, item in value.items() if key != "layout"}
    _insist_on_options(call.function, "lr", "base_lr", "learning_rate", "paramwise_cfg")
    model = build_model(value["layout"])
    frozen = [name for name, one in model.named_parameters() if not one.requires_grad]
    found = call({"model": model}, rest)
    rates = {"lr": value["lr"], "weight_decay": value.get("weight_decay", 0)}
    groups = groups_of(found, model, rates)
    listed = {name for group in groups for name in group["names"]}
    left_out = tuple(name for name in frozen if name not in listed)
    # They are not updated, listed or not.
    return [*groups, Partly(names=left_out)] if left_out else groups


def groups_of(found: Any, model: nn.Module, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """The groups of an optimizer, or the dicts it is made of; `rates` where they name none."""
    groups = found.param_groups if isinstance(found, torch.optim.Optimizer) else list(found)
    names = {id(param): name for name, param in model.named_parameters()}
    made = [_group(group, names, rates) for group in groups]
    # timm's schedulers multiply by lr_scale; where rates differ already, that is done.
    scaled = len({group["lr"] for group in made}) > 1
    for group, given in zip(made, groups, strict=True):
        if not scaled and isinstance(given, Mapping):
            group["lr"] *= given.get("lr_scale", 1.0)
    return made


def _group(group: Any, names: Mapping[int, str], rates: Mapping[str, float]) -> dict[str, Any]:
    if isinstance(group, ParamGroup):
        return dict(vars(group))
    if not isinstance(group, Mapping) or ("params" not in group and "names" not in group):
        raise InputError(f"gives a {type(group).__name__} as a group; give dicts with params")
    listed = group.get("names", group.get("param_names"))
    if listed is None:
        params = group["params"]
        params = [params] if isinstance(params, torch.Tensor) else params
        listed = tuple(names.get(id(param), "?") for param in params)
    chosen = {key: float(group.get(key, rates[key])) for key in rates}
    # A scheduler keeps the rate it starts from.
    return Partly(
        names=tuple(listed), **{**chosen, "lr": float(group.get("initial_lr", chosen["lr"]))}
    )


@through_caller
def clipped(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Give clipped gradients, with their norm where it gives that."""
    given = {"clip_grad": value["clip_grad"]}
    if value["clip_grad"] and "max_norm" in parameters_of(call.function):
        given = {"norm_type": 2.0, **value["clip_grad"]}
    found = call({"gradients": value["gradients"]}, given)
    if hasattr(found, "_asdict"):
        return found._asdict()
    return Partly(gradients=found) if isinstance(found, list) else found


@through_caller
def accumulated(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Give one entry per batch: what its loss is divided by, and whether parameters are updated."""
    names = ("loss_factor", "updates")
    return [
        dict(zip(names, entry, strict=True))
        if isinstance(entry, tuple) and len(entry) == 2
        else entry
        for entry in call({}, value)
    ]


@through_caller
def trained(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Give what every batch of a short training leaves behind."""
    rest = {key: item for key, item in value.items() if key not in ("layout", "seed", "inputs")}
    model = build_model(value["layout"], seed=value["seed"])
    return call({"model": model, "inputs": value["inputs"]}, rest)


@through_caller
def counted(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Give the counts of one image, int64 ``(num_classes,)``: intersect, union, pred and label."""
    found = call({"pred": value["pred"], "label": value["label"]}, options)
    if is_dataclass(found) and not isinstance(found, type):
        return asdict(found)
    if isinstance(found, (tuple, list)) and len(found) == 4:
        columns = [np.asarray(column).astype(np.int64) for column in found]
        return dict(zip(("intersect", "union", "pred", "label"), columns, strict=True))
    return found


@through_caller
def evaluated(call: Caller, value: Any, rng: RandomState, **options: Any) -> Any:
    """Give what a metric class computes over images, update by update; by field."""
    metric = call({}, options)
    images = value
    if isinstance(value, Mapping):
        pairs = zip(value["segmentations"], value["labels"], strict=True)
        images = [{"pred": found.prediction[0], "label": label} for found, label in pairs]
    for image in images:
        metric.update(image["pred"], image["label"])
    result = metric.compute()
    return asdict(result) if is_dataclass(result) and not isinstance(result, type) else result


@through_caller
def rated(call: Caller, value: Any, rng: RandomState, **options: Any) -> Any:
    """Give ratios of counts."""
    return call({"counts": ClassCounts(**value)}, options)
