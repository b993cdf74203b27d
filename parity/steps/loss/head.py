"""What a decode head returns in training.

Reproduces ``BaseDecodeHead.loss_by_feat`` (mmseg 1.2.2
mmseg/models/decode_heads/decode_head.py).
"""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.ohem import CROSS_ENTROPY, OhemSampler, ohem_weights
from parity.steps.loss.refusal import explained
from parity.steps.loss.terms import LossTerm, summed
from parity.steps.loss.topk import accuracy


@explained
def decode_head_loss(
    pred: Tensor,
    label: Tensor,
    *,
    losses: Sequence[LossTerm] = CROSS_ENTROPY,
    sampler: OhemSampler | None = None,
    ignore_index: int | None = 255,
    align_corners: bool = False,
) -> dict[str, Tensor]:
    """``loss_by_feat`` of small logits ``(N, C, h, w)`` and int64 labels ``(N, H, W)``.

    Resizes the logits bilinearly to ``(H, W)``, weighs the pixels by `sampler`,
    adds up `losses` by name, and appends ``acc_seg``, the accuracy in percent.
    Raises InputError, also for a `sampler` without `ignore_index`.
    """
    if label.dim() != 3 or len(label) == 0:
        raise InputError(f"label must be (N, H, W) of one image or more, got {tuple(label.shape)}")
    logits = enlarged(pred, label, align_corners)
    weight = None
    if sampler is not None:
        if ignore_index is None:
            raise InputError("the sampler needs an ignore_index, got None")
        options = {"losses": losses, "ignore_index": ignore_index, **vars(sampler)}
        weight = ohem_weights(logits, label, **options)
    given = {"weight": weight, "ignore_index": ignore_index}
    found = summed(losses, lambda term: term(logits, label, **given))
    return {**found, "acc_seg": pixel_accuracy(logits, label, ignore_index)}


def enlarged(pred: Tensor, label: Tensor, align_corners: bool) -> Tensor:
    """Logits ``(N, C, H, W)``, brought bilinearly to the labels' size."""
    return F.interpolate(pred, label.shape[1:], mode="bilinear", align_corners=align_corners)


def pixel_accuracy(pred: Tensor, label: Tensor, ignore_index: int | None) -> Tensor:
    """Share of the pixels of which the best class is the label, ``(1,)`` in percent."""
    correct = accuracy(pred, label, ignore_index=ignore_index)
    assert isinstance(correct, Tensor)  # for a single k
    return correct


def total_loss(losses: Mapping[str, Tensor | Sequence[Tensor]]) -> Tensor:
    """What training descends: the sum of the means of the entries with "loss" in their name.

    Of a list of losses, the sum of their means.

    Reproduces ``BaseModel.parse_losses`` (mmengine 0.10.7
    mmengine/model/base_model/base_model.py).
    """
    means = [_mean(loss) for name, loss in losses.items() if "loss" in name]
    if not means:
        raise InputError(f'no entry has "loss" in its name: {", ".join(losses)}')
    return sum(means, start=means[0].new_zeros(()))


def _mean(loss: Tensor | Sequence[Tensor]) -> Tensor:
    if isinstance(loss, Tensor):
        return loss.mean()
    if not loss:
        raise InputError("a list of losses must hold one at least")
    return sum((one.mean() for one in loss[1:]), start=loss[0].mean())
