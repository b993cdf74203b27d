"""Each loss class of mmseg, live, built and called with the options of ``parity.steps.loss``."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from reference.compat import load_reference

# Our function -> the class and the options that choose its branch.
CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    "cross_entropy": ("CrossEntropyLoss", {}),
    "binary_cross_entropy": ("CrossEntropyLoss", {"use_sigmoid": True}),
    "mask_cross_entropy": ("CrossEntropyLoss", {"use_mask": True}),
    "dice_loss": ("DiceLoss", {}),
    "focal_loss": ("FocalLoss", {}),
    "lovasz_loss": ("LovaszLoss", {}),
    "tversky_loss": ("TverskyLoss", {}),
    "boundary_loss": ("BoundaryLoss", {}),
    "ohem_cross_entropy": ("OhemCrossEntropy", {}),
    "kl_div_loss": ("KLDivLoss", {}),
    "hausdorff_loss": ("HuasdorffDisstanceLoss", {}),
    "si_log_loss": ("SiLogLoss", {}),
}


def class_of(function: str) -> Any:
    """The class that `function` of ``parity.steps.loss`` reproduces."""
    load_reference()
    from mmseg.models import losses
    from mmseg.models.losses.kldiv_loss import KLDivLoss  # the package does not export it

    return getattr(losses, CLASSES[function][0], KLDivLoss)


def build(function: str, options: dict[str, Any]) -> Any:
    """A module of the class, in the branch that `function` reproduces."""
    kind, branch = class_of(function), CLASSES[function][1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the default of avg_non_ignore
        return kind(**branch, **options)


def _loss(function: str, *at: str) -> Callable[..., Tensor]:
    """A loss built with its options but those named in `at`, which the call gets."""

    def loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
        given = {name: options.pop(name) for name in at if name in options}
        result: Tensor = build(function, options)(pred, label, **given)
        return result

    return loss


_OF_PIXELS = ("weight", "avg_factor", "ignore_index")
cross_entropy = _loss("cross_entropy", *_OF_PIXELS)
binary_cross_entropy = _loss("binary_cross_entropy", *_OF_PIXELS)
dice_loss = _loss("dice_loss", "weight", "avg_factor")
focal_loss = _loss("focal_loss", *_OF_PIXELS)
lovasz_loss = _loss("lovasz_loss", "avg_factor", "ignore_index")
tversky_loss = _loss("tversky_loss")
boundary_loss = _loss("boundary_loss")
kl_div_loss = _loss("kl_div_loss")
hausdorff_loss = _loss("hausdorff_loss", "avg_factor")
si_log_loss = _loss("si_log_loss", "weight", "avg_factor")
_ohem_cross_entropy = _loss("ohem_cross_entropy")


def mask_cross_entropy(
    pred: Tensor, label: Tensor, *, mask_class: Tensor, **options: Any
) -> Tensor:
    """``CrossEntropyLoss(use_mask=True)``, which gets the classes where others get a weight."""
    built = build("mask_cross_entropy", options)
    result: Tensor = built(pred, label, mask_class, ignore_index=None)
    return result


def ohem_cross_entropy(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``OhemCrossEntropy``, which calls two of the options otherwise."""
    return _ohem_cross_entropy(pred, label, **renamed(options))


def renamed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `ohem_cross_entropy` as the class has them."""
    names = {"thresh": "thres", "ignore_index": "ignore_label"}
    return {names.get(name, name): value for name, value in options.items()}


def accuracy(pred: Tensor, label: Tensor, **options: Any) -> Any:
    """``accuracy``."""
    load_reference()
    from mmseg.models.losses import accuracy as live

    return live(pred, label, **options)
