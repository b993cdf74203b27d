"""Mask2FormerHead and MaskFormerHead (mmseg over mmdet), live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from parity.steps.mask.assign import MASK2FORMER, MASKFORMER, MaskWeights, Match
from parity.steps.mask.infer import Layers
from reference.mask.build import head_class, light_head, segments


def mask2former_match(
    scores: Tensor,
    masks: Tensor,
    labels: Tensor,
    targets: Tensor,
    *,
    num_points: int = 12544,
    cost_weights: MaskWeights = MASK2FORMER,
) -> Match:
    """``Mask2FormerHead._get_targets_single``, of which the matched pairs."""
    head = light_head(
        *("Mask2FormerHead", len(scores), scores.shape[-1] - 1),
        cost_weights=cost_weights,
        num_points=num_points,
    )
    return _matched(head, scores, masks, labels, targets)


def maskformer_match(
    scores: Tensor,
    masks: Tensor,
    labels: Tensor,
    targets: Tensor,
    *,
    cost_weights: MaskWeights = MASKFORMER,
) -> Match:
    """``MaskFormerHead._get_targets_single``, of which the matched pairs."""
    head = light_head(
        "MaskFormerHead", len(scores), scores.shape[-1] - 1, cost_weights=cost_weights
    )
    return _matched(head, scores, masks, labels, targets)


def mask2former_loss(
    cls_scores: Layers, mask_preds: Layers, label: Tensor, **options: Any
) -> dict[str, Tensor]:
    """``Mask2FormerHead.loss_by_feat``."""
    return _loss("Mask2FormerHead", cls_scores, mask_preds, label, **options)


def maskformer_loss(
    cls_scores: Layers, mask_preds: Layers, label: Tensor, **options: Any
) -> dict[str, Tensor]:
    """``MaskFormerHead.loss_by_feat``."""
    return _loss("MaskFormerHead", cls_scores, mask_preds, label, **options)


def mask2former_inference(
    cls_scores: Layers, mask_preds: Layers, metas: Sequence[Mapping[str, Any]]
) -> Tensor:
    """``Mask2FormerHead.predict``."""
    return _predict("Mask2FormerHead", cls_scores, mask_preds, metas)


def maskformer_inference(
    cls_scores: Layers, mask_preds: Layers, metas: Sequence[Mapping[str, Any]]
) -> Tensor:
    """``MaskFormerHead.predict``."""
    return _predict("MaskFormerHead", cls_scores, mask_preds, metas)


def _loss(
    kind: str,
    cls_scores: Layers,
    mask_preds: Layers,
    label: Tensor,
    *,
    ignore_index: int = 255,
    **options: Any,
) -> dict[str, Tensor]:
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


def _matched(head: Any, scores: Tensor, masks: Tensor, labels: Tensor, targets: Tensor) -> Match:
    from mmengine.structures import InstanceData

    instances = InstanceData(labels=labels, masks=targets)
    with torch.no_grad():
        *_, result = head._get_targets_single(scores, masks, instances, {})
    return Match(result.pos_inds, result.pos_assigned_gt_inds)
