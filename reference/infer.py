"""``EncoderDecoder`` inference, ``TestTimeAug`` and ``SegTTAModel`` (mmseg, mmcv), live."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from numpy.random import RandomState

from parity.sample import Batch, Sample
from parity.steps.crop import CropBox
from parity.steps.flip import Direction
from parity.steps.infer import Model
from parity.steps.infer.tta import FLIPS, RATIOS
from parity.steps.logits import Segmentation
from reference.collate import preprocessor
from reference.compat import load_reference
from reference.generator import global_stream
from reference.results import to_results, to_sample
from reference.segmentor import build_segmentor, quiet, to_segmentations

Metas = Sequence[Mapping[str, Any]]
Size = tuple[int, int]


def slide_windows(height: int, width: int, *, crop_size: Size, stride: Size) -> list[CropBox]:
    """The windows that ``slide_inference`` cuts out of an image of its own coordinates."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    seen: list[CropBox] = []

    def note(crops: torch.Tensor) -> torch.Tensor:
        (top, left), (bottom, right) = crops[0, :, 0, 0].tolist(), crops[0, :, -1, -1].tolist()
        seen.append(CropBox(int(top), int(bottom) + 1, int(left), int(right) + 1))
        return crops[:, :1]

    coordinates = torch.stack([rows, columns])[None].double()
    slide_inference(note, coordinates, crop_size=crop_size, stride=stride, num_classes=1)
    return seen


def _run(
    method: str,
    model: Model,
    images: torch.Tensor,
    *,
    metas: Metas | None = None,
    num_classes: int | None = None,
    align_corners: bool = False,
    **test_cfg: Any,
) -> torch.Tensor:
    """A method of ``EncoderDecoder`` that gives logits; `test_cfg` as there."""
    segmentor = build_segmentor(
        model,
        out_channels=num_classes or 1,
        align_corners=align_corners,
        test_cfg={"mode": "whole", **test_cfg},
    )
    with quiet():
        logits: torch.Tensor = getattr(segmentor, method)(images, _metas(images, metas))
    return logits


encode_decode = partial(_run, "encode_decode")
whole_inference = partial(_run, "whole_inference")
slide_inference = partial(_run, "slide_inference", mode="slide")
inference = partial(_run, "inference")


def predict(
    model: Model,
    images: torch.Tensor,
    *,
    metas: Metas | None = None,
    threshold: float | None = None,
    align_corners: bool = False,
    num_classes: int | None = None,
    **test_cfg: Any,
) -> list[Segmentation]:
    """``EncoderDecoder.predict``."""
    load_reference()
    from mmseg.structures import SegDataSample

    segmentor = build_segmentor(
        model,
        out_channels=num_classes or 1,
        align_corners=align_corners,
        threshold=threshold,
        test_cfg={"mode": "whole", **test_cfg},
    )
    samples = None if metas is None else [SegDataSample(metainfo=dict(meta)) for meta in metas]
    with quiet():
        return to_segmentations(segmentor.predict(images, samples))


def tta_views(
    sample: Sample,
    rng: RandomState,
    *,
    ratios: Sequence[float] = RATIOS,
    flips: Sequence[Direction | None] = FLIPS,
) -> list[Sample]:
    """``TestTimeAug`` around ``Resize`` and ``RandomFlip``; the label map comes afterwards."""
    with global_stream(rng):
        views = _views(sample, ratios, flips, [])
    count = len(views["img"])
    entries = [{key: values[index] for key, values in views.items()} for index in range(count)]
    return [to_sample(entry, sample.info) for entry in entries]


def merge_tta(
    predictions: Sequence[Sequence[Segmentation]], *, threshold: float | None = None
) -> list[Segmentation]:
    """``SegTTAModel.merge_preds``."""
    load_reference()
    from mmengine.structures import PixelData
    from mmseg.models import SegTTAModel
    from mmseg.structures import SegDataSample

    def to_data(view: Segmentation) -> Any:
        data = SegDataSample(metainfo={"img_path": "x.jpg"})
        data.set_data({"seg_logits": PixelData(data=view[0])})
        return data

    model = SegTTAModel(
        build_segmentor(
            torch.Tensor.clone, out_channels=len(predictions[0][0][0]), threshold=threshold
        )
    )
    with quiet():
        merged = model.merge_preds([[to_data(view) for view in views] for views in predictions])
    return to_segmentations(merged)


def predict_views(
    views: Sequence[Batch],
    rng: RandomState | None = None,
    *,
    model: Model,
    threshold: float | None = None,
    **options: Any,
) -> list[Segmentation]:
    """``EncoderDecoder.predict`` of every view, then ``SegTTAModel.merge_preds``."""
    predictions = [
        predict(model, view.images, metas=view.metas, threshold=threshold, **options)
        for view in views
    ]
    return merge_tta(list(zip(*predictions, strict=True)), threshold=threshold)


def predict_tta(
    samples: Sequence[Sample],
    rng: RandomState,
    *,
    model: Model,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    ratios: Sequence[float] = RATIOS,
    flips: Sequence[Direction | None] = FLIPS,
    test_size_divisor: int | None = None,
    num_classes: int,
    threshold: float | None = None,
    align_corners: bool = False,
    **test_cfg: Any,
) -> list[Segmentation]:
    """``TestTimeAug``, ``PackSegInputs``, ``pseudo_collate``, then ``SegTTAModel.test_step``."""
    load_reference()
    from mmengine.dataset import pseudo_collate
    from mmseg.datasets.transforms import PackSegInputs
    from mmseg.models import SegTTAModel

    with global_stream(rng):
        entries = [_views(sample, ratios, flips, [PackSegInputs()]) for sample in samples]
    segmentor = build_segmentor(
        model,
        out_channels=num_classes,
        align_corners=align_corners,
        threshold=threshold,
        test_cfg={"mode": "whole", **test_cfg},
        data_preprocessor=preprocessor(mean=mean, std=std, test_size_divisor=test_size_divisor),
    )
    with quiet(), torch.no_grad():
        return to_segmentations(SegTTAModel(segmentor).test_step(pseudo_collate(entries)))


def _views(
    sample: Sample,
    ratios: Sequence[float],
    flips: Sequence[Direction | None],
    last: list[Any],
) -> dict[str, list[Any]]:
    load_reference()
    from mmcv.transforms import TestTimeAug
    from mmseg.datasets.transforms import RandomFlip, Resize

    def annotate(results: dict[str, Any]) -> dict[str, Any]:
        """In the place of ``LoadAnnotations``, which would read the same map from disk."""
        if sample.seg is not None:
            results["gt_seg_map"] = sample.seg.copy()
            results["seg_fields"].append("gt_seg_map")
        return results

    transforms: list[list[Any]] = [
        [Resize(scale_factor=ratio, keep_ratio=True) for ratio in ratios],
        [
            RandomFlip(prob=0.0 if flip is None else 1.0, direction=flip or "horizontal")
            for flip in flips
        ],
        [annotate],
        *([transform] for transform in last),
    ]
    views: dict[str, list[Any]] = TestTimeAug(transforms)(to_results(sample.replace(seg=None)))
    return views


def _metas(images: torch.Tensor, metas: Metas | None) -> list[dict[str, Any]]:
    """Fresh dicts, for ``slide_inference`` writes into them; the default is that of ``predict``."""
    if metas is not None:
        return [dict(meta) for meta in metas]
    size = images.shape[2:]
    return [{"ori_shape": size, "img_shape": size, "pad_shape": size}] * len(images)
