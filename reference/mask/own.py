"""PointHead and SideAdapterCLIPHead (mmseg), live."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from parity.steps.loss.ohem import CROSS_ENTROPY
from parity.steps.loss.terms import LossTerm
from parity.steps.mask.assign import MaskWeights
from parity.steps.mask.infer import Layers
from parity.steps.mask.side_adapter import SAN
from reference.loss.head import config_of
from reference.loss.own import loss_of, own_head
from reference.loss.several import decoding
from reference.segmentor import quiet
from reference.zoo import zoo_config

_POINTS = {"num_points": 2048, "oversample_ratio": 3.0, "importance_sample_ratio": 0.75}
_TESTING = {"subdivision_steps": 2, "subdivision_num_points": 8196, "scale_factor": 2}
_SAN_CONFIG = "configs/san/san-vit-b16_coco-stuff164k-640x640.py"


def point_head_loss(
    pred: Tensor,
    features: Tensor,
    label: Tensor,
    *,
    losses: Sequence[LossTerm] = CROSS_ENTROPY,
    ignore_index: int = 255,
    align_corners: bool = False,
    **points: Any,
) -> dict[str, Tensor]:
    """``PointHead``, whose network adds up what it gets."""
    entry = {
        "type": "PointHead",
        **decoding(pred.shape[1], losses=losses),
        "ignore_index": ignore_index,
        "align_corners": align_corners,
    }
    given = {"features": features, "pred": pred}
    return loss_of(own_head(entry), given, label, {**_POINTS, **points})


def point_head_inference(
    pred: Tensor,
    features: Tensor,
    metas: Sequence[Mapping[str, Any]],
    *,
    align_corners: bool = False,
    **testing: Any,
) -> Tensor:
    """``PointHead.predict``, of a network that adds up what it gets."""
    from mmengine.config import ConfigDict

    entry = {"type": "PointHead", **decoding(pred.shape[1]), "align_corners": align_corners}
    head = own_head(entry)
    head.forward = torch.add
    with quiet():
        found: Tensor = head.predict([features], pred, metas, ConfigDict({**_TESTING, **testing}))
    return found


def san_loss(
    cls_scores: Layers,
    mask_preds: Layers,
    label: Tensor,
    *,
    losses: Sequence[LossTerm] = SAN,
    layers: Sequence[int] | None = None,
    cost_weights: MaskWeights | None = None,
    ignore_index: int = 255,
    **points: Any,
) -> dict[str, Tensor]:
    """``SideAdapterCLIPHead``."""
    entry = copy.deepcopy(zoo_config(_SAN_CONFIG)["model"]["decode_head"])
    queries, channels = cls_scores[0].shape[1:]
    costs = entry["train_cfg"]["assigner"]["match_costs"]
    for cost, weight in zip(costs, cost_weights or (), strict=bool(cost_weights)):
        cost["weight"] = weight
    entry["train_cfg"] |= points
    entry |= {
        "num_classes": channels - 1,
        "ignore_index": ignore_index,
        "deep_supervision_idxs": [*(layers or range(len(cls_scores) - 1))],
        "loss_decode": [config_of(term) for term in losses],
    }
    outputs = {"cls_scores": cls_scores, "mask_preds": mask_preds}
    return loss_of(own_head(entry, queries=queries), outputs, label, {})
