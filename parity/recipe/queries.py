"""The losses of Mask2Former's and MaskFormer's heads, as ours with a config's options."""

from __future__ import annotations

from typing import Any

from parity.pipeline import ConfigEntry, Step
from parity.probes.natural import step_of
from parity.recipe.reader import Reader
from parity.settings.items import Item, plain
from parity.steps.mask import MaskWeights, mask2former_loss, maskformer_loss

# What is done here, whatever the weights (mmdet 3.3.0, configs/mask2former, configs/maskformer).
_CROSS_ENTROPY = {"type": "CrossEntropyLoss", "use_sigmoid": True, "reduction": "mean"}
_FOCAL = {"type": "FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25}
_FOCAL_COST = {"type": "FocalLossCost", "binary_input": True, "gamma": 2, "alpha": 0.25}
_DICE_COST = {"type": "DiceCost", "pred_act": True, "eps": 1.0, "naive_dice": True}
_DONE = {
    "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": False, "reduction": "mean"},
    "loss_dice": {"type": "DiceLoss", "use_sigmoid": True, "naive_dice": True, "eps": 1.0},
}
_OF_KIND: dict[str, tuple[Any, dict[str, Any], list[dict[str, Any]]]] = {
    "Mask2FormerHead": (
        mask2former_loss,
        _CROSS_ENTROPY,
        [
            {"type": "ClassificationCost"},
            {"type": "CrossEntropyLossCost", "use_sigmoid": True},
            _DICE_COST,
        ],
    ),
    "MaskFormerHead": (
        maskformer_loss,
        _FOCAL,
        [{"type": "ClassificationCost"}, _FOCAL_COST, _DICE_COST],
    ),
}
_POINTS = ("num_points", "oversample_ratio", "importance_sample_ratio")
KINDS = frozenset(_OF_KIND)


def query_loss(reader: Reader, item: Item, where: str) -> Step | None:
    """The loss of the head `item`; None, and a note, where its parts are not those done here."""
    function, mask, costs = _OF_KIND[item.kind]
    wanted = {**_DONE, "loss_mask": mask}
    given = {name: plain(item.get(name)) for name in wanted}
    matched = item.get("train_cfg", "assigner", "match_costs").parts
    fits = all(_has(given[name], parts) for name, parts in wanted.items())
    fits &= len(matched) == len(costs) and all(
        _has(plain(one), parts) for one, parts in zip(matched, costs, strict=False)
    )
    weights = given["loss_cls"].get("class_weight") if isinstance(given["loss_cls"], dict) else None
    if not fits or not isinstance(weights, list) or set(weights[:-1]) != {1.0}:
        reader.note(item, f"the loss of {item.kind} in {where}", "other parts than are done here")
        return None
    options = {
        "loss_weights": MaskWeights(
            *(given[name]["loss_weight"] for name in ("loss_cls", "loss_mask", "loss_dice"))
        ),
        "cost_weights": MaskWeights(*(one.get("weight").value for one in matched)),
        "no_object_weight": weights[-1],
    }
    if function is mask2former_loss:
        options |= {name: item.get("train_cfg", name).value for name in _POINTS}
    return step_of("loss", function, options).beside(ConfigEntry("query_loss", reader.entry(item)))


def _has(given: Any, parts: dict[str, Any]) -> bool:
    return isinstance(given, dict) and all(given.get(key) == value for key, value in parts.items())
