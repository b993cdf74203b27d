"""Bring logits to the size of a label map, and back to the image as it was on disk.

Reproduces ``resize`` (mmseg 1.2.2 mmseg/models/utils/wrappers.py) and
``BaseSegmentor.postprocess_result`` (mmseg/models/segmentors/base.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from parity.errors import InputError

# What BaseDecodeHead takes for one output channel when no threshold is given.
DEFAULT_THRESHOLD = 0.3
# Dimension of (N, C, H, W) that each direction reverses; a diagonal flip is never undone.
_FLIPPED_DIM = {"horizontal": 3, "vertical": 2}


class Segmentation(NamedTuple):
    """What comes out for one image of height H and width W.

    logits: ``(C, H, W)``, as the model gave them for C above 1, their sigmoid for
    C = 1. prediction: ``(1, H, W)``, int64 class ids for C above 1, 0 and 1 in the
    dtype of `logits` for C = 1.
    """

    logits: torch.Tensor
    prediction: torch.Tensor


def resize_logits(
    logits: torch.Tensor, *, size: tuple[int, int], align_corners: bool = False
) -> torch.Tensor:
    """Bilinear resize of ``(N, C, H, W)`` to `size` = ``(height, width)``; dtype is kept.

    Raises InputError for anything but four-dimensional floats and a positive size.
    """
    check_maps(logits, "logits")
    if len(size) != 2 or min(size) < 1:
        raise InputError(f"cannot resize logits to {tuple(size)}; give (height, width) above 0")
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=align_corners)


def postprocess_logits(
    seg_logits: torch.Tensor,
    metas: Sequence[Mapping[str, Any]] | None,
    *,
    align_corners: bool = False,
    threshold: float | None = None,
) -> list[Segmentation]:
    """Turn ``(N, C, H, W)`` into one Segmentation per image, at its original size.

    In this order: cut the padding off (meta ``img_padding_size``, else
    ``padding_size``, else none), undo the flip (meta ``flip``, ``flip_direction``),
    resize to meta ``ori_shape``, and decide: argmax, or for one channel sigmoid
    above `threshold` (0.3 when None). Without `metas`, decides only.

    Raises InputError for metas that do not fit the logits.
    """
    check_maps(seg_logits, "logits")
    if metas is None:
        return [decide(logits, threshold=threshold) for logits in seg_logits]
    if len(metas) != len(seg_logits):
        raise InputError(f"{len(seg_logits)} images came with {len(metas)} metas; give one each")
    return [
        decide(
            restore_logits(seg_logits[index : index + 1], meta, align_corners=align_corners),
            threshold=threshold,
        )
        for index, meta in enumerate(metas)
    ]


def restore_logits(
    logits: torch.Tensor, meta: Mapping[str, Any], *, align_corners: bool = False
) -> torch.Tensor:
    """Unpad, unflip and resize ``(1, C, H, W)`` to ``(C, *meta["ori_shape"])``."""
    if "ori_shape" not in meta:
        raise InputError("meta has no ori_shape to resize the logits to")
    padding = meta.get("img_padding_size", meta.get("padding_size", (0, 0, 0, 0)))
    logits = undo_flip(remove_padding(logits, padding), meta)
    return resize_logits(logits, size=meta["ori_shape"], align_corners=align_corners).squeeze(0)


def remove_padding(logits: torch.Tensor, padding: Sequence[int]) -> torch.Tensor:
    """``(N, C, H, W)`` without `padding` = ``(left, right, top, bottom)``."""
    height, width = logits.shape[-2:]
    left, right, top, bottom = padding
    if min(padding) < 0 or left + right >= width or top + bottom >= height:
        raise InputError(f"padding {tuple(padding)} leaves nothing of logits {(height, width)}")
    return logits[:, :, top : height - bottom, left : width - right]


def undo_flip(logits: torch.Tensor, meta: Mapping[str, Any]) -> torch.Tensor:
    """``(N, C, H, W)`` flipped back if meta ``flip`` says it was flipped."""
    if not meta.get("flip"):
        return logits
    direction = meta.get("flip_direction")
    if direction not in _FLIPPED_DIM:
        raise InputError(f"a flip {direction!r} cannot be undone; use one of {list(_FLIPPED_DIM)}")
    return logits.flip(dims=(_FLIPPED_DIM[direction],))


def decide(logits: torch.Tensor, *, threshold: float | None = None) -> Segmentation:
    """The class of each pixel of ``(C, H, W)``: the first largest, or sigmoid for C = 1."""
    if logits.shape[0] > 1:
        return Segmentation(logits, logits.argmax(dim=0, keepdim=True))
    probability = logits.sigmoid()
    return Segmentation(probability, above_threshold(probability, threshold))


def above_threshold(probability: torch.Tensor, threshold: float | None) -> torch.Tensor:
    """1 where `probability` is strictly above `threshold` (0.3 when None), else 0; same dtype."""
    limit = DEFAULT_THRESHOLD if threshold is None else threshold
    return (probability > limit).to(probability)


def check_maps(maps: torch.Tensor, what: str) -> None:
    """Raise InputError unless `maps` are floats of shape ``(N, C, H, W)``, none of them 0."""
    if maps.ndim != 4 or not maps.is_floating_point() or maps.numel() == 0:
        raise InputError(
            f"{what} must be floats of shape (N, C, H, W), "
            f"got {maps.dtype} of shape {tuple(maps.shape)}"
        )
