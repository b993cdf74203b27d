"""Which learning rate and weight decay each parameter gets.

Reproduces ``DefaultOptimWrapperConstructor`` (mmengine 0.10.7
mmengine/optim/optimizer/default_constructor.py) and
``ForceDefaultOptimWrapperConstructor`` (mmseg 1.2.2
mmseg/engine/optimizers/force_default_constructor.py).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from parity.errors import InputError
from parity.steps.optim.layer_decay import (
    NamedSettings,
    Settings,
    layer_decay_groups,
    vit_layer_decay_groups,
)

# Part of a name -> what the config says of parameters with it.
CustomKeys = dict[str, Mapping[str, Any]]
_NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)
_NEED_DECAY = ("bias_decay_mult", "norm_decay_mult", "dwconv_decay_mult")
_DEFORMABLE = ("DeformConv2d", "ModulatedDeformConv2d")


@dataclass(frozen=True)
class ParamGroup:
    """Parameters, by name, that share a learning rate and a weight decay.

    options: what else the config or the constructor put into the group.
    """

    names: tuple[str, ...]
    lr: float
    weight_decay: float
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ParamPlace:
    """A parameter, the module that owns it, and whether that lies directly in a deformable one."""

    prefix: str
    name: str
    param: nn.Parameter
    module: nn.Module
    in_deformable: bool

    @property
    def full_name(self) -> str:
        """As ``named_parameters`` has it."""
        return f"{self.prefix}.{self.name}" if self.prefix else self.name


def param_groups(
    model: nn.Module,
    *,
    lr: float,
    weight_decay: float | None = None,
    paramwise_cfg: Mapping[str, Any] | None = None,
    constructor: str = "DefaultOptimWrapperConstructor",
    compiled_ops: bool = False,
    optimizer: str = "SGD",
) -> list[ParamGroup]:
    """The optimizer's parameter groups, in order, as a config's ``optim_wrapper`` makes them.

    Without `paramwise_cfg` one group holds everything, frozen parameters too.
    Keys of `paramwise_cfg` that the constructor does not know are ignored, as
    there. compiled_ops: whether mmcv has its compiled ops; without them mmengine
    does not recognise deformable convolutions. optimizer: class of torch.optim, whose own
    default counts without a `weight_decay`. Raises InputError for what the reference or the
    optimizer refuses.
    """
    paramwise_cfg = dict(paramwise_cfg or {})
    if weight_decay is None:
        _insist_on_no_decay(paramwise_cfg, constructor)
    decay = _default_decay(optimizer) if weight_decay is None else weight_decay
    if not (lr >= 0 and decay >= 0):
        raise InputError(f"lr and weight_decay must not be negative, got {lr} and {decay}")
    if constructor not in _CONSTRUCTORS:
        raise InputError(f"constructor {constructor!r} is not one of {', '.join(_CONSTRUCTORS)}")
    inner = getattr(model, "module", model)
    found: NamedSettings = [(tuple(name for name, _ in inner.named_parameters()), {})]
    # The oldest constructor reads its options at once; the others do without any.
    if paramwise_cfg or constructor == "LayerDecayOptimizerConstructor":
        build = _CONSTRUCTORS[constructor]
        found = build(inner, lr, weight_decay, paramwise_cfg, compiled_ops)
    if not any(names for names, _ in found):
        raise InputError(f"{type(inner).__name__} has no parameter to train")
    settings = [(names, {"lr": lr, "weight_decay": decay, **own}) for names, own in found]
    return [
        ParamGroup(names, own.pop("lr"), own.pop("weight_decay"), own) for names, own in settings
    ]


def _insist_on_no_decay(config: Settings, constructor: str) -> None:
    """Raises InputError for what multiplies a weight decay."""
    of_keys = [key for key, own in ranked_custom_keys(config).items() if "decay_mult" in own]
    asked = [*(key for key in _NEED_DECAY if key in config), *of_keys]
    if asked or "LayerDecay" in constructor or "LearningRateDecay" in constructor:
        raise InputError(f"{(asked or [constructor])[0]} needs a weight_decay of the optimizer")


def optimizer_class(name: str) -> type[torch.optim.Optimizer]:
    """The class of torch.optim that a config calls `name`. Raises InputError."""
    cls = getattr(torch.optim, name, None)
    if not (inspect.isclass(cls) and issubclass(cls, torch.optim.Optimizer)):
        raise InputError(f"torch.optim has no optimizer {name!r}")
    return cls


def _default_decay(optimizer: str) -> Any:
    parameters = inspect.signature(optimizer_class(optimizer)).parameters
    if "weight_decay" not in parameters:
        raise InputError(f"{optimizer} has no weight_decay, and is not compared")
    return parameters["weight_decay"].default


def _default_groups(
    model: nn.Module,
    lr: float,
    weight_decay: float | None,
    config: Settings,
    compiled_ops: bool,
    *,
    force: bool = False,
) -> NamedSettings:
    """One group per parameter. force: keep frozen ones, and allow rules on top of custom keys."""
    custom_keys = ranked_custom_keys(config)
    rules_too = force and bool(config.get("force_default_settings", False))
    taken: set[int] = set()
    groups: NamedSettings = []
    for place in _places(model, compiled_ops):
        if id(place.param) in taken and config.get("bypass_duplicate", False):
            continue
        if not place.param.requires_grad and not force:
            continue
        if id(place.param) in taken:
            raise InputError(f"{place.full_name} is shared; set bypass_duplicate=True to keep one")
        taken.add(id(place.param))
        settings: Settings = {}
        if place.param.requires_grad:
            custom = custom_settings(place, custom_keys, lr, weight_decay)
            settings = custom or {}
            if custom is None or rules_too:
                settings = {**settings, **_rules(place, lr, weight_decay, config)}
        groups.append(((place.full_name,), settings))
    return groups


def _places(
    module: nn.Module, compiled_ops: bool, prefix: str = "", in_deformable: bool = False
) -> Iterator[ParamPlace]:
    """Own parameters first, then those of the children; shared modules come again."""
    for name, param in module.named_parameters(recurse=False):
        yield ParamPlace(prefix, name, param, module, in_deformable)
    deformable = compiled_ops and _is_deformable(module)
    for name, child in module.named_children():
        yield from _places(child, compiled_ops, f"{prefix}.{name}" if prefix else name, deformable)


def _is_deformable(module: nn.Module) -> bool:
    """By name, because mmcv is not imported here."""
    return any(
        cls.__name__ in _DEFORMABLE and cls.__module__.startswith("mmcv.ops.")
        for cls in type(module).__mro__
    )


def ranked_custom_keys(config: Settings) -> CustomKeys:
    """Longest key first, those of one length in alphabetical order."""
    keys = config.get("custom_keys", {})
    if not isinstance(keys, Mapping) or not all(isinstance(own, Mapping) for own in keys.values()):
        raise InputError(f"custom_keys must map parts of names to dicts, got {keys!r}")
    return {key: keys[key] for key in sorted(keys, key=lambda key: (-len(key), key))}


def custom_settings(
    place: ParamPlace, custom_keys: CustomKeys, lr: float, weight_decay: float | None
) -> Settings | None:
    """From the first key that occurs in the name, or None. Any other rule is then void."""
    # The dot is there even without a prefix, so ".weight" matches at the top level too.
    name = f"{place.prefix}.{place.name}"
    for key, own in custom_keys.items():
        if key in name:
            scaled = {"lr": lr * own.get("lr_mult", 1.0)}
            if weight_decay is not None:
                scaled["weight_decay"] = weight_decay * own.get("decay_mult", 1.0)
            return {**scaled, **own}
    return None


def _rules(place: ParamPlace, lr: float, weight_decay: float | None, config: Settings) -> Settings:
    settings: Settings = {}
    lr_mult, decay_mult = lr_multiplier(place, config), decay_multiplier(place, config)
    if lr_mult is not None:
        settings["lr"] = lr * lr_mult
    if decay_mult is not None and weight_decay is not None:
        settings["weight_decay"] = weight_decay * decay_mult
    return settings


def lr_multiplier(place: ParamPlace, config: Settings) -> float | None:
    """What the rules for biases and for offsets of deformable convolutions multiply lr by."""
    multiplier: float | None = None
    is_norm = isinstance(place.module, _NORMS)
    if place.name == "bias" and not is_norm and not place.in_deformable:
        multiplier = config.get("bias_lr_mult")
    offset_mult: float | None = config.get("dcn_offset_lr_mult")
    is_offset = place.in_deformable and "conv_offset" in place.prefix
    if is_offset and isinstance(place.module, nn.Conv2d) and offset_mult is not None:
        multiplier = offset_mult
    return multiplier


def decay_multiplier(place: ParamPlace, config: Settings) -> float | None:
    """Of the first rule that applies and is given: norm, bias, depth-wise, one-dimensional."""
    module = place.module
    is_dwconv = isinstance(module, nn.Conv2d) and module.in_channels == module.groups
    rules = (
        ("norm_decay_mult", isinstance(module, _NORMS)),
        ("bias_decay_mult", place.name == "bias" and not place.in_deformable),
        ("dwconv_decay_mult", is_dwconv),
        ("flat_decay_mult", place.param.ndim == 1 and not place.in_deformable),
    )
    for key, applies in rules:
        multiplier: float | None = config.get(key)
        if applies and multiplier is not None:
            return multiplier
    return None


_Constructor = Callable[[nn.Module, float, float | None, Settings, bool], NamedSettings]
_CONSTRUCTORS: dict[str, _Constructor] = {
    "DefaultOptimWrapperConstructor": _default_groups,
    "ForceDefaultOptimWrapperConstructor": partial(_default_groups, force=True),
    "LearningRateDecayOptimizerConstructor": layer_decay_groups,
    "LayerDecayOptimizerConstructor": vit_layer_decay_groups,
}
