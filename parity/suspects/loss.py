"""What people get wrong in cross entropy, alone and in a head: sizes, sampler, accuracy.

What heads do that compute their own is in ``own_losses.py``, losses of overlap are in
``overlaps.py``, the others in ``losses.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.loss import entropy, head, reduction, topk
from parity.steps.loss.ohem import CROSS_ENTROPY
from parity.suspects.mistake import Function, made_in

_STEP, _HEAD = entropy.cross_entropy, head.decode_head_loss
_IGNORED = "ignored pixels"
_WEIGHTED = "a loss_weight other than 1"

mistake = made_in(_STEP)
in_both = made_in(_STEP, _HEAD)
head_mistake = made_in(_HEAD)
accuracy_mistake = made_in(_HEAD, topk.accuracy)


def _alone_and_in_head(wrong: Function) -> Function:
    """Register `wrong`, also in the place of the cross entropies of a head.

    A head knows its losses by name.
    """

    @wraps(entropy.cross_entropy)
    def named(*tensors: Tensor, **options: Any) -> Any:
        return wrong(entropy.cross_entropy, *tensors, **options)

    @wraps(wrong)
    def exchanged(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
        terms = [
            replace(term, function=named) if term.function is entropy.cross_entropy else term
            for term in options.get("losses", CROSS_ENTROPY)
        ]
        return loss(pred, label, **{**options, "losses": tuple(terms)})

    mistake()(wrong)
    made_in(_HEAD)()(exchanged)
    return wrong


@in_both(entropy.mean_divisor, needs=f"{_IGNORED}, without avg_non_ignore")
def mean_over_valid(divisor: Function, label: Tensor, weights: Any, ignored: int, _: bool) -> Any:
    """The mean divides by valid pixels; the reference by all, unless avg_non_ignore is set."""
    return divisor(label, weights, ignored, True)


@in_both(entropy.mean_divisor, needs=f"{_IGNORED}, with avg_non_ignore")
def mean_over_all(divisor: Function, label: Tensor, weights: Any, ignored: int, _: bool) -> Any:
    """The mean divides by all pixels; with avg_non_ignore the reference divides by valid ones."""
    return divisor(label, weights, ignored, False)


@mistake(entropy.mean_divisor, needs="class_weight")
def mean_without_class_weight(divisor: Function, label: Tensor, weights: Any, *rest: Any) -> Any:
    """The mean divides by the number of pixels; the reference by the sum of their class weights."""
    return divisor(label, None, *rest)


@mistake(reduction.class_weight_for, needs="class_weight")
def class_weight_ignored(class_weight_for: Function, pred: Tensor, class_weight: Any) -> Any:
    """class_weight is left out; the reference weighs each pixel by its class."""


@in_both(reduction.mean_by, needs="a mean")
def mean_is_sum(_: Function, loss: Tensor, factor: Any) -> Any:
    """The loss is the sum over pixels; the reference takes their mean."""
    return loss.sum()


@mistake(reduction.mean_by, needs="a mean over few valid pixels, or none")
def divisor_without_eps(mean_by: Function, loss: Tensor, factor: Any) -> Any:
    """Dividing by no valid pixel gives NaN; the reference adds a tiny number and gives 0."""
    return mean_by(loss, None) if factor is None else loss.sum() / torch.as_tensor(factor)


@mistake(reduction.reduce_loss, needs="a weight per pixel, and a mean")
def mean_over_weights(reduce_loss: Function, loss: Tensor, **options: Any) -> Any:
    """The mean divides by the sum of the pixels' weights; the reference by avg_factor or count."""
    weight = options.get("weight")
    if weight is None or options.get("reduction", "mean") != "mean":
        return reduce_loss(loss, **options)
    return reduce_loss(loss, weight=weight, reduction="sum") / weight.sum()


@mistake(reduction.mean_by, needs="avg_factor")
def avg_factor_ignored(mean_by: Function, loss: Tensor, factor: Any) -> Any:
    """The mean divides by the number of pixels; the reference by the avg_factor it is given."""
    return mean_by(loss, None)


