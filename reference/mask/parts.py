"""mmseg's targets, and mmdet's costs, assigner and points, live."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from parity.steps.mask.assign import Match
from parity.steps.mask.targets import Segments
from reference.compat import load_reference
from reference.mask.build import head_class, segments


def mask_targets(label: Tensor, *, ignore_index: int = 255) -> list[Segments]:
    """``_seg_data_to_instance_data``."""
    found = segments(head_class("Mask2FormerHead"), label, ignore_index)
    return [Segments(one.labels, one.masks) for one in found]


def class_cost(scores: Tensor, labels: Tensor, **options: Any) -> Tensor:
    """``ClassificationCost``."""
    return _cost("ClassificationCost", options, {"scores": scores}, {"labels": labels})


def mask_cross_entropy_cost(pred: Tensor, target: Tensor, **options: Any) -> Tensor:
    """``CrossEntropyLossCost``."""
    return _cost("CrossEntropyLossCost", options, {"masks": pred}, {"masks": target})


def mask_focal_cost(pred: Tensor, target: Tensor, **options: Any) -> Tensor:
    """``FocalLossCost(binary_input=True)``."""
    chosen = {"binary_input": True, **options}
    return _cost("FocalLossCost", chosen, {"masks": pred}, {"masks": target})


def dice_cost(pred: Tensor, target: Tensor, *, eps: float = 1.0, **options: Any) -> Tensor:
    """``DiceCost(pred_act=True)``, with the `eps` of the configs."""
    chosen = {"pred_act": True, "eps": eps, **options}
    return _cost("DiceCost", chosen, {"masks": pred}, {"masks": target})


def assign_queries(cost: Tensor) -> Match:
    """``HungarianAssigner`` with one cost, which is given."""
    load_reference()
    from mmdet.models.task_modules import HungarianAssigner
    from mmengine.structures import InstanceData

    assigner = HungarianAssigner([{"type": "mmdet.ClassificationCost"}])
    assigner.match_costs = [lambda **_: cost]
    labels = torch.zeros(cost.shape[1], dtype=torch.long, device=cost.device)
    found = assigner.assign(InstanceData(scores=cost), InstanceData(labels=labels))
    matched = (found.gt_inds > 0).nonzero().squeeze(-1)
    return Match(matched, found.gt_inds[matched] - 1)


def sample_points(maps: Tensor, points: Tensor) -> Tensor:
    """``point_sample`` of mmcv, on maps of one channel."""
    load_reference()
    from mmcv.ops import point_sample

    found: Tensor = point_sample(maps.unsqueeze(1), points)
    return found.squeeze(1)


def draw_uncertain_points(
    masks: Tensor,
    *,
    num_points: int = 12544,
    oversample_ratio: float = 3.0,
    importance_sample_ratio: float = 0.75,
) -> Tensor:
    """``get_uncertain_point_coords_with_randomness``, without gradients as its caller has it."""
    load_reference()
    from mmdet.models.utils import get_uncertain_point_coords_with_randomness

    with torch.no_grad():
        found: Tensor = get_uncertain_point_coords_with_randomness(
            masks.unsqueeze(1), None, num_points, oversample_ratio, importance_sample_ratio
        )
    return found


def _cost(
    name: str, options: Mapping[str, Any], pred: Mapping[str, Any], truth: Mapping[str, Any]
) -> Tensor:
    load_reference()
    from mmdet.registry import TASK_UTILS
    from mmengine.structures import InstanceData

    cost = TASK_UTILS.build({"type": f"mmdet.{name}", **options})
    found: Tensor = cost(InstanceData(**pred), InstanceData(**truth))
    return found
