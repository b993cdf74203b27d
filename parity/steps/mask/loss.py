"""Losses of queries: class, mask and overlap, after every decoder layer.

Reproduces ``loss_by_feat`` of Mask2FormerHead and MaskFormerHead (mmdet 3.3.0
mmdet/models/dense_heads/mask2former_head.py and maskformer_head.py) with the
losses of their configs (mmdet/models/losses), in one process: over several, the
reference takes the mean of their numbers of masks.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.refusal import explained
from parity.steps.mask.assign import (
    MASK2FORMER,
    MASKFORMER,
    MaskWeights,
    Match,
    mask2former_match,
    maskformer_match,
)
from parity.steps.mask.infer import Layers
from parity.steps.mask.points import at_uncertain_points
from parity.steps.mask.targets import Segments, mask_targets

# mmdet adds it to what a loss is divided by.
_EPS = torch.finfo(torch.float32).eps


@explained
def mask2former_loss(
    cls_scores: Layers,
    mask_preds: Layers,
    label: Tensor,
    *,
    num_points: int = 12544,
    oversample_ratio: float = 3.0,
    importance_sample_ratio: float = 0.75,
    loss_weights: MaskWeights = MASK2FORMER,
    cost_weights: MaskWeights = MASK2FORMER,
    no_object_weight: float = 0.1,
    ignore_index: int = 255,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Losses by name: ``loss_cls`` of the last layer, ``d0.loss_cls`` of the first, and so on.

    cls_scores: logits ``(N, Q, C + 1)`` of every layer, the last channel for "no
    object". mask_preds: logits ``(N, Q, h, w)``. label: int64 ``(N, H, W)``. Each
    layer, in order, draws points to match each image at and then points to train at.
    """

    drawn: dict[str, Any] = {"num_points": num_points, "generator": generator}

    def match(scores: Tensor, masks: Tensor, image: Segments) -> Match:
        return mask2former_match(scores, masks, *image, cost_weights=cost_weights, **drawn)

    return layered(
        *(cls_scores, mask_preds, mask_targets(label, ignore_index=ignore_index)),
        match=match,
        compared=partial(
            at_uncertain_points,
            oversample_ratio=oversample_ratio,
            importance_sample_ratio=importance_sample_ratio,
            **drawn,
        ),
        mask_loss=mask_cross_entropy_loss,
        weights=loss_weights,
        no_object_weight=no_object_weight,
    )


@explained
def maskformer_loss(
    cls_scores: Layers,
    mask_preds: Layers,
    label: Tensor,
    *,
    loss_weights: MaskWeights = MASKFORMER,
    cost_weights: MaskWeights = MASKFORMER,
    no_object_weight: float = 0.1,
    ignore_index: int = 255,
) -> dict[str, Tensor]:
    """As :func:`mask2former_loss`, at every pixel of the label map, by focal loss; no draws."""

    def match(scores: Tensor, masks: Tensor, image: Segments) -> Match:
        return maskformer_match(scores, masks, *image, cost_weights=cost_weights)

    return layered(
        *(cls_scores, mask_preds, mask_targets(label, ignore_index=ignore_index)),
        match=match,
        compared=at_pixels,
        mask_loss=mask_focal_loss,
        weights=loss_weights,
        no_object_weight=no_object_weight,
    )


def layered(
    cls_scores: Layers, mask_preds: Layers, images: Sequence[Segments], **options: Any
) -> dict[str, Tensor]:
    """The losses of every layer by name, those of the last first; options of `layer_loss`."""
    check_layers(cls_scores, mask_preds, images)
    pairs = zip(cls_scores, mask_preds, strict=True)
    return by_layer([layer_loss(scores, masks, images, **options) for scores, masks in pairs])


def check_layers(cls_scores: Layers, mask_preds: Layers, images: Sequence[Segments]) -> None:
    """Raise InputError unless all are of as many layers, one at least, and of as many images."""
    if len(cls_scores) == 0 or len(cls_scores) != len(mask_preds):
        raise InputError(
            f"cls_scores and mask_preds must be of as many layers, one at least, got "
            f"{len(cls_scores)} and {len(mask_preds)}"
        )
    if len(images) != len(cls_scores[0]):
        raise InputError(f"queries are of {len(cls_scores[0])} images, label of {len(images)}")


def by_layer(
    found: Sequence[dict[str, Tensor]], layers: Sequence[int] | None = None
) -> dict[str, Tensor]:
    """The losses of the last layer by name; of the others ``d0.loss_cls`` and so on.

    layers: numbers of the others, by default from 0 on.
    """
    *earlier, last = found
    numbers = range(len(earlier)) if layers is None else layers
    named = dict(last)
    for layer, losses in zip(numbers, earlier, strict=True):
        named |= {f"d{layer}.{name}": loss for name, loss in losses.items()}
    return named


