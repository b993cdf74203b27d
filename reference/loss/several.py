"""Heads of mmseg that compute their loss in a way of their own, with options as ours have."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from parity.steps.loss.depth import SI_LOG
from parity.steps.loss.ohem import CROSS_ENTROPY, OhemSampler
from parity.steps.loss.several import DDR, PID, SEMANTIC
from parity.steps.loss.terms import LossTerm
from reference.loss.head import config_of, sampler_of
from reference.loss.own import loss_of, own_head

Losses = Sequence[LossTerm]


def knet_loss(preds: Tensor, label: Tensor, **options: Any) -> dict[str, Tensor]:
    """``IterativeDecodeHead`` around a plain head."""
    inner = {"type": "FCNHead", **decoding(preds.shape[2], **options)}
    entry = {"type": "IterativeDecodeHead", "kernel_generate_head": inner}
    return loss_of(own_head(entry), {"preds": preds}, label, {})


def da_head_loss(preds: Tensor, label: Tensor, **options: Any) -> dict[str, Tensor]:
    """``DAHead``."""
    entry = {"type": "DAHead", **decoding(preds.shape[2], **options)}
    return loss_of(own_head(entry), {"preds": preds}, label, {})


def enc_head_loss(
    pred: Tensor, se_pred: Tensor, label: Tensor, *, se_loss: LossTerm = SEMANTIC, **options: Any
) -> dict[str, Tensor]:
    """``EncHead``."""
    entry = {"type": "EncHead", **decoding(pred.shape[1], **options)}
    entry["loss_se_decode"] = config_of(se_loss)
    return loss_of(own_head(entry), {"pred": pred, "se_pred": se_pred}, label, {})


def stdc_head_loss(
    pred: Tensor, label: Tensor, *, boundary_threshold: float = 0.1, **options: Any
) -> dict[str, Tensor]:
    """``STDCHead``."""
    entry = {"type": "STDCHead", **decoding(pred.shape[1], **options)}
    entry["boundary_threshold"] = boundary_threshold
    return loss_of(own_head(entry), {"pred": pred}, label, {})


def ddr_head_loss(
    context: Tensor, spatial: Tensor, label: Tensor, *, losses: Losses = DDR, **options: Any
) -> dict[str, Tensor]:
    """``DDRHead``."""
    entry = {"type": "DDRHead", **decoding(context.shape[1], losses=losses, **options)}
    return loss_of(own_head(entry), {"context": context, "spatial": spatial}, label, {})


def pid_head_loss(
    detail: Tensor,
    pred: Tensor,
    boundary: Tensor,
    label: Tensor,
    edge: Tensor,
    *,
    losses: Losses = PID,
    **options: Any,
) -> dict[str, Tensor]:
    """``PIDHead``."""
    entry = {"type": "PIDHead", **decoding(pred.shape[1], losses=losses, **options)}
    outputs = {"detail": detail, "pred": pred, "boundary": boundary}
    return loss_of(own_head(entry), outputs, label, {}, edge=edge)


def depth_head_loss(
    pred: Tensor, label: Tensor, *, losses: Losses = SI_LOG, align_corners: bool = False
) -> dict[str, Tensor]:
    """``VPDDepthHead``."""
    entry = {
        "type": "VPDDepthHead",
        "loss_decode": [config_of(term) for term in losses],
        "align_corners": align_corners,
    }
    return loss_of(own_head(entry), {"pred": pred}, label, {})


def decoding(
    classes: int,
    *,
    losses: Losses = CROSS_ENTROPY,
    sampler: OhemSampler | None = None,
    **options: Any,
) -> dict[str, Any]:
    """What a config says of a head that decodes `classes` by `losses`."""
    chosen: Mapping[str, Any] = {"num_classes": classes, **options}
    terms = [config_of(term) for term in losses]
    return {**chosen, "loss_decode": terms, "sampler": sampler_of(sampler)}
