"""The lines of mmengine's log that follow from a config: rates, losses, tables of classes."""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity.steps.optim.layer_decay import convnext_layer, convnext_stage
from parity.steps.schedule import lr_table, schedulers_from_config

STAMP = "20240305_100000"
# The parameter that comes first in the model, whose group's rate the log prints as lr.
FIRST = {
    "ResNetV1c": "backbone.stem.0.weight",
    "ResNet": "backbone.conv1.weight",
    "HRNet": "backbone.conv1.weight",
    "SwinTransformer": "backbone.patch_embed.projection.weight",
    "MixVisionTransformer": "backbone.layers.0.0.projection.weight",
    "VisionTransformer": "backbone.cls_token",
    "MSCAN": "backbone.patch_embed1.proj.0.weight",
    "mmpretrain.ConvNeXt": "backbone.downsample_layers.0.0.weight",
    "BiSeNetV1": "backbone.context_path.backbone.conv1.weight",
    "STDCContextPathNet": "backbone.backbone.stages.0.conv.weight",
}
LOSS_NAMES = {"CrossEntropyLoss": "loss_ce", "DiceLoss": "loss_dice", "FocalLoss": "loss_focal"}


def training_steps(planned: int, interval: int, lines: int) -> list[int]:
    """Multiples of `interval` up to `planned`: dense where rates warm up, and the last one."""
    last = planned // interval
    spread = np.geomspace(1, last, lines) if last > 1 else np.ones(1)
    linear = np.linspace(1, last, max(2, lines // 3))
    return sorted({int(n) * interval for n in (*spread.round(), *linear.round())})


def first_multiplier(config: Mapping[str, Any]) -> float | None:
    """By what the rate of the first parameter is multiplied; None: one group, no base_lr."""
    wrapper = config["optim_wrapper"]
    options = wrapper.get("paramwise_cfg")
    if not options:
        return None
    name = FIRST[config["model"]["backbone"]["type"]]
    if "Decay" in wrapper.get("constructor", ""):
        layer = convnext_stage if options["decay_type"] == "stage_wise" else convnext_layer
        count = options["num_layers"]
        return float(options["decay_rate"] ** (count + 1 - layer(name, num_layers=count)))
    keys = options.get("custom_keys", {})
    for key in sorted(keys, key=lambda key: (-len(key), key)):
        if key in name:
            return float(keys[key].get("lr_mult", 1.0))
    return 1.0


def rates(config: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """``base_lr`` and ``lr`` at every iteration, as the log names them."""
    base = config["optim_wrapper"]["optimizer"]["lr"]
    multiplier = first_multiplier(config)
    plan = json.dumps(config.get("param_scheduler") or [])
    planned = config["train_cfg"]["max_iters"]
    if multiplier is None:
        return {"lr": _column(base, plan, planned)}
    return {
        "base_lr": _column(base, plan, planned),
        "lr": _column(base * multiplier, plan, planned),
    }


@functools.lru_cache(maxsize=64)
def _column(base: float, plan: str, planned: int) -> np.ndarray:
    return lr_table([base], schedulers_from_config(json.loads(plan)), max_iters=planned)[:, 0]


def losses(config: Mapping[str, Any], value: float) -> dict[str, float]:
    """The terms whose sum is `value`, named as the model's heads name them."""
    names = list(_loss_names(config["model"]))
    return {"loss": value} | {name: value / len(names) for name in names}


def _loss_names(model: Mapping[str, Any]) -> Iterator[str]:
    for role, key in (("decode", "decode_head"), ("aux", "auxiliary_head")):
        heads = model.get(key)
        listed = isinstance(heads, (list, tuple))
        for index, head in enumerate(heads if listed else [heads] if heads else []):
            prefix = f"{role}_{index}" if listed else role
            yield from (f"{prefix}.{name}" for name in _names_of_head(head))


def _names_of_head(head: Mapping[str, Any]) -> Iterator[str]:
    if "loss_mask" in head:
        layers = head["transformer_decoder"]["num_layers"]
        for prefix in ("", *(f"d{index}." for index in range(layers))):
            yield from (f"{prefix}{name}" for name in ("loss_cls", "loss_mask", "loss_dice"))
        return
    if "kernel_update_head" in head:
        yield from (f"loss_ce.s{index}" for index in range(head["num_stages"] + 1))
        return
    given = head.get("loss_decode", {"type": "CrossEntropyLoss"})
    for loss in given if isinstance(given, (list, tuple)) else [given]:
        yield loss.get("loss_name", LOSS_NAMES.get(loss["type"], "loss_other"))


def class_table(names: tuple[str, ...], miou: float, rng: np.random.RandomState) -> str:
    """IoU and accuracy of each class, whose mean IoU is `miou`."""
    ious = rng.uniform(0.6, 1.4, len(names)) * max(miou, 0.0)
    ious = np.clip(ious - ious.mean() + miou, 0, 100)
    width = max(map(len, names)) + 2
    rule = f"+{'-' * width}+-------+-------+"
    rows = [f"|{'Class':^{width}}|  IoU  |  Acc  |"]
    for name, iou in zip(names, ious, strict=True):
        accuracy = min(100.0, iou + 8)
        rows.append(f"|{name:^{width}}|{f'{iou:.2f}':^7}|{f'{accuracy:.2f}':^7}|")
    return "\n".join((rule, rows[0], rule, *rows[1:], rule))
