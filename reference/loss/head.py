"""``BaseDecodeHead.loss_by_feat`` and ``OHEMPixelSampler`` (mmseg), live."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from parity.steps.loss.ohem import CROSS_ENTROPY, OhemSampler
from parity.steps.loss.terms import LossTerm
from reference.compat import load_reference
from reference.loss.classes import CLASSES, build


def decode_head_loss(
    pred: Tensor,
    label: Tensor,
    *,
    losses: Sequence[LossTerm] = CROSS_ENTROPY,
    sampler: OhemSampler | None = None,
    ignore_index: int | None = 255,
    align_corners: bool = False,
) -> dict[str, Tensor]:
    """``loss_by_feat`` of a head that is nothing but its base class."""
    return loss_by_feat(
        pred,
        label,
        num_classes=pred.shape[1],
        loss_decode=[_config(term) for term in losses],
        sampler=_sampler(sampler),
        ignore_index=ignore_index,
        align_corners=align_corners,
    )


def loss_by_feat(pred: Tensor, label: Tensor, **options: Any) -> dict[str, Tensor]:
    """``BaseDecodeHead.loss_by_feat`` of a head made with `options`."""
    load_reference()
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")  # about two classes, one channel, and alignment
        head = _head(**options)
        samples = [SegDataSample(gt_sem_seg=PixelData(data=truth[None])) for truth in label]
        found: dict[str, Tensor] = head.loss_by_feat(pred, samples)
    return found


def _head(**options: Any) -> Any:
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead

    class Head(BaseDecodeHead):  # type: ignore[misc]  # mmseg has no types
        def forward(self, inputs: Any) -> Any:
            return inputs

    return Head(in_channels=1, channels=1, **options)


def _config(term: LossTerm) -> dict[str, Any]:
    name, branch = CLASSES[term.function.__name__]
    return {"type": name, "loss_name": term.name, **branch, **term.options}


def _sampler(sampler: OhemSampler | None) -> dict[str, Any] | None:
    if sampler is None:
        return None
    return {"type": "OHEMPixelSampler", "thresh": sampler.thresh, "min_kept": sampler.min_kept}


def total_loss(losses: Mapping[str, Tensor]) -> Tensor:
    """``BaseModel.parse_losses`` of mmengine, which uses nothing of the model."""
    load_reference()
    from mmengine.model import BaseModel

    total: Tensor = BaseModel.parse_losses(None, losses)[0]
    return total


def ohem_weights(
    pred: Tensor,
    label: Tensor,
    *,
    losses: Sequence[LossTerm] = CROSS_ENTROPY,
    ignore_index: int = 255,
    **options: Any,
) -> Tensor:
    """``OHEMPixelSampler.sample``, in a context that has what the sampler looks at."""
    load_reference()
    from mmseg.structures.sampler import OHEMPixelSampler

    modules = [build(term.function.__name__, dict(term.options)) for term in losses]
    context = SimpleNamespace(ignore_index=ignore_index, loss_decode=torch.nn.ModuleList(modules))
    weights: Tensor = OHEMPixelSampler(context, **options).sample(pred, label.unsqueeze(1))
    return weights
