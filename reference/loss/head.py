"""``BaseDecodeHead.loss_by_feat`` and ``OHEMPixelSampler`` (mmseg), live."""

import copy
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.ohem import CROSS_ENTROPY, OhemSampler
from parity.steps.loss.terms import LossTerm
from reference.compat import load_reference
from reference.loss.classes import CLASSES, build, renamed
from reference.segmentor import quiet


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
    head = _head(
        num_classes=pred.shape[1],
        loss_decode=[config_of(term) for term in losses],
        sampler=sampler_of(sampler),
        ignore_index=ignore_index,
        align_corners=align_corners,
    )
    return loss_by_feat(head, pred, label)


def loss_by_feat(head: Any, pred: Tensor, label: Tensor) -> dict[str, Tensor]:
    """``loss_by_feat`` of a head on the logits of one output."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    samples = [SegDataSample(gt_sem_seg=PixelData(data=truth[None])) for truth in label]
    with quiet():  # about alignment
        found: dict[str, Tensor] = head.loss_by_feat(pred, samples)
    return found


# Of a head, what its loss depends on.
_OF_LOSS = (
    *("num_classes", "out_channels", "threshold", "align_corners"),
    *("loss_decode", "sampler", "ignore_index"),
)


def base_head(entry: Mapping[str, Any]) -> Any:
    """The head that `entry` asks for, as far as its loss goes: its base class alone.

    Raises InputError for a class that computes its loss in a way of its own, or is not there.
    """
    load_reference()
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.registry import MODELS

    kind = MODELS.get(entry["type"])
    if kind is None:
        raise InputError(f"mmseg has no head {entry['type']}")
    if getattr(kind, "loss_by_feat", None) is not BaseDecodeHead.loss_by_feat:
        raise InputError(f"{entry['type']} computes its loss in a way of its own")
    options = {key: entry[key] for key in _OF_LOSS if key in entry}
    if options.get("num_classes") is None:
        options["num_classes"] = kind.__init__.__kwdefaults__["num_classes"]
    return _head(**copy.deepcopy(options))


def _head(**options: Any) -> Any:
    load_reference()
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead

    class Head(BaseDecodeHead):  # type: ignore[misc]  # mmseg has no types
        def forward(self, inputs: Any) -> Any:
            return inputs

    with quiet(), torch.random.fork_rng():  # about two classes and one channel
        return Head(in_channels=1, channels=1, **options)


def config_of(term: LossTerm) -> dict[str, Any]:
    """The entry of ``loss_decode`` that `term` reproduces."""
    name, branch = CLASSES[term.function.__name__]
    options = renamed(term.options) if name == "OhemCrossEntropy" else term.options
    return {"type": name, "loss_name": term.name, **branch, **options}


def sampler_of(sampler: OhemSampler | None) -> dict[str, Any] | None:
    """The entry ``sampler`` of a head."""
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
