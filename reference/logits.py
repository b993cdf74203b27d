"""``resize`` and ``BaseSegmentor.postprocess_result`` (mmseg), live."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from parity.steps.logits import Segmentation
from reference.compat import load_reference
from reference.segmentor import build_segmentor, to_segmentations


def resize_logits(
    logits: torch.Tensor, *, size: tuple[int, int], align_corners: bool = False
) -> torch.Tensor:
    """``resize``, bilinear."""
    load_reference()
    from mmseg.models.utils import resize

    resized: torch.Tensor = resize(
        input=logits, size=size, mode="bilinear", align_corners=align_corners, warning=False
    )
    return resized


def postprocess_logits(
    seg_logits: torch.Tensor,
    metas: Sequence[Mapping[str, Any]] | None,
    *,
    align_corners: bool = False,
    threshold: float | None = None,
) -> list[Segmentation]:
    """``BaseSegmentor.postprocess_result``."""
    load_reference()
    from mmseg.structures import SegDataSample

    segmentor = build_segmentor(
        torch.Tensor.clone,
        out_channels=seg_logits.shape[1],
        align_corners=align_corners,
        threshold=threshold,
    )
    samples = None if metas is None else [SegDataSample(metainfo=dict(meta)) for meta in metas]
    return to_segmentations(segmentor.postprocess_result(seg_logits, samples))
