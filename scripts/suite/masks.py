"""Targets, costs, matches, points and losses of queries of the reference beside ours."""

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState

from parity.errors import NotExercised
from parity.probes.natural.operations import by_name
from parity.steps import mask as steps
from parity.steps.mask import MaskWeights
from parity.steps.mask.assign import Match, assign_queries, total_cost
from parity.steps.mask.targets import Segments, mask_targets
from suite.beside import Call, Function, Twin, copied, options_of
from suite.patching import Patched

# Our function, what of the instances it takes, and the options that it does alone.
_COSTS: Mapping[str, tuple[Function, tuple[str, str], Mapping[str, Any]]] = {
    "ClassificationCost": (steps.class_cost, ("scores", "labels"), {}),
    "CrossEntropyLossCost": (
        steps.mask_cross_entropy_cost,
        ("masks", "masks"),
        {"use_sigmoid": True},
    ),
    "FocalLossCost": (steps.mask_focal_cost, ("masks", "masks"), {"binary_input": True}),
    "DiceCost": (steps.dice_cost, ("masks", "masks"), {"pred_act": True}),
}
_POINTS = ("num_points", "oversample_ratio", "importance_sample_ratio")
_UNCERTAIN = "mmdet.models.utils.point_sample"


def _cost(call: Call) -> Twin:
    function, (left, right), fixed = _COSTS[call.kind]
    for key, value in fixed.items():
        if call.made[key] != value:
            raise NotExercised(f"option {key}={call.made[key]!r} is not supported here")
    known = inspect.signature(function).parameters
    options = options_of(call, lambda key: key in known, fixed)
    given = copied(dict(call.args))
    pred, truth = given["pred_instances"][left], given["gt_instances"][right]
    ours = call.ours(function)
    return Twin(
        "mask",
        lambda rng: ours(pred, truth, **options),
        lambda: call.original(call.obj, **given),
    )


def _assigned(call: Call) -> Twin:
    """The pairs; the costs come from the reference."""
    given = copied(dict(call.args))
    instances = {key: given[key] for key in ("pred_instances", "gt_instances")}
    function = call.ours(assign_queries)

    def ours(rng: Any) -> Match:
        found: Match = function(total_cost(*(one(**instances) for one in call.obj.match_costs)))
        return found

    return Twin("mask", ours, lambda: _match(call.original(call.obj, **given)))


def _match(found: Any) -> Match:
    if isinstance(found, tuple):
        return Match(*found)
    queries = (found.gt_inds > 0).nonzero().squeeze(-1)
    return Match(queries, found.gt_inds[queries] - 1)


def _targets(call: Call) -> Twin:
    samples, obj = copied(call.args["batch_data_samples"]), call.obj
    label = torch.cat([one.gt_sem_seg.data for one in samples])
    function = call.ours(mask_targets)

    def theirs() -> list[Segments]:
        return [Segments(one.labels, one.masks) for one in call.original(obj, samples)[0]]

    return Twin("mask", lambda rng: function(label, ignore_index=obj.ignore_index), theirs)


def _losses(function: Function, call: Call) -> Twin:
    """Losses of queries, their total and gradients."""
    scores, masks, instances, metas = copied(list(call.args.values()))
    head = call.obj
    costs = [type(one).__name__ for one in head.assigner.match_costs]
    mask_cost = "FocalLossCost" if function is steps.maskformer_loss else "CrossEntropyLossCost"
    if costs != ["ClassificationCost", mask_cost, "DiceCost"]:
        raise NotExercised(f"costs {', '.join(costs)}")
    parts = (head.loss_cls, head.loss_mask, head.loss_dice)
    options: dict[str, Any] = {
        "loss_weights": MaskWeights(*(one.loss_weight for one in parts)),
        "cost_weights": MaskWeights(*(one.weight for one in head.assigner.match_costs)),
        "no_object_weight": head.class_weight[-1],
    }
    if function is steps.mask2former_loss:
        options |= {name: getattr(head, name) for name in _POINTS}
    value = {
        "cls_scores": torch.stack(list(scores)).detach(),
        "mask_preds": torch.stack(list(masks)).detach(),
        "label": torch.stack([_label(one) for one in instances]),
    }

    def theirs(cls_scores: Any, mask_preds: Any, label: Any) -> Any:
        return call.original(head, cls_scores, mask_preds, instances, metas)

    ours, run = call.ours(function), by_name()[function.__name__].run
    return Twin(
        "mask",
        lambda rng: run(ours, dict(value), rng, **options),
        lambda: run(theirs, dict(value), _stream()),
    )


def _stream() -> RandomState:
    """A stream in the state of the global one, from which torch's is seeded on either side."""
    stream = RandomState()
    stream.set_state(np.random.get_state())
    return stream


def _label(instances: Any) -> torch.Tensor:
    """The label map that segments of one image were taken from, 255 where there is none."""
    found = torch.full(instances.masks.shape[1:], 255)
    for label, mask in zip(instances.labels, instances.masks, strict=True):
        found[mask.bool()] = label
    return found


def _sampled(call: Call) -> Twin:
    given = copied(dict(call.args))
    maps, points = given.pop("input").detach(), given.pop("points").detach()
    if given.get("align_corners") or maps.shape[1] != 1 or points.dim() != 3:
        raise NotExercised("maps of several channels, or aligned corners")
    function = call.ours(steps.sample_points)
    return Twin(
        "mask",
        lambda rng: function(maps.squeeze(1), points),
        lambda: call.original(maps, points, **given).squeeze(1),
    )


def _drawn(call: Call) -> Twin:
    masks, labels, *rest = copied(list(call.args.values()))
    if masks.shape[1] != 1:
        raise NotExercised("masks of several channels")
    function = call.ours(steps.draw_uncertain_points)
    options = dict(zip(_POINTS, rest, strict=False))

    def theirs() -> torch.Tensor:
        with torch.no_grad():
            found: torch.Tensor = call.original(masks.detach(), labels, *rest)
        return found

    return Twin("mask", lambda rng: function(masks.detach().squeeze(1), **options), theirs)


def places() -> list[Patched]:
    """All of mask classification."""
    assigners = ("mmseg.models.assigners", "mmdet.models.task_modules")
    heads = {
        "Mask2FormerHead": (steps.mask2former_loss, "mask2former_head"),
        "MaskFormerHead": (steps.maskformer_loss, "maskformer_head"),
    }
    return [
        *(
            Patched(f"{module}:{kind}.__call__", _cost)
            for kind in _COSTS
            for module in assigners
            if kind != "FocalLossCost" or module.startswith("mmdet")
        ),
        *(Patched(f"{module}:HungarianAssigner.assign", _assigned) for module in assigners),
        *(
            Patched(f"mmseg.models.decode_heads:{kind}._seg_data_to_instance_data", _targets)
            for kind in heads
        ),
        *(
            Patched(f"mmseg.models.decode_heads:{kind}.loss_by_feat", partial(_losses, function))
            for kind, (function, _) in heads.items()
        ),
        Patched("mmcv.ops.point_sample:point_sample", _sampled),
        Patched(f"{_UNCERTAIN}:get_uncertain_point_coords_with_randomness", _drawn),
    ]
