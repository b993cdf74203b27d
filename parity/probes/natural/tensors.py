"""Losses, logits, inference and attention: tensors in, tensors out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the usual name
from numpy.random import RandomState

from parity.errors import InputError
from parity.probes.natural.gradient import gradient, leaf_of, with_gradients
from parity.probes.natural.signature import Caller, Partly, through_caller
from parity.sample import Batch
from parity.steps.loss.head import total_loss

Tensors = Mapping[str, torch.Tensor]


@through_caller
def loss(call: Caller, value: Tensors, rng: RandomState, **options: Any) -> dict[str, Any]:
    """Give the value of a loss of ``(pred, label)``, and its gradient by `pred`.

    pred: float ``(N, C, H, W)``. A loss that does not take one-hot labels gets class indices.
    Raises InputError where it gives no tensor and no number.
    """
    with torch.enable_grad():
        pred = leaf_of(value["pred"])
        try:
            result = _called(call, {**value, "pred": pred}, options)
        except (IndexError, RuntimeError, TypeError, ValueError):
            label = value["label"]
            if label.shape != pred.shape or label.is_floating_point():
                raise
            result = _called(call, {**value, "pred": pred, "label": label.argmax(1)}, options)
        if _has_no_gradient(result):
            return Partly(loss=torch.as_tensor(result, dtype=pred.dtype))
        result = _tensor(result)
        return {"loss": result.detach(), "grad": gradient(result, pred)}


def _called(call: Caller, value: Tensors, options: Mapping[str, Any]) -> Any:
    """What a loss gives; one that is written in NumPy gets arrays."""
    try:
        return call(_pair(value, value["pred"]), {**_others(value), **options})
    except (AttributeError, RuntimeError, TypeError) as error:
        arrays = {name: item.detach().numpy() for name, item in value.items()}
        try:
            result = call(_pair(arrays, arrays["pred"]), {**_others(arrays), **options})
        except Exception:
            raise error from None
        if not _has_no_gradient(result):
            raise
        return result


def _has_no_gradient(result: Any) -> bool:
    return isinstance(result, (float, np.floating, np.ndarray))


@through_caller
def measure(call: Caller, value: Tensors, rng: RandomState, **options: Any) -> Any:
    """A function of ``(pred, label)`` that has no gradient; one number, however given, is (1,)."""
    found = call(_pair(value, value["pred"]), {**_others(value), **options})
    if isinstance(found, (float, np.floating)):
        return torch.tensor([found], dtype=value["pred"].dtype)
    return found.reshape(1) if isinstance(found, torch.Tensor) and found.ndim == 0 else found


@through_caller
def criterion(call: Caller, value: Tensors, rng: RandomState, **options: Any) -> dict[str, Any]:
    """Call a loss in the place of a head's: logits are brought to the labels' ``(H, W)`` first."""
    aligned = {"align_corners": options.pop("align_corners", False)}
    with torch.enable_grad():
        pred, label = leaf_of(value["pred"]), value["label"]
        logits = F.interpolate(pred, label.shape[1:], mode="bilinear", **aligned)
        return _head(_called(call, {"pred": logits, "label": label}, options), pred)


@through_caller
def head(call: Caller, value: Tensors, rng: RandomState, **options: Any) -> dict[str, Any]:
    """Give what a decode head returns for logits ``(N, C, h, w)``, the total and its gradient."""
    with torch.enable_grad():
        pred = leaf_of(value["pred"])
        return _head(call(_pair(value, pred), options), pred)


@through_caller
def resized(call: Caller, value: Any, rng: RandomState, **options: Any) -> Any:
    """Bring logits ``(N, C, h, w)`` to a size, alone or as the step before the loss.

    Raises InputError for a batch without stacked label maps.
    """
    if not isinstance(value, Batch):
        return call({"logits": value["logits"], "size": value["size"]}, options)
    model = options.pop("model")
    if not isinstance(value.segs, torch.Tensor):
        raise InputError("this batch has no stacked label maps; collate it with training=True")
    size = (value.segs.shape[1], value.segs.shape[2])
    options.setdefault("align_corners", False)
    pred = call({"logits": model(value.images), "size": size}, options)
    return {"pred": pred, "label": value.segs}


@through_caller
def postprocessed(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Make one segmentation per image of logits ``(N, C, H, W)`` and metas."""
    alone = "seg_logits" in value
    logits = value["seg_logits" if alone else "logits"]
    found = call({"seg_logits": logits, "metas": value["metas"]}, options)
    return found if alone else {"segmentations": found, "labels": value["labels"]}


