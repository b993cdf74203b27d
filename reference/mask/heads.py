"""Mask2FormerHead and MaskFormerHead (mmseg over mmdet), live."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from parity.steps.mask.assign import MASK2FORMER, MASKFORMER, MaskWeights, Match
from parity.steps.mask.infer import Layers
from reference.mask.build import head_class, light_head, segments


def _match(
    kind: str,
    scores: Tensor,
    masks: Tensor,
    labels: Tensor,
    targets: Tensor,
    *,
    cost_weights: MaskWeights,
    **points: Any,
) -> Match:
    """``_get_targets_single`` of a head, of which the matched pairs."""
    shape = len(scores), scores.shape[-1] - 1
    head = light_head(kind, *shape, cost_weights=cost_weights, **points)
    from mmengine.structures import InstanceData

    instances = InstanceData(labels=labels, masks=targets)
    with torch.no_grad():
        *_, result = head._get_targets_single(scores, masks, instances, {})
    return Match(result.pos_inds, result.pos_assigned_gt_inds)


def _loss(
    kind: str,
    cls_scores: Layers,
    mask_preds: Layers,
    label: Tensor,
    *,
    ignore_index: int = 255,
    **options: Any,
) -> dict[str, Tensor]:
    """``loss_by_feat`` of a head with the parts of its config in the zoo."""
    queries, channels = cls_scores[0].shape[1:]
    head = light_head(kind, queries, channels - 1, **options)
    return queried_loss(head, cls_scores, mask_preds, label, ignore_index)


def queried_loss(
    head: Any, cls_scores: Layers, mask_preds: Layers, label: Tensor, ignore_index: int
) -> dict[str, Tensor]:
    """``loss_by_feat`` of a head that is built."""
    head.ignore_index = ignore_index
    instances = segments(type(head), label, ignore_index)
    found: dict[str, Tensor] = head.loss_by_feat(
        cls_scores, mask_preds, instances, [{} for _ in label]
    )
    return found


def _predict(
    kind: str, cls_scores: Layers, mask_preds: Layers, metas: Sequence[Mapping[str, Any]]
) -> Tensor:
    """``predict`` of a head whose network has given `cls_scores` and `mask_preds`."""

    class Done(head_class(kind)):  # type: ignore[misc]  # mmseg has no types
        def forward(self, x: Any, batch_data_samples: Any) -> tuple[Layers, Layers]:
            return cls_scores, mask_preds

    head = Done.__new__(Done)
    nn.Module.__init__(head)
    found: Tensor = head.predict((), [dict(meta) for meta in metas], None)
    return found


mask2former_match = partial(_match, "Mask2FormerHead", num_points=12544, cost_weights=MASK2FORMER)
maskformer_match = partial(_match, "MaskFormerHead", cost_weights=MASKFORMER)
mask2former_loss = partial(_loss, "Mask2FormerHead")
maskformer_loss = partial(_loss, "MaskFormerHead")
mask2former_inference = partial(_predict, "Mask2FormerHead")
maskformer_inference = partial(_predict, "MaskFormerHead")
