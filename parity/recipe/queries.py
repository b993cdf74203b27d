"""What the heads with queries ask for: costs, losses and their weights, numbers of points."""

from collections.abc import Sequence
from typing import Any

from parity.recipe.reader import Reader
from parity.settings.items import Item, plain
from parity.steps.mask import MaskWeights

# What is done here, whatever the weights (mmdet 3.3.0, configs/mask2former, configs/maskformer).
_CROSS_ENTROPY = {"type": "CrossEntropyLoss", "use_sigmoid": True, "reduction": "mean"}
_FOCAL = {"type": "FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25}
_FOCAL_COST = {"type": "FocalLossCost", "binary_input": True, "gamma": 2, "alpha": 0.25}
_AT_POINTS: list[dict[str, Any]] = [
    {"type": "ClassificationCost"},
    {"type": "CrossEntropyLossCost", "use_sigmoid": True},
    {"type": "DiceCost", "pred_act": True, "eps": 1.0, "naive_dice": True},
]
_DONE = {
    "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": False, "reduction": "mean"},
    "loss_dice": {"type": "DiceLoss", "use_sigmoid": True, "naive_dice": True, "eps": 1.0},
}
# The loss of masks, and the costs to match by.
_OF_KIND: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "Mask2FormerHead": (_CROSS_ENTROPY, _AT_POINTS),
    "MaskFormerHead": (_FOCAL, [_AT_POINTS[0], _FOCAL_COST, _AT_POINTS[2]]),
}
POINTS = ("num_points", "oversample_ratio", "importance_sample_ratio")
KINDS = frozenset(_OF_KIND)


def query_options(reader: Reader, item: Item, where: str) -> dict[str, Any] | None:
    """Options of the head's loss; None, and a note, where its parts are not those done here."""
    mask, costs = _OF_KIND[item.kind]
    wanted = {**_DONE, "loss_mask": mask}
    given = {name: plain(item.get(name)) for name in wanted}
    fits = all(_has(given[name], parts) for name, parts in wanted.items())
    weights = given["loss_cls"].get("class_weight") if isinstance(given["loss_cls"], dict) else None
    if not fits or not isinstance(weights, list) or set(weights[:-1]) != {1.0}:
        reader.note(item, f"the loss of {item.kind} in {where}", "other parts than are done here")
        return None
    matched = cost_weights(reader, item, where, costs)
    if matched is None:
        return None
    points = {name: item.get("train_cfg", name).value for name in POINTS}
    return {
        "loss_weights": MaskWeights(
            *(given[name]["loss_weight"] for name in ("loss_cls", "loss_mask", "loss_dice"))
        ),
        "cost_weights": matched,
        "no_object_weight": weights[-1],
        **(points if mask is _CROSS_ENTROPY else {}),
    }


def cost_weights(
    reader: Reader, item: Item, where: str, costs: Sequence[dict[str, Any]] = _AT_POINTS
) -> MaskWeights | None:
    """Those of the costs to match by; None, and a note, where other costs are asked for."""
    matched = item.get("train_cfg", "assigner", "match_costs").parts
    if len(matched) != len(costs) or not all(
        _has(plain(one), parts) for one, parts in zip(matched, costs, strict=True)
    ):
        reader.note(item, f"the loss of {item.kind} in {where}", "other costs than are done here")
        return None
    return MaskWeights(*(one.get("weight").value for one in matched))


def _has(given: Any, parts: dict[str, Any]) -> bool:
    return isinstance(given, dict) and all(given.get(key) == value for key, value in parts.items())
