"""Mask classification of mmseg and mmdet, live; names as in ``parity.steps.mask``."""

from reference.mask.heads import mask2former_inference as mask2former_inference
from reference.mask.heads import mask2former_loss as mask2former_loss
from reference.mask.heads import mask2former_match as mask2former_match
from reference.mask.heads import maskformer_inference as maskformer_inference
from reference.mask.heads import maskformer_loss as maskformer_loss
from reference.mask.heads import maskformer_match as maskformer_match
from reference.mask.own import point_head_inference as point_head_inference
from reference.mask.own import point_head_loss as point_head_loss
from reference.mask.own import san_loss as san_loss
from reference.mask.parts import assign_queries as assign_queries
from reference.mask.parts import class_cost as class_cost
from reference.mask.parts import dice_cost as dice_cost
from reference.mask.parts import draw_uncertain_points as draw_uncertain_points
from reference.mask.parts import mask_cross_entropy_cost as mask_cross_entropy_cost
from reference.mask.parts import mask_focal_cost as mask_focal_cost
from reference.mask.parts import mask_targets as mask_targets
from reference.mask.parts import sample_points as sample_points
