"""What queries are to find: one mask per class that an image shows.

Reproduces ``_seg_data_to_instance_data`` of Mask2FormerHead and MaskFormerHead
(mmseg 1.2.2 mmseg/models/decode_heads/mask2former_head.py and maskformer_head.py).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.refusal import explained


class Segments(NamedTuple):
    """Of one image. labels: ``(G,)``, of the label map's dtype. masks: int64 ``(G, H, W)``."""

    labels: Tensor
    masks: Tensor


@explained
def mask_targets(label: Tensor, *, ignore_index: int = 255) -> list[Segments]:
    """The segments of each image of a label map, int64 ``(N, H, W)``.

    All pixels of a class are one segment, connected or not. Pixels of
    `ignore_index` belong to none, and an image without others has no segment.
    """
    if label.dim() != 3:
        raise InputError(f"label must be (N, H, W), got {tuple(label.shape)}")
    return [segments_of(image, ignore_index) for image in label]


def segments_of(label: Tensor, ignore_index: int) -> Segments:
    """The segments of one label map ``(H, W)``."""
    found = torch.unique(label, sorted=False)
    labels = found[found != ignore_index]
    return Segments(labels, (label == labels[:, None, None]).long())
