"""Losses of SAN's mask proposals: mask classification by mmseg's own losses.

Reproduces ``SideAdapterCLIPHead.loss_by_feat`` (mmseg 1.2.2
mmseg/models/decode_heads/san_head.py) with ``MatchMasks`` (mmseg/utils/mask_classification.py)
and mmseg's ``HungarianAssigner``, in one process.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss import binary_cross_entropy, cross_entropy, dice_loss
from parity.steps.loss.refusal import explained
from parity.steps.loss.terms import LossTerm
from parity.steps.mask.assign import (
    MASK2FORMER,
    MaskWeights,
    Match,
    mask2former_match,
    nothing_matched,
)
from parity.steps.mask.infer import Layers
from parity.steps.mask.loss import by_layer, check_layers, matched_masks, query_classes
from parity.steps.mask.points import at_uncertain_points
from parity.steps.mask.targets import Segments, mask_targets

_DICE = {"ignore_index": None, "naive_dice": True, "eps": 1, "loss_weight": 5.0}
# configs/_base_/models/san_vit-b16.py, without its weights of classes, which need their number
SAN = (
    LossTerm("loss_cls_ce", cross_entropy, {"loss_weight": 2.0}),
    LossTerm("loss_mask_ce", binary_cross_entropy, {"loss_weight": 5.0}),
    LossTerm("loss_mask_dice", dice_loss, _DICE),
)


@explained
def san_loss(
    cls_scores: Layers,
    mask_preds: Layers,
    label: Tensor,
    *,
    losses: Sequence[LossTerm] = SAN,
    layers: Sequence[int] | None = None,
    num_points: int = 12544,
    oversample_ratio: float = 3.0,
    importance_sample_ratio: float = 0.75,
    cost_weights: MaskWeights = MASK2FORMER,
    ignore_index: int = 255,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Losses by name: ``loss_cls_ce`` of the last layer, ``d7.loss_cls_ce`` of layer 7.

    cls_scores: logits ``(N, Q, C + 1)`` of every supervised layer, the last channel for "no
    object". mask_preds: logits ``(N, Q, h, w)``. label: int64 ``(N, H, W)``. layers: numbers
    of all but the last. An image without a segment draws no points to match at, and mask
    losses are divided by the number of segments, matched or not. Raises InputError.
    """
    images = mask_targets(label, ignore_index=ignore_index)
    check_layers(cls_scores, mask_preds, images)

    drawn: dict[str, Any] = {"num_points": num_points, "generator": generator}

    def match(scores: Tensor, masks: Tensor, image: Segments) -> Match:
        if len(image.labels) == 0:
            return nothing_matched(image.labels)
        return mask2former_match(scores, masks, *image, cost_weights=cost_weights, **drawn)

    compared = partial(
        at_uncertain_points,
        oversample_ratio=oversample_ratio,
        importance_sample_ratio=importance_sample_ratio,
        **drawn,
    )
    found = [
        proposal_losses(scores, masks, images, match=match, compared=compared, losses=losses)
        for scores, masks in zip(cls_scores, mask_preds, strict=True)
    ]
    return by_layer(found, layers)


def proposal_losses(
    scores: Tensor,
    masks: Tensor,
    images: Sequence[Segments],
    *,
    match: Callable[[Tensor, Tensor, Segments], Match],
    compared: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    losses: Sequence[LossTerm],
) -> dict[str, Tensor]:
    """The losses of one layer by name. match, compared: as of `layer_loss`."""
    matches = [match(*of) for of in zip(scores, masks, images, strict=True)]
    classes = query_classes(scores, images, matches).flatten()
    pred, target = matched_masks(masks, images, matches)
    some = len(target) > 0
    points, wanted = compared(pred, target) if some else (pred, target)
    count = number_of_segments(scores, images)
    return {
        one.name: one.alone(scores.flatten(0, 1), classes)
        if "loss_cls" in one.name
        else (mask_loss(one, points, wanted, count) if some else pred.sum())
        for one in losses
    }


def number_of_segments(scores: Tensor, images: Sequence[Segments]) -> Tensor:
    """What mask losses are divided by, ``(1,)``: segments of the batch, one at least."""
    return scores.new_tensor([max(sum(len(image.labels) for image in images), 1)])


def mask_loss(term: LossTerm, pred: Tensor, target: Tensor, count: Tensor) -> Tensor:
    """Of logits ``(M, P)``: cross entropy a mask and point, overlap a mask."""
    if "loss_mask" not in term.name:
        raise InputError(f"{term.name}: the name of a loss must have loss_cls or loss_mask in it")
    share = count * pred.shape[1] if term.function is binary_cross_entropy else count
    return term.function(pred, target, avg_factor=share, **term.options)
