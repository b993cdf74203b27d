"""Schedulers, parameter groups, clipping and accumulation of the reference beside ours."""

from __future__ import annotations

import copy
import pkgutil
from collections import Counter
from dataclasses import fields
from typing import Any
from unittest.mock import Mock, patch

from parity.errors import NotExercised
from parity.live import reference_module
from parity.steps.optim import clip_gradients, param_groups, scale_loss, should_update
from parity.steps.schedule import SCHEDULERS, Scheduler
from suite.beside import Call, Twin
from suite.patching import Patched

_SCHEDULERS = "mmengine.optim.scheduler.param_scheduler"
_KINDS = (
    *("Step", "MultiStep", "Constant", "Exponential", "CosineAnnealing"),
    *("Linear", "Poly", "OneCycle", "CosineRestart", "ReduceOnPlateau"),
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
    spec, groups = _spec(call), [group[obj.param_name] for group in obj.optimizer.param_groups]
    length = obj.end - obj.begin
    function = call.ours(type(spec).next_lr)

    def ours(rng: Any) -> list[float]:
        return [
            function(spec, value, base_lr=base, step=obj.last_step, length=length)
            for value, base in zip(groups, obj.base_values, strict=True)
        ]

    return Twin("schedule", ours, lambda: [float(value) for value in call.original(obj)])


def _spec(call: Call) -> Scheduler:
    title = call.kind.partition(".")[0].replace("ParamScheduler", "LR")
    if title not in SCHEDULERS:
        raise NotExercised(f"no {title} here")
    names = {field.name for field in fields(SCHEDULERS[title])} - _OF_LISTS
    absent = sorted(name for name in names if not hasattr(call.obj, name))
    if absent:
        raise NotExercised(f"{title} there keeps no {absent[0]}")
    found = {name: getattr(call.obj, name) for name in names}
    if isinstance(found.get("milestones"), Counter):
        found["milestones"] = tuple(found["milestones"].elements())
    return SCHEDULERS[title](**found)


def _grouped(call: Call) -> Twin:
    model, obj = call.args["model"], copy.deepcopy(call.obj)
    if obj.base_lr is None or obj.base_wd is None:
        raise NotExercised("an optimizer without lr or weight_decay")
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
    schedulers = [f"{_SCHEDULERS}:{kind}ParamScheduler._get_value" for kind in _KINDS]
    return [
        *(Patched(path, _stepped, True) for path in schedulers),
        Patched("mmseg.engine.schedulers:PolyLRRatio._get_value", _stepped),
        *(Patched(f"{module}:{kind}.__call__", _grouped) for kind, module in _CONSTRUCTORS.items()),
        Patched(f"{wrapper}._clip_grad", _clipped, True),
        Patched(f"{wrapper}.scale_loss", _scaled, True),
        Patched(f"{wrapper}.should_update", _updating, True),
    ]
