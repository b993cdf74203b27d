"""From queries to the logits of a label map.

Reproduces ``predict`` of Mask2FormerHead and MaskFormerHead (mmseg 1.2.2
mmseg/models/decode_heads). ``parity.steps.logits.postprocess_logits`` goes on
from there: it cuts off the padding, resizes, and takes the largest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.refusal import explained

# Of every decoder layer, or stacked.
Layers = Sequence[Tensor] | Tensor


@explained
def mask2former_inference(
    cls_scores: Layers, mask_preds: Layers, metas: Sequence[Mapping[str, Any]]
) -> Tensor:
    """Logits ``(N, C, H, W)`` of the last layer, of the padded size where there is one.

    cls_scores: ``(N, Q, C + 1)`` each, the last channel for "no object". mask_preds:
    ``(N, Q, h, w)`` each. metas: one mapping an image, of which the first gives the size.
    """
    return query_logits(cls_scores[-1], mask_preds[-1], padded_size(metas))


@explained
def maskformer_inference(
    cls_scores: Layers, mask_preds: Layers, metas: Sequence[Mapping[str, Any]]
) -> Tensor:
    """As :func:`mask2former_inference`, of the size before padding."""
    return query_logits(cls_scores[-1], mask_preds[-1], _size(metas, "img_shape"))


def padded_size(metas: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Height and width of a batch: with its padding, where the first of `metas` has any."""
    return _size(metas, "pad_shape" if metas and "pad_shape" in metas[0] else "img_shape")


def _size(metas: Sequence[Mapping[str, Any]], key: str) -> tuple[int, int]:
    if not metas or key not in metas[0]:
        raise InputError(f"the first of metas must hold {key}, (height, width)")
    height, width = metas[0][key][:2]
    return height, width


def query_logits(scores: Tensor, masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Each class: the sum over queries of its probability times the mask's, ``(N, C, *size)``.

    The masks are resized before the sigmoid. "No object" has its share of the softmax
    and no part in the sum.
    """
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", class_probabilities(scores), resized.sigmoid())


def class_probabilities(scores: Tensor) -> Tensor:
    """Of logits ``(..., C + 1)``, those of the classes: ``(..., C)``."""
    return scores.softmax(dim=-1)[..., :-1]