def layer_loss(
    scores: Tensor,
    masks: Tensor,
    images: Sequence[Segments],
    *,
    match: Callable[[Tensor, Tensor, Segments], Match],
    compared: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    mask_loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    weights: MaskWeights,
    no_object_weight: float = 0.1,
) -> dict[str, Tensor]:
    """``loss_cls``, ``loss_mask`` and ``loss_dice`` of one layer.

    match: gives the pairs of one image. compared: brings matched masks and segments to
    the points or pixels at which they are compared. A batch without any segment has
    mask losses of zero.
    """
    matches = [match(*of) for of in zip(scores, masks, images, strict=True)]
    classes, count = query_classes(scores, images, matches), number_of_masks(scores, matches)
    found = query_class_loss(scores, classes, no_object_weight=no_object_weight)
    losses = {"loss_cls": weights.classes * found}
    pred, target = matched_masks(masks, images, matches)
    if len(target) == 0:
        return {**losses, "loss_mask": pred.sum(), "loss_dice": pred.sum()}
    pred, target = compared(pred, target)
    return {
        **losses,
        "loss_mask": weights.mask * mask_loss(pred, target, count),
        "loss_dice": weights.dice * mask_dice_loss(pred, target, count),
    }


def at_pixels(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mask logits ``(M, h, w)`` brought to the size of their segments ``(M, H, W)``."""
    size = target.shape[-2:]
    resized = F.interpolate(pred.unsqueeze(1), size, mode="bilinear", align_corners=False)
    return resized.squeeze(1), target


def query_classes(scores: Tensor, images: Sequence[Segments], matches: Sequence[Match]) -> Tensor:
    """What each query is to say, int64 ``(N, Q)``: its segment's class, else "no object"."""
    classes = torch.full(scores.shape[:2], scores.shape[-1] - 1, device=scores.device)
    for row, image, match in zip(classes, images, matches, strict=True):
        row[match.queries] = image.labels[match.segments]
    return classes


def matched_masks(
    masks: Tensor, images: Sequence[Segments], matches: Sequence[Match]
) -> tuple[Tensor, Tensor]:
    """Mask logits ``(M, h, w)`` of the matched queries, and their segments ``(M, H, W)``."""
    matched = torch.zeros(masks.shape[:2], dtype=torch.bool, device=masks.device)
    for row, match in zip(matched, matches, strict=True):
        row[match.queries] = True
    pairs = zip(images, matches, strict=True)
    return masks[matched], torch.cat([image.masks[match.segments] for image, match in pairs])


def number_of_masks(scores: Tensor, matches: Sequence[Match]) -> Tensor:
    """What mask losses are divided by, ``(1,)``; an image without a segment counts as one."""
    return scores.new_tensor([sum(max(len(match.queries), 1) for match in matches)])


def query_class_loss(scores: Tensor, classes: Tensor, *, no_object_weight: float = 0.1) -> Tensor:
    """Cross entropy of logits ``(N, Q, C + 1)``, a weighted mean over all queries of the batch.

    classes: int64 ``(N, Q)``. no_object_weight: of the last class; the others weigh 1.
    """
    weights = scores.new_tensor([1.0] * (scores.shape[-1] - 1) + [no_object_weight])
    losses = F.cross_entropy(scores.flatten(0, 1), classes.flatten(), weights, reduction="none")
    # Half precision is summed in single: the reference multiplies by float32 weights of 1.
    losses = losses.to(torch.promote_types(losses.dtype, torch.float32))
    return mean_of(losses, weights[classes.flatten()].sum())


def mask_cross_entropy_loss(pred: Tensor, target: Tensor, count: Tensor) -> Tensor:
    """Binary cross entropy of logits ``(M, P)``: mean over points, sum over masks, by `count`."""
    losses = F.binary_cross_entropy_with_logits(pred, target, reduction="none")
    return mean_of(losses, count * pred.shape[1])


def mask_focal_loss(
    pred: Tensor, target: Tensor, count: Tensor, *, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Focal loss of logits ``(M, H, W)``: mean over pixels, sum over masks, by `count`.

    alpha: the weight inside of the segment, ``1 - alpha`` that outside.
    """
    height, width = pred.shape[-2:]
    pred, target = pred.flatten(), target.type_as(pred).flatten()
    soft = pred.sigmoid()
    error = (1 - soft) * target + soft * (1 - target)
    weight = (alpha * target + (1 - alpha) * (1 - target)) * error.pow(gamma)
    losses = F.binary_cross_entropy_with_logits(pred, target, reduction="none") * weight
    return mean_of(losses, count * height * width)


def mask_dice_loss(pred: Tensor, target: Tensor, count: Tensor, *, eps: float = 1.0) -> Tensor:
    """One minus the overlap of logits and segments ``(M, ...)``: sum over masks, by `count`."""
    soft, target = pred.sigmoid().flatten(1), target.flatten(1).float()
    both = torch.sum(soft * target, 1)
    either = torch.sum(soft, 1) + torch.sum(target, 1)
    return mean_of(1 - (2 * both + eps) / (either + eps), count)


def mean_of(losses: Tensor, count: Tensor) -> Tensor:
    """Their sum by `count`, which is never quite zero."""
    return losses.sum() / (count + _EPS)
