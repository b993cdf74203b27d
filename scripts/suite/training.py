"""Schedulers, parameter groups, clipping and accumulation of the reference beside ours."""

import copy
import pkgutil
from collections import Counter
from dataclasses import fields
from math import inf
from typing import Any
from unittest.mock import Mock, patch

from parity.errors import NotExercised
from parity.live import reference_module
from parity.steps.optim import clip_gradients, param_groups, scale_loss, should_update
from parity.steps.schedule import SCHEDULERS, ReduceOnPlateauLR, Scheduler
from suite.beside import Call, Twin
from suite.patching import Patched

_SCHEDULERS = "mmengine.optim.scheduler.param_scheduler"
_KINDS = (
    *("Step", "MultiStep", "Constant", "Exponential", "CosineAnnealing"),
    *("Linear", "Poly", "OneCycle", "CosineRestart"),
)
# Of ours, what matters where schedulers are listed in a config.
_OF_LISTS = {"convert_to_iter_based", "momentum"}
_CONSTRUCTORS = {
    "DefaultOptimWrapperConstructor": "mmengine.optim",
    "ForceDefaultOptimWrapperConstructor": "mmseg.engine.optimizers",
    "LearningRateDecayOptimizerConstructor": "mmseg.engine.optimizers",
    "LayerDecayOptimizerConstructor": "mmseg.engine.optimizers",
}


def _stepped(call: Call) -> Twin:
    """The next value of every group, from the one it has."""
    obj = call.obj
    values = [group[obj.param_name] for group in obj.optimizer.param_groups]
    specs = [_spec(call, group) for group in range(len(values))]
    return Twin(
        "schedule",
        lambda rng: [
            _next(call, spec, value, base)
            for spec, value, base in zip(specs, values, obj.base_values, strict=True)
        ],
        lambda: [float(value) for value in call.original(obj)],
    )


def _reduced(call: Call) -> Twin:
    """The value that each group is reduced to; whether it is, is decided around it."""
    obj = call.obj
    values = [group[obj.param_name] for group in obj.optimizer.param_groups]
    function = call.ours(ReduceOnPlateauLR.reduced)
    specs = [
        ReduceOnPlateauLR(factor=obj.factor, min_value=least, eps=-inf) for least in obj.min_values
    ]
    return Twin(
        "schedule",
        lambda rng: [function(spec, value) for spec, value in zip(specs, values, strict=True)],
        lambda: [float(value) for value in call.original(obj)],
    )


def _next(call: Call, spec: Scheduler, value: float, base: float) -> float:
    obj, function = call.obj, call.ours(type(spec).next_lr)
    found: float = function(
        spec, value, base_lr=base, step=obj.last_step, length=obj.end - obj.begin
    )
    return found


def _spec(call: Call, group: int) -> Scheduler:
    title = call.kind.partition(".")[0].replace("ParamScheduler", "LR")
    if title not in SCHEDULERS:
        raise NotExercised(f"no {title} here")
    names = {field.name for field in fields(SCHEDULERS[title])} - _OF_LISTS
    known = {**call.made, **vars(call.obj)}
    absent = sorted(names - known.keys())
    if absent:
        raise NotExercised(f"{title} there keeps no {absent[0]}")
    found = {name: known[name] for name in names}
    if isinstance(found.get("milestones"), Counter):
        found["milestones"] = tuple(found["milestones"].elements())
    if isinstance(found.get("eta_max"), (list, tuple)):
        found["eta_max"] = found["eta_max"][group]
    return SCHEDULERS[title](**found)


def _grouped(call: Call) -> Twin:
    model, obj = call.args["model"], copy.deepcopy(call.obj)
    if obj.base_lr is None:
        raise NotExercised("an optimizer without lr")
    module = pkgutil.resolve_name("mmengine.optim.optimizer.default_constructor")
    paramwise = copy.deepcopy(obj.paramwise_cfg)
    if call.kind == "LayerDecayOptimizerConstructor":  # which has renamed it
        paramwise["layer_decay_rate"] = paramwise.pop("decay_rate")
    options = {
        "lr": obj.base_lr,
        "weight_decay": obj.base_wd,
        "paramwise_cfg": paramwise,
        "constructor": call.kind,
        "compiled_ops": module.mmcv_full_available(),
    }
    if obj.base_wd is None:  # then the optimizer's own default counts
        options["optimizer"] = str(obj.optimizer_cfg["type"]).rpartition(".")[2]
    groups, function = reference_module("optim.groups"), call.ours(param_groups)

    def theirs() -> Any:
        with groups.quiet():
            optimizer = call.original(obj, model).optimizer
        return groups._read(optimizer, getattr(model, "module", model))

    return Twin("optim", lambda rng: function(model, **options), theirs)


def _clipped(call: Call) -> Twin:
    obj = call.obj
    params = [one for group in obj.optimizer.param_groups for one in group["params"]]
    before = [None if one.grad is None else one.grad.clone() for one in params]
    kind = "norm" if obj.grad_name == "grad_norm" else "value"
    config = {"type": kind, **obj.clip_grad_kwargs}
    function = call.ours(clip_gradients)

    def theirs() -> Any:
        with patch.object(obj, "message_hub", Mock()):
            call.original(obj)
        found = [None if one.grad is None else one.grad.clone() for one in params]
        for one, kept in zip(params, before, strict=True):
            one.grad = kept
        return found

    return Twin("optim", lambda rng: function(before, clip_grad=config).gradients, theirs)


def _scaled(call: Call) -> Twin:
    loss, function = call.args["loss"].detach().clone(), call.ours(scale_loss)
    counts = _counts(call.obj)
    return Twin(
        "optim", lambda rng: function(loss, **counts), lambda: call.original(call.obj, loss)
    )


def _updating(call: Call) -> Twin:
    function, counts = call.ours(should_update), _counts(call.obj)
    return Twin("optim", lambda rng: function(**counts), lambda: bool(call.original(call.obj)))


def _counts(obj: Any) -> dict[str, int]:
    return {
        "inner_count": obj._inner_count,
        "accumulative_counts": obj._accumulative_counts,
        "max_counts": obj._max_counts,
    }


def places() -> list[Patched]:
    """All of an optimizer and its schedule."""
    wrapper = "mmengine.optim:OptimWrapper"
    return [
        *(
            # What one cycle is made with it keeps in other words; others keep it as it is, and
            # their tests look at all that they keep.
            Patched(
                f"{_SCHEDULERS}:{kind}ParamScheduler._get_value", _stepped, True, kind == "OneCycle"
            )
            for kind in _KINDS
        ),
        Patched(f"{_SCHEDULERS}:ReduceOnPlateauParamScheduler._get_value", _reduced, True),
        Patched("mmseg.engine.schedulers:PolyLRRatio._get_value", _stepped),
        *(Patched(f"{module}:{kind}.__call__", _grouped) for kind, module in _CONSTRUCTORS.items()),
        Patched(f"{wrapper}._clip_grad", _clipped, True),
        Patched(f"{wrapper}.scale_loss", _scaled, True),
        Patched(f"{wrapper}.should_update", _updating, True),
    ]
