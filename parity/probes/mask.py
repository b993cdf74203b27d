"""Queries, segments and label maps of every number, for the steps of mask classification.

Among them: images of which nothing but ignored pixels is there, a batch of these,
one class only, more segments than queries, costs that tie, and logits of ±1e4.
There are no infinite ones: they make the costs NaN, which both sides refuse to
assign, so that no training goes on from there.
"""

from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor

from parity.probes.natural import probe
from parity.steps.mask import (
    MaskWeights,
    assign_queries,
    class_cost,
    dice_cost,
    draw_uncertain_points,
    mask2former_inference,
    mask2former_loss,
    mask2former_match,
    mask_cross_entropy_cost,
    mask_focal_cost,
    mask_targets,
    maskformer_inference,
    maskformer_loss,
    maskformer_match,
    sample_points,
)

IGNORED = 255
Value = dict[str, Any]


def finite_logits(rng: RandomState, *shape: int) -> Tensor:
    """Normal ones in most cases; else ±1e4, or whole numbers, of which many are equal."""
    values = rng.normal(0, 2, shape)
    kind = rng.randint(6)
    if kind == 0:
        values *= 1e4
    elif kind == 1:
        values = values.round()
    return torch.from_numpy(values).float()


def _label(rng: RandomState, classes: int, height: int, width: int) -> Tensor:
    """Rectangles of classes, some of them ignored; else one class, or nothing but ignored."""
    label = np.full((height, width), rng.randint(classes))
    kind = rng.randint(6)
    if kind == 0:
        label[:] = IGNORED
    for _ in range(int(rng.randint(2, 8)) if kind > 1 else 0):
        top, left = rng.randint(height), rng.randint(width)
        bottom, right = rng.randint(top, height) + 1, rng.randint(left, width) + 1
        label[top:bottom, left:right] = IGNORED if rng.rand() < 0.2 else rng.randint(classes)
    return torch.from_numpy(label)


def _labels(rng: RandomState, images: int, classes: int) -> Tensor:
    """Label maps ``(N, H, W)``, in some cases all ignored."""
    height, width = rng.randint(2, 25, 2)
    label = torch.stack([_label(rng, classes, height, width) for _ in range(images)])
    return torch.full_like(label, IGNORED) if rng.randint(10) == 0 else label


def _layers(rng: RandomState, layers: int, images: int, queries: int) -> Value:
    """What a decoder gives, and label maps of another size."""
    classes = int(rng.randint(1, 6))
    height, width = rng.randint(1, 9, 2)
    return {
        "cls_scores": finite_logits(rng, layers, images, queries, classes + 1),
        "mask_preds": finite_logits(rng, layers, images, queries, height, width),
        "label": _labels(rng, images, classes),
    }


def make_layers(seed: int) -> Value:
    """Give what one to four decoder layers give, and labels.

    cls_scores float32 ``(layers, N, Q, C + 1)``, mask_preds ``(layers, N, Q, h, w)``, label int64
    ``(N, H, W)``: one to three images, one to six queries.
    """
    rng = RandomState(seed)
    return _layers(rng, rng.randint(1, 5), rng.randint(1, 4), rng.randint(1, 7))


def make_few(seed: int) -> Value:
    """As `make_layers`, of two layers and four queries at most: each mask has 12,544 points."""
    rng = RandomState(seed)
    return _layers(rng, rng.randint(1, 3), rng.randint(1, 3), rng.randint(1, 5))


def make_labels(seed: int) -> Value:
    """Give int64 label maps ``(N, H, W)`` of one to three images."""
    rng = RandomState(seed)
    return {"label": _labels(rng, rng.randint(1, 4), rng.randint(1, 6))}


def make_image(seed: int) -> Value:
    """Give one to six queries of one image, and its segments.

    scores float32 ``(Q, C + 1)``, masks ``(Q, h, w)``; labels int64 ``(G,)``, targets int64
    ``(G, H, W)``.
    """
    rng = RandomState(seed)
    value = _layers(rng, 1, 1, rng.randint(1, 7))
    return _of_image(value["cls_scores"][0, 0], value["mask_preds"][0, 0], value["label"])


def make_crowd(seed: int) -> Value:
    """As `make_image`.

    Of thirty queries and up to twenty segments, so that any change of the costs shows.
    """
    rng = RandomState(seed)
    blocks = torch.from_numpy(rng.randint(0, 20, (1, 5, 6)))
    scores, masks = rng.normal(0, 1.5, (30, 21)), rng.normal(0, 1, (30, 10, 9))
    label = blocks.repeat_interleave(4, 1).repeat_interleave(3, 2)
    return _of_image(torch.from_numpy(scores).float(), torch.from_numpy(masks).float(), label)


def _of_image(scores: Tensor, masks: Tensor, label: Tensor) -> Value:
    [segments] = mask_targets(label)
    return {
        "scores": scores,
        "masks": masks,
        "labels": segments.labels,
        "targets": segments.masks,
    }


