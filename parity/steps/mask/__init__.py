"""Mask classification, as Mask2Former, MaskFormer and SAN train, and the points of PointRend.

Reproduces the heads of mmseg 1.2.2 and of mmdet 3.3.0 from the network's outputs
on: segments of a label map, costs, assignment, points, losses, inference.
"""

from __future__ import annotations

from parity.steps.mask.assign import (
    MASK2FORMER,
    MASKFORMER,
    MaskWeights,
    Match,
    assign_queries,
    mask2former_match,
    maskformer_match,
)
from parity.steps.mask.cost import (
    class_cost,
    dice_cost,
    mask_cross_entropy_cost,
    mask_focal_cost,
)
from parity.steps.mask.infer import mask2former_inference, maskformer_inference
from parity.steps.mask.loss import mask2former_loss, maskformer_loss
from parity.steps.mask.point_head import point_head_inference, point_head_loss
from parity.steps.mask.points import draw_points, draw_uncertain_points, sample_points
from parity.steps.mask.side_adapter import san_loss
from parity.steps.mask.targets import Segments, mask_targets

__all__ = [
    "MASK2FORMER",
    "MASKFORMER",
    "MaskWeights",
    "Match",
    "Segments",
    "assign_queries",
    "class_cost",
    "dice_cost",
    "draw_points",
    "draw_uncertain_points",
    "mask2former_inference",
    "mask2former_loss",
    "mask2former_match",
    "mask_cross_entropy_cost",
    "mask_focal_cost",
    "mask_targets",
    "maskformer_inference",
    "maskformer_loss",
    "maskformer_match",
    "point_head_inference",
    "point_head_loss",
    "sample_points",
    "san_loss",
]
