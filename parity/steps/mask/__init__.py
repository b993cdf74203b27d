"""Mask classification, as Mask2Former, MaskFormer and SAN train, and the points of PointRend.

Reproduces the heads of mmseg 1.2.2 and of mmdet 3.3.0 from the network's outputs
on: segments of a label map, costs, assignment, points, losses, inference.
"""

from parity.steps.mask.assign import MASK2FORMER as MASK2FORMER
from parity.steps.mask.assign import MASKFORMER as MASKFORMER
from parity.steps.mask.assign import MaskWeights as MaskWeights
from parity.steps.mask.assign import Match as Match
from parity.steps.mask.assign import assign_queries as assign_queries
from parity.steps.mask.assign import mask2former_match as mask2former_match
from parity.steps.mask.assign import maskformer_match as maskformer_match
from parity.steps.mask.cost import class_cost as class_cost
from parity.steps.mask.cost import dice_cost as dice_cost
from parity.steps.mask.cost import mask_cross_entropy_cost as mask_cross_entropy_cost
from parity.steps.mask.cost import mask_focal_cost as mask_focal_cost
from parity.steps.mask.infer import mask2former_inference as mask2former_inference
from parity.steps.mask.infer import maskformer_inference as maskformer_inference
from parity.steps.mask.loss import mask2former_loss as mask2former_loss
from parity.steps.mask.loss import maskformer_loss as maskformer_loss
from parity.steps.mask.point_head import point_head_inference as point_head_inference
from parity.steps.mask.point_head import point_head_loss as point_head_loss
from parity.steps.mask.points import draw_points as draw_points
from parity.steps.mask.points import draw_uncertain_points as draw_uncertain_points
from parity.steps.mask.points import sample_points as sample_points
from parity.steps.mask.side_adapter import san_loss as san_loss
from parity.steps.mask.targets import Segments as Segments
from parity.steps.mask.targets import mask_targets as mask_targets