def make_scores(seed: int) -> Value:
    """Give class logits float32 ``(Q, C + 1)``, and the classes of segments, int64 ``(G,)``."""
    rng = RandomState(seed)
    queries, segments, classes = rng.randint(1, 7, 3)
    labels = torch.from_numpy(rng.randint(0, classes, segments))
    return {"scores": finite_logits(rng, queries, classes + 1), "labels": labels}


def make_sampled(seed: int) -> Value:
    """Give mask logits ``(Q, P)`` and segments ``(G, P)`` at the same points, float32, 0 to 1."""
    rng = RandomState(seed)
    queries, segments, points = rng.randint(1, 7), rng.randint(1, 6), rng.randint(1, 60)
    target = rng.uniform(-1, 2, (segments, points)).clip(0, 1)
    return {
        "pred": finite_logits(rng, queries, points),
        "target": torch.from_numpy(target).float(),
    }


def make_cost(seed: int) -> Value:
    """Give costs float32 ``(Q, G)``; whole numbers, which tie, in half of them."""
    rng = RandomState(seed)
    cost = rng.normal(0, 2, rng.randint(1, 8, 2))
    return {"cost": torch.from_numpy(cost.round() if seed % 2 else cost).float()}


def make_masks(seed: int) -> Value:
    """Give mask logits, float32 ``(N, h, w)``."""
    rng = RandomState(seed)
    return {"masks": finite_logits(rng, *rng.randint(1, 6, 1), *rng.randint(1, 12, 2))}


def make_maps(seed: int) -> Value:
    """Give maps float32 ``(N, h, w)``, and points ``(N, P, 2)`` in them, 0 to 1, up to the edge."""
    rng = RandomState(seed)
    maps = make_masks(seed)["masks"]
    points = rng.uniform(-0.1, 1.1, (len(maps), rng.randint(1, 30), 2)).clip(0, 1)
    return {"maps": maps, "points": torch.from_numpy(points).float()}


def make_prediction(seed: int) -> Value:
    """Give what a decoder gives in testing, as `make_layers`, and metas, some with padding."""
    rng = RandomState(seed)
    value = make_layers(seed)
    height, width = (int(edge) for edge in rng.randint(1, 24, 2))
    meta: dict[str, Any] = {"img_shape": (height, width)}
    if seed % 2:
        meta["pad_shape"] = (height + int(rng.randint(9)), width + int(rng.randint(9)))
    metas = [meta] * len(value.pop("label"))
    return {**value, "metas": metas}


FEW = {"num_points": 40, "oversample_ratio": 2.5, "importance_sample_ratio": 0.6}
DOUBT = {"num_points": 24, "importance_sample_ratio": 1.0}
OTHER = {
    "loss_weights": MaskWeights(1.5, 2.0, 3.0),
    "cost_weights": MaskWeights(3.0, 1.0, 2.0),
    "no_object_weight": 0.4,
}
SQUARES = {"naive_dice": False, "eps": 1e-3, "weight": 2.0}
FEW_MATCHED = {"num_points": 20, "cost_weights": MaskWeights(1.0, 2.0, 3.0)}

PROBES = tuple(
    probe(name, function, make, **options)
    for name, function, options, make in (
        ("mask_targets", mask_targets, {}, make_labels),
        ("mask_targets_zero", mask_targets, {"ignore_index": 0}, make_labels),
        ("mask_class_cost", class_cost, {}, make_scores),
        ("mask_ce_cost", mask_cross_entropy_cost, {}, make_sampled),
        ("mask_focal_cost", mask_focal_cost, {}, make_sampled),
        ("mask_dice_cost", dice_cost, {}, make_sampled),
        ("mask_dice_cost_squares", dice_cost, SQUARES, make_sampled),
        ("mask_assign", assign_queries, {}, make_cost),
        ("mask_sample_points", sample_points, {}, make_maps),
        ("mask_points", draw_uncertain_points, FEW, make_masks),
        ("mask_points_doubt", draw_uncertain_points, DOUBT, make_masks),
        ("mask2former_match", mask2former_match, {}, make_image),
        ("mask2former_match_crowd", mask2former_match, {}, make_crowd),
        ("mask2former_match_few", mask2former_match, FEW_MATCHED, make_crowd),
        ("maskformer_match", maskformer_match, {}, make_image),
        ("maskformer_match_crowd", maskformer_match, {}, make_crowd),
        ("mask2former_loss", mask2former_loss, {}, make_few),
        ("mask2former_loss_few", mask2former_loss, {**FEW, **OTHER}, make_layers),
        ("maskformer_loss", maskformer_loss, {}, make_layers),
        ("maskformer_loss_other", maskformer_loss, OTHER, make_layers),
        ("mask2former_infer", mask2former_inference, {}, make_prediction),
        ("maskformer_infer", maskformer_inference, {}, make_prediction),
    )
)
