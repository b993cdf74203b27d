"""What people get wrong in test-time augmentation: views, and how they are merged."""

from collections.abc import Sequence
from typing import Any

import torch
from numpy.random import RandomState
from torch import Tensor

from parity.sample import Sample
from parity.steps import flip as flips
from parity.steps import resize as sizes
from parity.steps.infer import tta as ttas
from parity.steps.logits import Segmentation, above_threshold
from parity.suspects.mistake import Function, made_in, mistake

Views = Sequence[Sequence[Segmentation]]

_FLIP = "a flipped view"
_SEVERAL = "several views"

view_mistake = made_in(ttas.tta_views, ttas.predict_tta)
merge_mistake = made_in(ttas.merge_tta, ttas.predict_tta)


@view_mistake(flips.flip_sample, needs=_FLIP)
def view_not_flipped(flip_sample: Function, sample: Sample, rng: Any, **options: Any) -> Any:
    """The flipped view holds the unflipped image; the reference flips it."""
    return flip_sample(sample, rng, **options).replace(image=sample.image)


@view_mistake(flips.flip_sample, needs=_FLIP, direction="vertical")
def view_upside_down() -> None:
    """The flipped view is upside down; the reference's is flipped horizontally."""


@view_mistake(ttas.tta_views, needs=_FLIP, flips=(None,))
def views_without_flips() -> None:
    """Only scales are varied; the reference also flips at each scale."""


@view_mistake(sizes.resize_sample, needs="a ratio that gives no whole number of pixels")
def view_size_truncated(resize: Function, sample: Sample, rng: Any = None, **options: Any) -> Any:
    """Sizes of the views are truncated; the reference rounds them."""
    height, width = sample.image.shape[:2]
    ratio = options["scale_factor"]
    scale = (max(int(width * ratio), 1), max(int(height * ratio), 1))
    return resize(sample, rng, scale=scale, keep_ratio=False)


@mistake(ttas.tta_views, needs="several scales and flips")
def views_flips_outermost(make: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """All scales come before the flipped ones; the reference flips within each scale."""
    views = make(sample, rng, **options)
    count = len(options.get("flips", ttas.FLIPS))
    return [view for at in range(count) for view in views[at::count]]


@mistake(ttas.tta_views, needs=f"a label map, and {_FLIP}")
def view_label_flipped(make: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The label map is flipped with the view; the reference loads it after the views are made."""
    views = make(sample, rng, **options)
    return [
        view.replace(seg=flips.flip(view.seg, "horizontal")) if view.meta.flip else view
        for view in views
    ]


@merge_mistake(ttas.merge_tta, needs=_SEVERAL)
def views_mean_of_logits(_: Function, predictions: Views, *, threshold: float | None = None) -> Any:
    """Logits of the views are averaged; the reference averages their probabilities."""
    return _merged(predictions, threshold, lambda logits: logits.mean(0))


@merge_mistake(ttas.merge_tta, needs=_SEVERAL)
def views_maximum(_: Function, predictions: Views, *, threshold: float | None = None) -> Any:
    """The most certain view decides; the reference averages the views' probabilities."""
    return _merged(predictions, threshold, lambda logits: _probabilities(logits).amax(0))


@merge_mistake(ttas.merge_tta, needs=_SEVERAL)
def views_majority(_: Function, predictions: Views, *, threshold: float | None = None) -> Any:
    """The views' classes are put to the vote; the reference averages their probabilities."""
    ballots = [torch.stack([view.prediction for view in image]) for image in predictions]
    pairs = zip(predictions, ballots, strict=True)
    return [Segmentation(image[-1].logits, cast.mode(0).values) for image, cast in pairs]


@merge_mistake(ttas.merge_tta)
def views_probabilities_kept(merge: Function, predictions: Views, **options: Any) -> Any:
    """Mean probabilities are returned as logits; the reference returns the last view's logits."""
    good = merge(predictions, **options)
    stacks = [torch.stack([view.logits for view in image]) for image in predictions]
    pairs = zip(stacks, good, strict=True)
    return [Segmentation(_probabilities(stack).mean(0), one.prediction) for stack, one in pairs]


@mistake(ttas.merge_tta, needs="views of one class")
def views_one_sigmoid(_: Function, predictions: Views, *, threshold: float | None = None) -> Any:
    """Sigmoid is taken once for one class; the reference takes it again of each view's result."""

    def once(logits: Tensor) -> Tensor:
        return (logits if logits.shape[1] == 1 else _probabilities(logits)).mean(0)

    return _merged(predictions, threshold, once)


@mistake(ttas.merge_tta, needs=_SEVERAL)
def views_first_logits(merge: Function, predictions: Views, **options: Any) -> Any:
    """The first view's logits are returned; the reference returns those of the last."""
    good = merge(predictions, **options)
    pairs = zip(predictions, good, strict=True)
    return [Segmentation(image[0].logits, one.prediction) for image, one in pairs]


def _probabilities(logits: Tensor) -> Tensor:
    """Of ``(views, C, H, W)``."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)


def _merged(views: Views, threshold: float | None, mean: Function) -> list[Segmentation]:
    """Decided on ``mean(logits)`` of ``(views, C, H, W)``."""
    found = []
    for image in views:
        total = mean(torch.stack([view.logits for view in image]))
        is_binary = total.shape[0] == 1
        prediction = above_threshold(total, threshold) if is_binary else total.argmax(0)[None]
        found.append(Segmentation(image[-1].logits, prediction))
    return found
