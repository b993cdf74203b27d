"""The heads of the zoo's configs: whole, or with no network, for what it gives comes in."""

import copy
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from parity.steps.mask.assign import MaskWeights
from parity.steps.mask.infer import Layers
from reference.compat import load_reference
from reference.zoo import zoo_config

CONFIGS = {
    "Mask2FormerHead": "configs/mask2former/mask2former_r50_8xb2-160k_ade20k-512x512.py",
    "MaskFormerHead": "configs/maskformer/maskformer_r50-d32_8xb2-160k_ade20k-512x512.py",
}


@cache
def zoo_head(kind: str) -> dict[str, Any]:
    """The entry ``decode_head`` of the head's config in the zoo."""
    found: dict[str, Any] = zoo_config(CONFIGS[kind])["model"]["decode_head"]
    return found


def head_class(kind: str) -> Any:
    """The class of mmseg called `kind`."""
    load_reference()
    from mmseg.models import decode_heads

    return getattr(decode_heads, kind)


def segments(kind: Any, label: Tensor, ignore_index: int) -> Any:
    """``_seg_data_to_instance_data`` of a head's class: its ``InstanceData`` by image."""
    """``_seg_data_to_instance_data`` of a head's class: its ``InstanceData`` by image."""
    settings = SimpleNamespace(ignore_index=ignore_index)
    return kind._seg_data_to_instance_data(settings, samples_of(label))[0]


def samples_of(label: Tensor) -> list[Any]:
    """Data samples with the label maps of a batch."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    shape = {"img_shape": tuple(label.shape[-2:])}
    return [
        SegDataSample(gt_sem_seg=PixelData(data=truth[None]), metainfo=shape) for truth in label
    ]


def whole_head(kind: str, cls_scores: Layers, mask_preds: Layers) -> Any:
    """The head as mmseg builds it; its forward gives what is given here."""
    load_reference()
    from mmengine.config import ConfigDict
    from mmseg.registry import MODELS

    with torch.random.fork_rng():
        head = MODELS.build(ConfigDict(copy.deepcopy(zoo_head(kind))))
    head.forward = lambda *_: (cls_scores, mask_preds)
    return head


def light_head(
    kind: str,
    num_queries: int,
    num_classes: int,
    *,
    loss_weights: MaskWeights | None = None,
    cost_weights: MaskWeights | None = None,
    no_object_weight: float | None = None,
    **points: Any,
) -> Any:
    """A head with the parts of its config in the zoo; what is given replaces what is there."""
    config = copy.deepcopy(zoo_head(kind))
    losses = [config[name] for name in ("loss_cls", "loss_mask", "loss_dice")]
    for entry, weight in zip(losses, loss_weights or (), strict=bool(loss_weights)):
        entry["loss_weight"] = weight
    costs = config["train_cfg"]["assigner"]["match_costs"]
    for entry, weight in zip(costs, cost_weights or (), strict=bool(cost_weights)):
        entry["weight"] = weight
    last = config["loss_cls"]["class_weight"][-1] if no_object_weight is None else no_object_weight
    config["loss_cls"]["class_weight"] = [1.0] * num_classes + [last]
    config["train_cfg"] |= points
    return head_of(kind, config, num_queries, num_classes)


def head_of(kind: str, config: dict[str, Any], num_queries: int, num_classes: int) -> Any:
    """What the constructors of mmdet's heads do, but for the network."""
    of_kind = head_class(kind)
    from mmdet.registry import MODELS, TASK_UTILS

    head = of_kind.__new__(of_kind)
    nn.Module.__init__(head)
    head.num_queries, head.num_classes = num_queries, num_classes
    head.class_weight = config["loss_cls"]["class_weight"]
    for name in ("loss_cls", "loss_mask", "loss_dice"):
        setattr(head, name, MODELS.build(config[name]))
    train_cfg = config["train_cfg"]
    head.assigner = TASK_UTILS.build(train_cfg["assigner"])
    head.sampler = TASK_UTILS.build(train_cfg["sampler"])
    for name in ("num_points", "oversample_ratio", "importance_sample_ratio"):
        setattr(head, name, train_cfg.get(name))
    return head
