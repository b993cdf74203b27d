"""What people get wrong in losses from the overlap of masks: Dice, Tversky, Lovász."""

from typing import Any

import torch
from torch import Tensor

from parity.steps.loss import lovasz, overlap
from parity.suspects.mistake import Function, made_in, mistake

_IGNORED = "ignored pixels"
_SEVERAL = "several images"

dice_mistake = made_in(overlap.dice_loss)


@dice_mistake(overlap.dice_of_rows)
def dice_of_plain_sums(dice: Function, pred: Tensor, target: Tensor, _: bool, eps: float) -> Any:
    """The denominator holds plain sums; without naive_dice the reference's holds squares."""
    return dice(pred, target, True, eps)


@dice_mistake(overlap.dice_of_rows, needs="naive_dice")
def dice_of_squares(dice: Function, pred: Tensor, target: Tensor, naive: bool, eps: float) -> Any:
    """The denominator holds sums of squares; with naive_dice the reference's holds plain sums."""
    return dice(pred, target, False, eps)


@dice_mistake(overlap.dice_of_rows)
def dice_smooth_1(dice: Function, pred: Tensor, target: Tensor, naive: bool, eps: float) -> Any:
    """The smoothing number is 1; the reference's is 0.001."""
    return dice(pred, target, naive, 1.0)


@dice_mistake(overlap.dice_of_rows)
def dice_without_eps(dice: Function, pred: Tensor, target: Tensor, naive: bool, eps: float) -> Any:
    """There is no smoothing number; the reference adds 0.001."""
    return dice(pred, target, naive, 0.0)


@mistake(overlap.dice_loss, needs="use_sigmoid=False", use_sigmoid=True)
def dice_of_sigmoid() -> None:
    """Sigmoid is taken of the logits; with use_sigmoid=False the reference takes softmax."""


@mistake(overlap.dice_loss, needs=_IGNORED)
def dice_ignored_left_out(dice_loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Ignored pixels are left out; in the reference what is predicted there counts."""
    soft = _activated(pred, options)
    valid = (label != 255).unsqueeze(1)
    return dice_loss(soft.where(valid, 0.0), label, activate=False, **options)


@mistake(overlap.dice_loss, needs=_SEVERAL)
def dice_over_batch(dice_loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Overlap is summed over the batch; the reference scores each image and averages."""
    tall = pred.transpose(0, 1).flatten(1, 2).unsqueeze(0)
    return dice_loss(tall, label.flatten(0, 1).unsqueeze(0), **options)


@mistake(overlap.dice_loss, needs="several classes")
def dice_per_class(dice_loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Each class is scored alone and the scores averaged; the reference sums over classes first."""
    soft, left_out = _activated(pred, options), options.get("ignore_index", 255)
    chosen = {**options, "activate": False, "ignore_index": None}
    found = [
        dice_loss(soft[:, [index]], (label == index).long().unsqueeze(1), **chosen)
        for index in range(pred.shape[1])
        if index != left_out
    ]
    return torch.stack(found).mean()


@mistake(overlap.tversky_loss, needs="alpha other than beta")
def tversky_swapped(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """alpha weighs what is missed; in the reference it weighs what is too much."""
    turned = {"alpha": options.get("beta", 0.7), "beta": options.get("alpha", 0.3)}
    return loss(pred, label, **{**options, **turned})


@mistake(overlap.tversky_loss, smooth=1e-6)
def tversky_smooth_small() -> None:
    """The smoothing number is 1e-6; the reference's is 1."""


@mistake(overlap.tversky_loss, needs=_IGNORED, ignore_index=-1)
def tversky_ignored_counted() -> None:
    """Ignored pixels count as the last class; the reference leaves them out."""


@made_in(lovasz.lovasz_loss)(lovasz.jaccard_steps)
def lovasz_ascending(jaccard_steps: Function, sorted_truth: Tensor) -> Any:
    """Errors are sorted from small to large; the reference begins with the largest."""
    return jaccard_steps(sorted_truth.flip(0)).flip(0)


@mistake(lovasz.lovasz_loss, needs="classes that do not occur", classes="all")
def lovasz_all_classes() -> None:
    """Absent classes count, too; the reference averages present ones unless told otherwise."""


@mistake(
    lovasz.lovasz_loss, needs='classes="all", and classes that do not occur', classes="present"
)
def lovasz_present_classes() -> None:
    """Absent classes are left out; with classes="all" the reference averages them, too."""


@mistake(lovasz.lovasz_loss, needs=_SEVERAL, per_image=True, reduction="mean")
def lovasz_per_image() -> None:
    """Each image is ranked alone; the reference ranks the whole batch unless told otherwise."""


@mistake(lovasz.lovasz_loss, needs=f"per_image, and {_SEVERAL}", per_image=False, reduction="none")
def lovasz_over_batch() -> None:
    """The whole batch is ranked together; with per_image the reference ranks each image alone."""


@mistake(lovasz.lovasz_loss, needs=_IGNORED, ignore_index=None)
def lovasz_ignored_counted() -> None:
    """Ignored pixels are ranked, too; the reference leaves them out."""


def _activated(pred: Tensor, options: dict[str, Any]) -> Tensor:
    """As `dice_loss` does, which is then told not to."""
    if options.get("use_sigmoid", True):
        return pred.sigmoid()
    return pred.softmax(1) if pred.shape[1] > 1 else pred
