"""What people get wrong in what comes of queries."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.mask import infer
from parity.suspects.mistake import Function, made_in, mistake

query_mistake = made_in(infer.mask2former_inference, infer.maskformer_inference)


@query_mistake(infer.class_probabilities)
def no_object_is_a_class(class_probabilities: Function, scores: Tensor) -> Any:
    """ "No object" is summed as one more class; the reference leaves it out."""
    return scores.softmax(dim=-1)


@query_mistake(infer.class_probabilities)
def softmax_without_no_object(class_probabilities: Function, scores: Tensor) -> Any:
    """The softmax is over the classes alone; in the reference "no object" has its share."""
    return scores[..., :-1].softmax(dim=-1)


@query_mistake(infer.class_probabilities)
def classes_without_softmax(class_probabilities: Function, scores: Tensor) -> Any:
    """Class logits weigh the masks; the reference takes their softmax first."""
    return scores[..., :-1]


@query_mistake(infer.class_probabilities)
def no_object_first(class_probabilities: Function, scores: Tensor) -> Any:
    """ "No object" is taken to be the first channel; in the reference it is the last."""
    return scores.softmax(dim=-1)[..., 1:]


@query_mistake(infer.query_logits)
def masks_without_sigmoid(_: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]) -> Any:
    """Mask logits are summed as they are; the reference takes their sigmoid first."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", infer.class_probabilities(scores), resized)


@query_mistake(infer.query_logits, needs="a size other than the masks'")
def sigmoid_before_resize(_: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]) -> Any:
    """The sigmoid is taken before masks are resized; the reference takes it afterwards."""
    soft = masks.sigmoid()
    resized = F.interpolate(soft, size=size, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", infer.class_probabilities(scores), resized)


@query_mistake(infer.query_logits, needs="a size other than the masks'")
def masks_corners_aligned(query_logits: Function, scores: Tensor, masks: Tensor, size: Any) -> Any:
    """Masks are resized with align_corners=True; the reference's heads do so with False."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=True)
    return query_logits(scores, resized, size)


@query_mistake(infer.query_logits, needs="several queries")
def best_query_only(_: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]) -> Any:
    """Each pixel has the probability of its best query; the reference sums over queries."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=False).sigmoid()
    classes = infer.class_probabilities(scores)
    return torch.einsum("bqc,bqhw->bqchw", classes, resized).amax(1)


@query_mistake(needs="several layers")
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
