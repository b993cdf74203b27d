"""``resize`` and ``BaseSegmentor.postprocess_result`` (mmseg), live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import Batch
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


def resize_logits_case(
    value: Mapping[str, Any], rng: RandomState | None = None, **options: Any
) -> torch.Tensor:
    """`resize_logits` as a step, its arguments in one mapping; `rng` is not used."""
    return resize_logits(**value, **options)


def train_logits(
    batch: Batch,
    rng: RandomState | None = None,
    *,
    model: Callable[[torch.Tensor], torch.Tensor],
    align_corners: bool = False,
) -> dict[str, Any]:
    """Logits of `model` at the size of the label maps, as the step before the loss."""
    label = batch.segs
    if not isinstance(label, torch.Tensor):
        raise InputError("this batch has no stacked label maps; collate it with training=True")
    size = (label.shape[1], label.shape[2])
    pred = resize_logits(model(batch.images), size=size, align_corners=align_corners)
    return {"pred": pred, "label": label}


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


def postprocess_logits_case(
    value: Mapping[str, Any], rng: RandomState | None = None, **options: Any
) -> list[Segmentation]:
    """`postprocess_logits` as a step, its arguments in one mapping; `rng` is not used."""
    return postprocess_logits(**value, **options)


def postprocess_batch(
    value: Mapping[str, Any], rng: RandomState | None = None, **options: Any
) -> dict[str, Any]:
    """`postprocess_logits` as the step between inference and IoU; labels pass through."""
    found = postprocess_logits(value["logits"], value["metas"], **options)
    return {"segmentations": found, "labels": value["labels"]}
