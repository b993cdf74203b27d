"""Test-time augmentation: the same image at several scales, flipped and not.

Reproduces ``TestTimeAug`` (mmcv 2.1.0 mmcv/transforms/wrappers.py) around
``Resize`` and ``RandomFlip``, ``BaseTTAModel.test_step`` (mmengine 0.10.7
mmengine/model/test_time_aug.py) and ``SegTTAModel.merge_preds`` (mmseg 1.2.2
mmseg/models/segmentors/seg_tta.py).
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import torch
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import Batch, Sample
from parity.steps.collate import collate
from parity.steps.flip import Direction, flip_sample
from parity.steps.infer.slide import Model, predict
from parity.steps.logits import Segmentation, above_threshold
from parity.steps.resize import resize_sample

# tta_pipeline of mmseg 1.2.2 configs/_base_/datasets/ade20k.py
RATIOS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
FLIPS: tuple[Direction | None, ...] = (None, "horizontal")


def tta_views(
    sample: Sample,
    rng: RandomState,
    *,
    ratios: Sequence[float] = RATIOS,
    flips: Sequence[Direction | None] = FLIPS,
) -> list[Sample]:
    """`sample` at every ratio and, within each, with every flip; None stays unflipped.

    The label map stays as it is, since the reference loads it afterwards. `rng`
    gives one draw per view, which decides nothing.
    """
    bare = sample.replace(seg=None)
    views = []
    for ratio, flip in product(ratios, flips):
        resized = resize_sample(bare, scale_factor=ratio, keep_ratio=True)
        prob = 0.0 if flip is None else 1.0
        flipped = flip_sample(resized, rng, prob=prob, direction=flip or "horizontal")
        views.append(flipped.replace(seg=sample.seg))
    return views


def views_of(
    sample: Sample,
    rng: RandomState,
    *,
    subroutines: Sequence[Sequence[Callable[[Any, RandomState], Any]]],
) -> list[Batch]:
    """``TestTimeAug``: `sample` through each of `subroutines`, whose last step collates it."""
    views = []
    for steps in subroutines:
        value: Any = sample
        for step in steps:
            value = step(value, rng)
        views.append(value)
    return views


def predict_views(
    views: Sequence[Batch],
    rng: RandomState | None = None,
    *,
    model: Model,
    threshold: float | None = None,
    **options: Any,
) -> list[Segmentation]:
    """``SegTTAModel.test_step``: every view through `model`, then merged; options of `predict`."""
    predictions = [
        predict(model, view.images, metas=view.metas, threshold=threshold, **options)
        for view in views
    ]
    return merge_tta(list(zip(*predictions, strict=True)), threshold=threshold)


def merge_tta(
    predictions: Sequence[Sequence[Segmentation]], *, threshold: float | None = None
) -> list[Segmentation]:
    """One Segmentation per image from its views; `predictions` is by image, then by view.

    The prediction is decided on the mean of the softmax over classes, or, for one
    class, of the sigmoid, above `threshold` (0.3 when None). logits are those of the
    last view, as in the reference, where nothing keeps the mean.

    Raises InputError for an image without views, and for views of unlike shapes.
    """
    return [_merge(views, threshold) for views in predictions]


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
    threshold: float | None = None,
    **options: Any,
) -> list[Segmentation]:
    """All views of all samples through `model`, merged: one Segmentation per sample.

    `options` are those of `predict`. Raises InputError when samples of one batch
    have views of unlike sizes.
    """
    views = [tta_views(sample, rng, ratios=ratios, flips=flips) for sample in samples]
    batches = [
        collate(same_view, mean=mean, std=std, training=False, test_size_divisor=test_size_divisor)
        for same_view in zip(*views, strict=True)
    ]
    return predict_views(batches, rng, model=model, threshold=threshold, **options)


def _merge(views: Sequence[Segmentation], threshold: float | None) -> Segmentation:
    shapes = [tuple(logits.shape) for logits, _ in views]
    if len(set(shapes)) != 1 or len(shapes[0]) != 3:
        raise InputError(f"cannot merge views of shapes {shapes}; one (C, H, W) is needed")
    is_binary = shapes[0][0] == 1
    total = torch.zeros(shapes[0]).to(views[0][0])
    for logits, _ in views:
        # For one class this is the sigmoid of a sigmoid: postprocessing took one already.
        # https://github.com/open-mmlab/mmsegmentation/blob/v1.2.2/mmseg/models/segmentors/seg_tta.py
        total += logits.sigmoid() if is_binary else logits.softmax(dim=0)
    total /= len(views)
    prediction = above_threshold(total, threshold) if is_binary else total.argmax(dim=0)[None]
    return Segmentation(views[-1][0], prediction)
