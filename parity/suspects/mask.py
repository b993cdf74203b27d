"""What people get wrong in the segments of a label map, and in what comes of queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.mask import infer, targets
from parity.suspects.mask_costs import SUSPECTS as COSTS
from parity.suspects.mask_losses import SUSPECTS as LOSSES
from parity.suspects.mask_own import SUSPECTS as OWN
from parity.suspects.mask_points import SUSPECTS as POINTS
from parity.suspects.mistake import Function, made_in, mistake
from parity.suspects.suspect import Suspect


@mistake(targets.segments_of, needs="ignored pixels")
def ignored_becomes_a_class(segments_of: Function, label: Tensor, ignore_index: int) -> Any:
    """Ignored pixels are a segment of their own; in the reference they belong to none."""
    return segments_of(label, -1)


@mistake(targets.segments_of, needs="pixels of class 0")
def class_0_is_background(segments_of: Function, label: Tensor, ignore_index: int) -> Any:
    """Class 0 is no segment, as a background would be; in the reference it is a class."""
    return segments_of(label.masked_fill(label == 0, ignore_index), ignore_index)


@mistake(targets.segments_of, needs="a class in several places")
def segment_per_region(segments_of: Function, label: Tensor, ignore_index: int) -> Any:
    """Each connected region is a segment; in the reference all pixels of a class are one."""
    labels, masks = segments_of(label, ignore_index)
    parts = [_regions(mask) for mask in masks]
    counts = torch.tensor([len(part) for part in parts], dtype=torch.long)
    return targets.Segments(labels.repeat_interleave(counts), torch.cat(parts) if parts else masks)


def _regions(mask: Tensor) -> Tensor:
    """Connected regions of a mask, int64 ``(R, H, W)``, by their first pixel."""
    height, width = mask.shape
    seeds = torch.arange(1, height * width + 1).reshape(1, 1, height, width).double() * mask
    cross = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=torch.bool)
    while True:
        around = F.pad(seeds, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
        grown = around[..., cross].amax(-1) * mask
        if torch.equal(grown, seeds):
            break
        seeds = grown
    names = torch.unique(seeds[seeds > 0])
    regions: Tensor = seeds[0] == names[:, None, None]
    return regions.long()


@mistake(infer.class_probabilities)
def no_object_is_a_class(class_probabilities: Function, scores: Tensor) -> Any:
    """ "No object" is summed as one more class; the reference leaves it out."""
    return scores.softmax(dim=-1)


@mistake(infer.class_probabilities)
def softmax_without_no_object(class_probabilities: Function, scores: Tensor) -> Any:
    """The softmax is over the classes alone; in the reference "no object" has its share."""
    return scores[..., :-1].softmax(dim=-1)


@mistake(infer.class_probabilities)
def classes_without_softmax(class_probabilities: Function, scores: Tensor) -> Any:
    """Class logits weigh the masks; the reference takes their softmax first."""
    return scores[..., :-1]


@mistake(infer.class_probabilities)
def no_object_first(class_probabilities: Function, scores: Tensor) -> Any:
    """ "No object" is taken to be the first channel; in the reference it is the last."""
    return scores.softmax(dim=-1)[..., 1:]


@mistake(infer.query_logits)
def masks_without_sigmoid(
    query_logits: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]
) -> Any:
    """Mask logits are summed as they are; the reference takes their sigmoid first."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", infer.class_probabilities(scores), resized)


@mistake(infer.query_logits, needs="a size other than the masks'")
def sigmoid_before_resize(
    query_logits: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]
) -> Any:
    """The sigmoid is taken before masks are resized; the reference takes it afterwards."""
    soft = masks.sigmoid()
    resized = F.interpolate(soft, size=size, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", infer.class_probabilities(scores), resized)


@mistake(infer.query_logits, needs="a size other than the masks'")
def masks_corners_aligned(
    query_logits: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]
) -> Any:
    """Masks are resized with align_corners=True; the reference's heads do so with False."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=True)
    return query_logits(scores, resized, size)


@mistake(infer.query_logits, needs="several queries")
def best_query_only(
    query_logits: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]
) -> Any:
    """Each pixel has the probability of its best query; the reference sums over queries."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=False).sigmoid()
    classes = infer.class_probabilities(scores)
    return torch.einsum("bqc,bqhw->bqchw", classes, resized).amax(1)


@mistake(infer.mask2former_inference, needs="several layers")
def first_layer_predicts(inference: Function, cls_scores: Any, mask_preds: Any, metas: Any) -> Any:
    """The first decoder layer's queries predict; in the reference the last one's."""
    return inference(cls_scores[:1], mask_preds[:1], metas)


@mistake(infer.mask2former_inference, needs="padding")
def predicted_without_padding(inference: Function, *given: Any, **named: Any) -> Any:
    """Masks are resized to the size before padding; Mask2Former's to that with it."""
    return infer.maskformer_inference(*given, **named)


@mistake(infer.maskformer_inference, needs="padding")
def predicted_with_padding(inference: Function, *given: Any, **named: Any) -> Any:
    """Masks are resized to the size with padding; MaskFormer's to that before it."""
    return infer.mask2former_inference(*given, **named)


_QUERIES = (
    *(no_object_is_a_class, softmax_without_no_object, classes_without_softmax, no_object_first),
    *(masks_without_sigmoid, sigmoid_before_resize, masks_corners_aligned, best_query_only),
)

SUSPECTS: tuple[Suspect, ...] = (
    *made_in(
        targets.mask_targets,
        *(ignored_becomes_a_class, class_0_is_background, segment_per_region),
    ),
    *COSTS,
    *POINTS,
    *LOSSES,
    *OWN,
    *made_in(
        infer.mask2former_inference, *_QUERIES, first_layer_predicts, predicted_without_padding
    ),
    *made_in(
        infer.maskformer_inference,
        *(*_QUERIES, predicted_with_padding),
        replace(first_layer_predicts, function=infer.maskformer_inference),
    ),
)