@_alone_and_in_head
def torch_mean(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """The mean is torch's: over valid pixels, NaN without any; the reference's is over all."""
    if _is_no_plain_mean(options):
        return loss(pred, label, **options)
    weights = reduction.class_weight_for(pred, options.get("class_weight"))
    ignored = options.get("ignore_index", -100)
    mean = F.cross_entropy(pred, label, weights, ignore_index=ignored)
    return options.get("loss_weight", 1.0) * mean


@_alone_and_in_head
def mean_of_image_means(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Valid pixels are averaged per image, then the images; the reference averages all at once."""
    if _is_no_plain_mean(options):
        return loss(pred, label, **options)
    images = zip(torch.split(pred, 1), torch.split(label, 1), strict=True)
    means = [loss(*one, **{**options, "avg_non_ignore": True}) for one in images]
    return torch.stack(means).mean()


@in_both(entropy.pixel_losses)
def label_smoothed(losses: Function, *given: Any) -> Any:
    """Labels are smoothed by 0.1; the reference uses them as they are."""
    pred, label, weights, ignored = given
    return F.cross_entropy(
        pred, label, weights, ignore_index=ignored, reduction="none", label_smoothing=0.1
    )


@in_both(entropy.pixel_losses)
def softmax_twice(losses: Function, pred: Tensor, *given: Any) -> Any:
    """Softmax is taken before the loss, which takes it again; the reference's loss takes logits."""
    return losses(pred.softmax(1), *given)


@in_both(entropy.pixel_losses)
def softmax_missing(losses: Function, pred: Tensor, *given: Any) -> Any:
    """The loss is nll_loss of the logits; the reference takes log_softmax of them first."""
    label, weights, ignored = given
    # contiguous, since nll_loss has no gradient for channels that come last in memory
    rows = pred.contiguous()
    return F.nll_loss(rows, label, weights, ignore_index=ignored, reduction="none")


@in_both(entropy.pixel_losses)
def loss_through_bfloat16(losses: Function, pred: Tensor, *given: Any) -> Any:
    """Logits pass through bfloat16 before the loss; the reference keeps their dtype."""
    return losses(pred.bfloat16().to(pred), *given)


@in_both(needs=_IGNORED)
def ignored_is_class_0(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Ignored pixels are trained as class 0; the reference gives them no loss."""
    ignored = options.get("ignore_index", 255)
    known = label.masked_fill(label == ignored, 0)
    return loss(pred, known, **{**options, "ignore_index": -1})


@in_both(needs=_WEIGHTED)
def loss_weight_twice(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """loss_weight is applied twice."""
    return loss(pred, label, **_with_loss_weight(options, lambda weight: weight * weight))


@in_both(needs=_WEIGHTED)
def loss_weight_ignored(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """loss_weight is left out; the reference multiplies by it."""
    return loss(pred, label, **_with_loss_weight(options, lambda weight: 1.0))


def _is_no_plain_mean(options: Mapping[str, Any]) -> bool:
    keys = ("weight", "avg_factor", "reduction")
    return any(options.get(key) is not None for key in keys)


def _with_loss_weight(options: dict[str, Any], change: Callable[[float], float]) -> dict[str, Any]:
    """Of a loss, or of a head's, where it is given."""
    changed = dict(options)
    if "loss_weight" in options:
        changed["loss_weight"] = change(options["loss_weight"])
    if "losses" in options:
        changed["losses"] = tuple(
            replace(term, options=_with_loss_weight(dict(term.options), change))
            for term in options["losses"]
        )
    return changed


@head_mistake(head.decode_head_loss, needs="logits of another size than the labels")
def head_corners_flipped(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """align_corners is the other way round than the config says when logits are enlarged."""
    turned = not options.get("align_corners", False)
    return loss(pred, label, **{**options, "align_corners": turned})


def _as_they_are(enlarged: Function, pred: Tensor, label: Tensor, align_corners: bool) -> Tensor:
    return pred


@head_mistake(
    head.decode_head_loss,
    needs="logits of another size than the labels",
    also=((head.enlarged, _as_they_are),),
)
def head_labels_shrunk(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Labels are shrunk to the logits' size; the reference enlarges the logits to the labels'."""
    return loss(pred, _shrunk(label, pred), **options)


@head_mistake(head.decode_head_loss, needs="logits of another size than the labels")
def head_accuracy_of_small_logits(loss: Function, pred: Any, label: Any, **options: Any) -> Any:
    """acc_seg is that of the small logits; the reference takes it after enlarging them."""
    ignored = options.get("ignore_index", 255)
    small = topk.accuracy(pred, _shrunk(label, pred), ignore_index=ignored)
    return {**loss(pred, label, **options), "acc_seg": small}


@head_mistake(head.decode_head_loss, needs="a sampler", sampler=None)
def sampler_missing() -> None:
    """The head's pixel sampler is left out; the reference trains on hard pixels only."""


@accuracy_mistake(topk.accuracy, needs=_IGNORED, ignore_index=None)
def accuracy_counts_ignored() -> None:
    """Ignored pixels count as wrong in the accuracy; the reference leaves them out."""


@accuracy_mistake(topk.accuracy)
def accuracy_as_fraction(accuracy: Function, *tensors: Tensor, **options: Any) -> Any:
    """Accuracy goes from 0 to 1; the reference's from 0 to 100."""
    found = accuracy(*tensors, **options)
    return [one / 100 for one in found] if isinstance(found, list) else found / 100


@made_in(topk.accuracy)(topk.accuracy, needs="no valid pixel")
def accuracy_without_eps(accuracy: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Accuracy of no valid pixel is NaN; the reference adds a tiny number and gives 100."""
    found, ignored = accuracy(pred, label, **options), options.get("ignore_index")
    if ignored is None or bool((label != ignored).any()):
        return found
    return [one * torch.nan for one in found] if isinstance(found, list) else found * torch.nan


@made_in(topk.accuracy)(topk.accuracy, needs="several k")
def accuracy_at_rank_k(accuracy: Function, *tensors: Tensor, topk: Any = 1, **options: Any) -> Any:
    """Top-k is the class at rank k alone; the reference's is any of the first k."""
    found = accuracy(*tensors, topk=topk, **options)
    if isinstance(topk, int):
        return found
    before = [
        accuracy(*tensors, topk=k - 1, **options) if k > 1 else torch.zeros_like(one)
        for k, one in zip(topk, found, strict=True)
    ]
    return [one - less for one, less in zip(found, before, strict=True)]


def _shrunk(label: Tensor, pred: Tensor) -> Tensor:
    planes = label[:, None].double()
    return F.interpolate(planes, pred.shape[2:], mode="nearest")[:, 0].long()