@through_caller
def inferred(call: Caller, value: Any, rng: RandomState, **options: Any) -> Any:
    """Run a model on images float ``(N, 3, H, W)``; after collation, metas and labels pass through.

    The model gives smaller logits; a function that does not take these gets enlarged ones.
    """
    model = options.pop("model")
    if isinstance(value, Batch):
        logits = _of_model(call, model, value.images, options, {"metas": value.metas})
        return {"logits": logits, "metas": value.metas, "labels": value.segs}
    rest = {key: item for key, item in value.items() if key not in ("images", "metas")}
    metas = {"metas": value["metas"]} if "metas" in value else {}
    # Images without metas are a case of their own; with them, their sizes decide.
    needed = metas if metas.get("metas") is not None else {}
    extras = metas if not needed else {}
    return _of_model(call, model, value["images"], {**rest, **needed, **options}, extras)


def _of_model(
    call: Caller,
    model: Callable[[torch.Tensor], torch.Tensor],
    images: torch.Tensor,
    options: Mapping[str, Any],
    extras: Mapping[str, Any],
) -> Any:
    aligned = bool(options.get("align_corners", False))

    def enlarged(images: torch.Tensor) -> torch.Tensor:
        logits, size = model(images), images.shape[2:]
        return F.interpolate(logits, size, mode="bilinear", align_corners=aligned)

    try:
        return call({"model": model, "images": images}, options, extras)
    except RuntimeError as error:  # of sizes that do not fit
        try:
            return call({"model": enlarged, "images": images}, options, extras)
        except Exception:
            raise error from None


@through_caller
def attended(
    call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any
) -> dict[str, torch.Tensor]:
    """Give attention, and the gradients of what it is made of."""
    order = ("value", "spatial_shapes", "sampling_locations", "attention_weights")

    def attention(**given: Any) -> Any:
        return call({name: given[name] for name in order}, options)

    return with_gradients(attention, value)


@through_caller
def positioned(
    call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any
) -> dict[str, Any]:
    """A position table for another size, and the table's gradient."""

    def interpolated(interpolate_offset: float, **given: Any) -> Any:
        return call(given, {"interpolate_offset": interpolate_offset, **options})

    return _given(with_gradients(interpolated, value, ("table",)))


@through_caller
def backbone(
    call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any
) -> dict[str, Any]:
    """Maps of images by given weights, and the gradients of all of these."""
    names = tuple(value["weights"])

    def maps(**given: Any) -> Any:
        weights = {name: given.pop(name) for name in names}
        required = {"images": given.pop("images"), "weights": weights, "heads": given.pop("heads")}
        found = call(required, {**given, **options})
        return (found,) if isinstance(found, torch.Tensor) else tuple(found)

    flat = {**value, **value["weights"]}
    del flat["weights"]
    return _given(with_gradients(maps, flat, ("images", *names)))


def _given(found: dict[str, Any]) -> dict[str, Any]:
    """`found`, in part where the weights were copied, so that no gradient is known."""
    grads = {name: one for name, one in found.items() if name not in ("output", "grad_images")}
    if any(one is not None for one in grads.values()):
        return found
    return Partly({name: one for name, one in found.items() if one is not None})


@through_caller
def keywords(call: Caller, value: Mapping[str, Any], rng: RandomState, **options: Any) -> Any:
    """Call a function of the entries of the value, by name."""
    return call(value, options)


@dataclass(frozen=True)
class Whole:
    """Runs a function of the value as it is, under `name`, and of `rng` where it takes one."""

    name: str

    def __call__(
        self, function: Any, value: Any, rng: RandomState | None = None, **options: Any
    ) -> Any:
        """What it gives."""
        call = function if isinstance(function, Caller) else Caller(function)
        return call({self.name: value}, options, {"rng": rng})


def _pair(value: Mapping[str, Any], pred: Any) -> dict[str, Any]:
    return {"pred": pred, "label": value["label"]}


def _others(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in ("pred", "label")}


def _tensor(result: Any) -> torch.Tensor:
    if not isinstance(result, torch.Tensor):
        raise InputError(f"gives {type(result).__name__}; a loss gives a tensor")
    return result


def _head(result: Any, pred: torch.Tensor) -> dict[str, Any]:
    """Of a dictionary of losses all that it has is compared; of one number, the total.

    The accuracy, which training only logs, may be left out.
    """
    if _has_no_gradient(result):
        return Partly(total=torch.as_tensor(result, dtype=pred.dtype).mean())
    if not isinstance(result, Mapping):
        total = _tensor(result).mean()
        return Partly(total=total.detach(), grad=gradient(total, pred))
    total = total_loss(result)
    detached = {name: item.detach() for name, item in result.items()}
    whole = {"losses": detached, "total": total.detach(), "grad": gradient(total, pred)}
    is_whole = any("loss" not in name for name in result)
    return whole if is_whole else Partly(whole, losses=Partly(detached))
