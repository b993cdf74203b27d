"""What people get wrong when parameters are sorted into groups."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from parity.steps.optim import groups as grouping
from parity.steps.optim import layer_decay, training
from parity.steps.optim.groups import ParamGroup
from parity.suspects.mistake import Function, made_in

Options = dict[str, Any]
# (decay rate, layer of the head, layer) -> factor of the rate
Scale = Callable[[float, int, int], float]

_KEYS = "several custom_keys that occur in one name"
_LAYERS = "a constructor with layer decay"
_DEFAULT, _FORCE = "DefaultOptimWrapperConstructor", "ForceDefaultOptimWrapperConstructor"

mistake = made_in(grouping.param_groups)


@made_in(grouping.param_groups, training.train)(grouping.param_groups, needs="paramwise_cfg")
def paramwise_ignored(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """One group holds all parameters; the reference follows paramwise_cfg."""
    names = tuple(name for name, _ in model.named_parameters())
    return [ParamGroup(names, options["lr"], options["weight_decay"])]


@mistake(grouping.param_groups, needs="norm_decay_mult")
def decay_on_norms(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Norm layers are decayed like the rest; the reference follows norm_decay_mult."""
    return param_groups(model, **_without(options, "norm_decay_mult"))


@mistake(grouping.param_groups, needs="bias_decay_mult")
def decay_on_biases(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Biases are decayed like the rest; the reference follows bias_decay_mult."""
    return param_groups(model, **_without(options, "bias_decay_mult"))


@mistake(grouping.param_groups, needs="a config that decays norm layers or biases")
def no_decay_on_norms_and_biases(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Norm layers and biases are never decayed; the reference decays them unless told otherwise."""
    if options.get("constructor", "").endswith("DecayOptimizerConstructor"):
        return param_groups(model, **options)
    off = {"norm_decay_mult": 0.0, "bias_decay_mult": 0.0}
    config = {**(options.get("paramwise_cfg") or {}), **off}
    return param_groups(model, **{**options, "paramwise_cfg": config})


@mistake(grouping.param_groups, needs="vectors that a config decays")
def no_decay_on_vectors(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Biases and all else of one dimension are never decayed; the reference follows its config."""
    parameters = model.named_parameters()
    plain = {name for name, one in parameters if one.ndim <= 1 or name.endswith(".bias")}
    return [
        replace(group, names=names, **({"weight_decay": 0.0} if off else {}))
        for group in param_groups(model, **options)
        for off in (False, True)
        if (names := tuple(name for name in group.names if (name in plain) == off))
    ]


@mistake(grouping.decay_multiplier, needs="norm_decay_mult, and other norms than batch norm")
def norm_rule_for_batch_norm_only(multiplier: Function, place: Any, config: Options) -> Any:
    """norm_decay_mult reaches batch norm only; the reference includes every kind of norm."""
    if isinstance(place.module, _BatchNorm):
        return multiplier(place, config)
    return multiplier(place, {**config, "norm_decay_mult": None})


@mistake(grouping.lr_multiplier, needs="bias_lr_mult")
def bias_rule_for_norms_too(lr_multiplier: Function, place: Any, config: Options) -> Any:
    """bias_lr_mult reaches the biases of norm layers, too; the reference leaves those out."""
    return config.get("bias_lr_mult") if place.name == "bias" else lr_multiplier(place, config)


@mistake(grouping.ranked_custom_keys, needs=_KEYS)
def shortest_key_first(custom_keys: Function, config: Options) -> Any:
    """The shortest matching key wins; in the reference the longest."""
    keys = custom_keys(config)
    return {key: keys[key] for key in sorted(keys, key=lambda key: (len(key), key))}


@mistake(grouping.ranked_custom_keys, needs=_KEYS)
def first_key_wins(custom_keys: Function, config: Options) -> Any:
    """The first matching key of the config wins; in the reference the longest."""
    keys = custom_keys(config)
    return {key: keys[key] for key in config.get("custom_keys", {})}


@mistake(grouping.param_groups, needs="custom_keys")
def custom_keys_ignored(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """custom_keys are left out; the reference gives what they match rates of its own."""
    return param_groups(model, **_without(options, "custom_keys"))


@mistake(grouping.param_groups, needs="biases")
def biases_at_twice_the_rate(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Biases learn at twice the rate, as in Caffe; the reference follows bias_lr_mult, 1."""
    config = {**(options.get("paramwise_cfg") or {}), "bias_lr_mult": 2.0}
    return param_groups(model, **{**options, "paramwise_cfg": config})


@mistake(grouping.custom_settings, needs="custom_keys from within names")
def keys_at_start_only(settings: Function, place: Any, keys: Options, *rates: float) -> Any:
    """A key must be at the start of a name; in the reference anywhere in it."""
    starting = {key: own for key, own in keys.items() if place.full_name.startswith(key)}
    return settings(place, starting, *rates)


@mistake(grouping.custom_settings, needs="custom_keys with lr_mult")
def lr_mult_ignored(settings: Function, place: Any, keys: Any, *rates: float) -> Any:
    """lr_mult of a key is left out; the reference multiplies the learning rate by it."""
    found = settings(place, keys, *rates)
    return found and {**found, "lr": rates[0]}


@mistake(grouping.custom_settings, needs="custom_keys with decay_mult")
def decay_mult_ignored(settings: Function, place: Any, keys: Any, *rates: float) -> Any:
    """decay_mult of a key is left out; the reference multiplies the weight decay by it."""
    found = settings(place, keys, *rates)
    return found and {**found, "weight_decay": rates[1]}


@mistake(grouping.param_groups, needs="custom_keys, and rules for norm layers or biases")
def rules_on_top_of_keys(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Rules are applied on top of a matching key; in the reference the key alone decides."""
    if not options.get("paramwise_cfg") or options.get("constructor", _DEFAULT) != _DEFAULT:
        return param_groups(model, **options)
    config = {**options["paramwise_cfg"], "force_default_settings": True}
    changes = {"paramwise_cfg": config, "constructor": _FORCE}
    trained = {name for name, param in model.named_parameters() if param.requires_grad}
    found = param_groups(model, **{**options, **changes})
    return [group for group in found if trained & set(group.names)]


@mistake(grouping.param_groups, needs="frozen parameters")
def frozen_listed(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Frozen parameters get groups, too; the reference leaves them out."""
    if not options.get("paramwise_cfg") or options.get("constructor", _DEFAULT) != _DEFAULT:
        return param_groups(model, **options)
    return param_groups(model, **{**options, "constructor": _FORCE})


@mistake(grouping.param_groups, needs=_LAYERS)
def layer_decay_one_less(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Layers below the head have the scale of the layer above; the reference counts one more."""

    def scale(rate: float, last: int, layer: int) -> float:
        return float(rate ** max(last - 1 - layer, 0))

    return _rescaled(param_groups, model, options, scale)


@mistake(grouping.param_groups, needs=_LAYERS)
def layer_decay_reversed(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Rates fall from the first layer to the head; the reference's rise."""
    return _rescaled(param_groups, model, options, lambda rate, last, layer: rate**layer)


@mistake(grouping.param_groups, needs=_LAYERS)
def layer_decay_missing(param_groups: Function, model: nn.Module, **options: Any) -> Any:
    """Every layer has the same rate; the reference scales it layer by layer."""
    return _rescaled(param_groups, model, options, lambda rate, last, layer: 1.0)


@mistake(layer_decay.is_undecayed, needs=f"{_LAYERS}, and position embeddings")
def embeddings_undecayed(is_undecayed: Function, name: str, param: nn.Parameter) -> Any:
    """Class token and position embedding are not decayed; the reference's test misses them."""
    return is_undecayed(name, param) or name.endswith(("pos_embed", "cls_token"))


def _without(options: Options, key: str) -> Options:
    """`options` without one of the rules."""
    if not options.get("paramwise_cfg"):
        return options
    config = {name: value for name, value in options["paramwise_cfg"].items() if name != key}
    return {**options, "paramwise_cfg": config}


def _rescaled(groups: Function, model: nn.Module, options: Options, scale: Scale) -> Any:
    """Groups of layers with ``scale(decay rate, layer of the head, layer)``."""
    config = options.get("paramwise_cfg") or {}
    rate: Any = config.get("decay_rate", config.get("layer_decay_rate"))
    found = []
    for group in groups(model, **options):
        if "lr_scale" in group.options:
            layer = int(group.options["group_name"].split("_")[1])
            factor = scale(rate, config["num_layers"] + 1, layer)
            settings = {**group.options, "lr_scale": factor}
            found.append(replace(group, lr=factor * options["lr"], options=settings))
        else:
            found.append(group)
    return found
