"""Learning rates that fall from the head down to the first layer of the backbone.

Reproduces ``LearningRateDecayOptimizerConstructor`` and
``LayerDecayOptimizerConstructor`` (mmseg 1.2.2
mmseg/engine/optimizers/layer_decay_optimizer_constructor.py).
"""

from typing import Any

from torch import nn

from parity.errors import InputError

# What a constructor decides for one group, besides the names: lr, weight_decay and more.
Settings = dict[str, Any]
NamedSettings = list[tuple[tuple[str, ...], Settings]]

_EMBEDDINGS = ("backbone.cls_token", "backbone.mask_token", "backbone.pos_embed")
# The layer of ConvNeXt's first three downsampling convolutions, and of its first two
# stages. The third stage counts one layer per three blocks; the rest is the last layer.
_CONVNEXT_DOWNSAMPLE = {0: 0, 1: 2, 2: 3}
_CONVNEXT_STAGE = {0: 1, 1: 2}


def convnext_layer(name: str, *, num_layers: int) -> int:
    """Layer of a parameter in ``layer_wise`` decay; what is not in the backbone comes last."""
    parts = name.split(".")
    if name in _EMBEDDINGS:
        return 0
    if name.startswith("backbone.downsample_layers"):
        return _CONVNEXT_DOWNSAMPLE.get(_stage(name), num_layers)
    if name.startswith("backbone.stages"):
        stage = _stage(name)
        if stage == 2:
            return 3 + int(parts[3]) // 3
        return _CONVNEXT_STAGE.get(stage, num_layers)
    return num_layers + 1


def convnext_stage(name: str, *, num_layers: int) -> int:
    """Layer of a parameter in ``stage_wise`` decay: downsampling convolutions share the first."""
    if name in _EMBEDDINGS or name.startswith("backbone.downsample_layers"):
        return 0
    if name.startswith("backbone.stages"):
        return int(name.split(".")[2]) + 1
    return num_layers + 1


def vit_layer(name: str, *, num_layers: int) -> int:
    """Layer of a parameter of BEiT or MAE."""
    if name in _EMBEDDINGS or name.startswith("backbone.patch_embed"):
        return 0
    if name.startswith("backbone.layers"):
        return int(name.split(".")[2]) + 1
    return num_layers + 1


def layer_decay_groups(
    model: nn.Module, lr: float, weight_decay: float | None, config: Settings, compiled_ops: bool
) -> NamedSettings:
    """One group per layer and kind of decay, in the order in which they first occur.

    Raises InputError without num_layers and decay_rate, and for other backbones.
    """
    num_layers, rate = config.get("num_layers"), config.get("decay_rate")
    if num_layers is None or rate is None:
        raise InputError("layer decay needs num_layers and decay_rate in paramwise_cfg")
    kind = str(config.get("decay_type", "layer_wise"))
    backbone = type(getattr(model, "backbone", None)).__name__
    groups: dict[str, tuple[list[str], Settings]] = {}
    for name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        decay = 0.0 if is_undecayed(name, param) else weight_decay
        layer = _layer(name, backbone, kind, num_layers)
        key = f"layer_{layer}_{'no_decay' if is_undecayed(name, param) else 'decay'}"
        if key not in groups:
            scale = rate ** (num_layers + 1 - layer)
            own = {"lr": scale * lr, "weight_decay": decay, "lr_scale": scale, "group_name": key}
            groups[key] = ([], own)
        groups[key][0].append(name)
    return [(tuple(names), settings) for names, settings in groups.values()]


def vit_layer_decay_groups(
    model: nn.Module, lr: float, weight_decay: float | None, config: Settings, compiled_ops: bool
) -> NamedSettings:
    """The older constructor of BEiT and MAE, whose rate is called layer_decay_rate."""
    if "layer_decay_rate" not in config:
        raise InputError("LayerDecayOptimizerConstructor needs layer_decay_rate in paramwise_cfg")
    renamed = {**config, "decay_rate": config["layer_decay_rate"], "decay_type": "layer_wise_vit"}
    return layer_decay_groups(model, lr, weight_decay, renamed, compiled_ops)


def _layer(name: str, backbone: str, kind: str, num_layers: int) -> int:
    if "layer_wise" in kind and "ConvNeXt" in backbone:
        return convnext_layer(name, num_layers=num_layers)
    if "layer_wise" in kind and ("BEiT" in backbone or "MAE" in backbone):
        return vit_layer(name, num_layers=num_layers)
    if kind == "stage_wise" and "ConvNeXt" in backbone:
        return convnext_stage(name, num_layers=num_layers)
    raise InputError(f"layer decay knows no {kind!r} for a {backbone} backbone")


def is_undecayed(name: str, param: nn.Parameter) -> bool:
    """Whether a parameter has no weight decay: biases, and all of one dimension."""
    # The two bare names never match a segmentor's, which begin with "backbone.":
    # position embeddings are therefore decayed.
    return param.ndim == 1 or name.endswith(".bias") or name in ("pos_embed", "cls_token")


def _stage(name: str) -> int:
    stage = int(name.split(".")[2])
    if not 0 <= stage <= 3:
        raise InputError(f"{name}: layer decay of ConvNeXt knows the stages 0 to 3")
    return stage
