"""The losses that a head's config asks for, as our own functions.

Reproduces ``BaseDecodeHead.loss_by_feat`` of mmseg 1.2.2 (models/decode_heads/decode_head.py)
with the losses that ``loss_decode`` names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from parity.errors import InputError
from parity.settings.items import Item, plain
from parity.steps import loss as ours

_FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "CrossEntropyLoss": ours.cross_entropy,
    "DiceLoss": ours.dice_loss,
    "FocalLoss": ours.focal_loss,
    "HuasdorffDisstanceLoss": ours.hausdorff_loss,
    "LovaszLoss": ours.lovasz_loss,
    "TverskyLoss": ours.tversky_loss,
}
# The classes of mmseg whose loss `decode_head_loss` is.
_PLAIN = frozenset({"BaseDecodeHead", "BaseCascadeDecodeHead"})


@dataclass(frozen=True)
class HeadLoss:
    """`decode_head_loss` with the options of one head."""

    losses: tuple[ours.LossTerm, ...]
    sampler: ours.OhemSampler | None = None
    ignore_index: int | None = 255
    align_corners: bool = False

    def __call__(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The terms by name, of small logits ``(N, C, h, w)`` and labels ``(N, H, W)``."""
        return ours.decode_head_loss(logits, labels, **vars(self))


def head_loss(head: Item) -> HeadLoss:
    """The loss of the head that a config describes. Raises InputError for one that is not ours."""
    sampler = head.get("sampler")
    options = {key: plain(sampler.get(key)) for key in ("thresh", "min_kept")}
    return HeadLoss(
        tuple(_term(loss) for loss in head.get("loss_decode").parts),
        None if sampler.is_empty else ours.OhemSampler(**options),
        head.get("ignore_index").value,
        bool(head.get("align_corners").value),
    )


def _term(loss: Item) -> ours.LossTerm:
    options: dict[str, Any] = plain(loss)
    kind, name = loss.kind, options.pop("loss_name", "loss_ce")
    options.pop("type")
    if kind not in _FUNCTIONS or options.pop("use_mask", False):
        raise InputError(f"the loss {kind or 'without type'} of a head is not reproduced here")
    function = _FUNCTIONS[kind]
    if kind == "CrossEntropyLoss" and options.pop("use_sigmoid", False):
        function = ours.binary_cross_entropy
    return ours.LossTerm(name, function, options)


def has_own_loss(head: nn.Module) -> bool:
    """Whether the class of `head` computes its loss otherwise than mmseg's base class."""
    return any(defined_by(head, name) not in _PLAIN for name in ("loss", "loss_by_feat"))


def defined_by(head: nn.Module, method: str) -> str:
    """The name of the class from which `head` has `method`; "" where it has none."""
    return next((cls.__name__ for cls in type(head).__mro__ if method in vars(cls)), "")


def own_losses(model: nn.Module) -> tuple[str, ...]:
    """The heads of a segmentor whose loss is not ours, with their classes."""
    found = []
    for name in ("decode_head", "auxiliary_head"):
        heads = getattr(model, name, None)
        for head in heads if isinstance(heads, nn.ModuleList) else [heads]:
            if isinstance(head, nn.Module) and has_own_loss(head):
                found.append(f"the loss of {name} ({type(head).__name__})")
    return tuple(found)
