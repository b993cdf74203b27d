"""Each loss class of mmseg, live, built and called with the options of ``parity.steps.loss``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
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


def _call(function: str, pred: Tensor, label: Tensor, options: dict[str, Any], *at: str) -> Tensor:
    """Build with `options` but those named in `at`, which the call gets."""
    given = {name: options[name] for name in at if name in options}
    rest = {name: value for name, value in options.items() if name not in at}
    result: Tensor = build(function, rest)(pred, label, **given)
    return result


def cross_entropy(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``CrossEntropyLoss``."""
    at_call = ("weight", "avg_factor", "ignore_index")
    return _call("cross_entropy", pred, label, options, *at_call)


def binary_cross_entropy(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``CrossEntropyLoss(use_sigmoid=True)``."""
    at_call = ("weight", "avg_factor", "ignore_index")
    return _call("binary_cross_entropy", pred, label, options, *at_call)


def mask_cross_entropy(
    pred: Tensor, label: Tensor, *, mask_class: Tensor, **options: Any
) -> Tensor:
    """``CrossEntropyLoss(use_mask=True)``, which gets the classes where others get a weight."""
    result: Tensor = build("mask_cross_entropy", options)(
        pred, label, mask_class, ignore_index=None
    )
    return result


def dice_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``DiceLoss``."""
    return _call("dice_loss", pred, label, options, "weight", "avg_factor")


def focal_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``FocalLoss``."""
    return _call("focal_loss", pred, label, options, "weight", "avg_factor", "ignore_index")


def lovasz_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``LovaszLoss``."""
    return _call("lovasz_loss", pred, label, options, "avg_factor", "ignore_index")


def tversky_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``TverskyLoss``."""
    return _call("tversky_loss", pred, label, options)


def boundary_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``BoundaryLoss``."""
    return _call("boundary_loss", pred, label, options)


def ohem_cross_entropy(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``OhemCrossEntropy``, which calls two of the options otherwise."""
    return _call("ohem_cross_entropy", pred, label, renamed(options))


def renamed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `ohem_cross_entropy` as the class has them."""
    names = {"thresh": "thres", "ignore_index": "ignore_label"}
    return {names.get(name, name): value for name, value in options.items()}


def kl_div_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``KLDivLoss``."""
    return _call("kl_div_loss", pred, label, options)


def hausdorff_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``HuasdorffDisstanceLoss``."""
    return _call("hausdorff_loss", pred, label, options, "avg_factor")


def si_log_loss(pred: Tensor, label: Tensor, **options: Any) -> Tensor:
    """``SiLogLoss``."""
    return _call("si_log_loss", pred, label, options, "weight", "avg_factor")


def accuracy(pred: Tensor, label: Tensor, **options: Any) -> Any:
    """``accuracy``."""
    load_reference()
    from mmseg.models.losses import accuracy as live

    return live(pred, label, **options)
