"""``PackSegInputs``, ``pseudo_collate`` and ``SegDataPreProcessor`` (mmseg, mmengine), live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.random import RandomState

from parity.sample import Batch, Meta, Sample
from reference.compat import load_reference
from reference.results import to_results


def collate(
    samples: Sequence[Sample],
    *,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    training: bool = True,
    **options: Any,
) -> Batch:
    """Options as in ``parity.steps.collate``, under the names of ``SegDataPreProcessor``."""
    return batch_of(samples, preprocessor(mean=mean, std=std, **options), training=training)


def batch_of(samples: Sequence[Sample], preprocessor: Any, *, training: bool) -> Batch:
    """`samples` packed, collated, and through a built preprocessor."""
    load_reference()
    from mmengine.dataset import pseudo_collate
    from mmseg.datasets.transforms import PackSegInputs

    pack = PackSegInputs()
    data = pseudo_collate([pack(to_results(sample)) for sample in samples])
    output = preprocessor(data, training)
    found = output["data_samples"]
    metas = tuple(Meta(**sample.metainfo) for sample in found)
    return Batch(output["inputs"], _segs(found, training), metas)


def collate_samples(value: Sequence[Sample], rng: RandomState | None = None, **options: Any) -> Any:
    """`collate` as a step; `rng` is not used."""
    return collate(value, **options)


def collate_sample(sample: Sample, rng: RandomState | None = None, **options: Any) -> Batch:
    """`collate` of one sample, as the step after a pipeline; `rng` is not used."""
    return collate([sample], **options)


def preprocessor(
    *,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    size: tuple[int, int] | None = None,
    size_divisor: int | None = None,
    pad_value: float = 0.0,
    seg_pad_value: int = 255,
    bgr_to_rgb: bool = True,
    test_size: tuple[int, int] | None = None,
    test_size_divisor: int | None = None,
) -> Any:
    """A ``SegDataPreProcessor`` of these options."""
    load_reference()
    from mmseg.models import SegDataPreProcessor

    given = {"size": test_size, "size_divisor": test_size_divisor}
    test_cfg = {key: value for key, value in given.items() if value is not None}
    return SegDataPreProcessor(
        mean=mean,
        std=std,
        size=size,
        size_divisor=size_divisor,
        pad_val=pad_value,
        seg_pad_val=seg_pad_value,
        bgr_to_rgb=bgr_to_rgb,
        test_cfg=test_cfg or None,
    )


def _segs(
    samples: Sequence[Any], training: bool
) -> torch.Tensor | tuple[torch.Tensor | None, ...] | None:
    """The label maps; stacked, in training, by what every decode head stacks them with."""
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead

    if not any("gt_sem_seg" in sample for sample in samples):
        return None
    if training:
        stacked: torch.Tensor = BaseDecodeHead._stack_batch_gt(None, samples)
        return stacked[:, 0]
    return tuple(
        sample.gt_sem_seg.data[0] if "gt_sem_seg" in sample else None for sample in samples
    )
