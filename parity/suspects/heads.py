"""What people get wrong in what a head adds to its losses: sizes, sampler, accuracy."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.loss import head, topk
from parity.suspects.mistake import Function, made_in, mistake

_IGNORED = "ignored pixels"

accuracy_mistake = made_in(head.decode_head_loss, topk.accuracy)


@mistake(head.decode_head_loss, needs="logits of another size than the labels")
def head_corners_flipped(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """align_corners is the other way round than the config says when logits are enlarged."""
    return loss(
        pred, label, **{**options, "align_corners": not options.get("align_corners", False)}
    )


@mistake(head.decode_head_loss, needs="logits of another size than the labels")
def head_labels_shrunk(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Labels are shrunk to the logits' size; the reference enlarges the logits to the labels'."""
    return loss(pred, _shrunk(label, pred), **options)


@mistake(head.decode_head_loss, needs="logits of another size than the labels")
def head_accuracy_of_small_logits(loss: Function, pred: Any, label: Any, **options: Any) -> Any:
    """acc_seg is that of the small logits; the reference takes it after enlarging them."""
    ignored = options.get("ignore_index", 255)
    small = topk.accuracy(pred, _shrunk(label, pred), ignore_index=ignored)
    return {**loss(pred, label, **options), "acc_seg": small}


@mistake(head.decode_head_loss, needs="a sampler", sampler=None)
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


@mistake(topk.accuracy, needs="no valid pixel")
def accuracy_without_eps(accuracy: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Accuracy of no valid pixel is NaN; the reference adds a tiny number and gives 100."""
    found, ignored = accuracy(pred, label, **options), options.get("ignore_index")
    if ignored is None or bool((label != ignored).any()):
        return found
    return [one * torch.nan for one in found] if isinstance(found, list) else found * torch.nan


@mistake(topk.accuracy, needs="several k")
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
