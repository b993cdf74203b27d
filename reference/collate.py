"""``PackSegInputs``, ``pseudo_collate`` and ``SegDataPreProcessor`` (mmseg, mmengine), live."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from parity.sample import DEPTH, EDGE, META_KEYS, Batch, Maps, Meta, Sample
from reference.compat import load_reference
from reference.results import to_results


def collate(
    samples: Sequence[Sample],
    *,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    training: bool = True,
    meta_keys: Sequence[str] = META_KEYS,
    **options: Any,
) -> Batch:
    """Options as in ``parity.steps.collate``, under the names of ``SegDataPreProcessor``."""
    built = preprocessor(mean=mean, std=std, **options)
    return batch_of(samples, built, training=training, meta_keys=meta_keys)


def batch_of(
    samples: Sequence[Sample],
    preprocessor: Any,
    *,
    training: bool,
    meta_keys: Sequence[str] = META_KEYS,
) -> Batch:
    """`samples` packed, collated, and through a built preprocessor."""
    load_reference()
    from mmseg.datasets.transforms import PackSegInputs

    pack = PackSegInputs(meta_keys=meta_keys)
    packed = [pack(to_results(sample)) for sample in samples]
    return batch_of_packed(packed, preprocessor, training=training)


def batch_of_packed(
    packed: Sequence[dict[str, Any]], preprocessor: Any, *, training: bool
) -> Batch:
    """What ``PackSegInputs`` gave, collated, and through a built preprocessor."""
    load_reference()
    from mmengine.dataset import pseudo_collate

    return to_batch(preprocessor(pseudo_collate(packed), training), training=training)


def to_batch(output: Mapping[str, Any], *, training: bool) -> Batch:
    """``inputs`` and ``data_samples`` of a preprocessor as a Batch."""
    found = output["data_samples"]
    # mmengine keeps their names in a set, whose order is another in every process.
    metas = tuple(Meta(**dict(sorted(sample.metainfo.items()))) for sample in found)
    maps = {name: _maps(found, name, training) for name in (EDGE, DEPTH)}
    loaded = {name: kept for name, kept in maps.items() if kept is not None}
    return Batch(output["inputs"], _segs(found, training), metas, loaded)


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


def _segs(samples: Sequence[Any], training: bool) -> Maps | None:
    """The label maps; stacked, in training, by what every decode head stacks them with."""
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead

    if not training or not any("gt_sem_seg" in sample for sample in samples):
        return _maps(samples, "gt_sem_seg", training)
    stacked: torch.Tensor = BaseDecodeHead._stack_batch_gt(None, samples)
    return stacked[:, 0]


def _maps(samples: Sequence[Any], name: str, training: bool) -> Maps | None:
    """Maps under `name`; stacked in training as PIDHead and VPDDepthHead stack theirs."""
    if not any(name in sample for sample in samples):
        return None
    if training:
        return torch.stack([sample.get(name).data for sample in samples])[:, 0]
    return tuple(sample.get(name).data[0] if name in sample else None for sample in samples)
