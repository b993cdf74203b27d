"""Seeded logits and labels for every loss, with the cases that break reimplementations.

Shapes, the share of ignored pixels, and the size of the logits vary with the
seed: none valid, one class only, a single pixel, ±1e4, infinities.
"""

from functools import partial

import torch
from numpy.random import RandomState
from torch import Tensor

from parity.probes.natural import probe
from parity.steps.loss import (
    LossTerm,
    OhemSampler,
    accuracy,
    binary_cross_entropy,
    boundary_loss,
    cross_entropy,
    decode_head_loss,
    dice_loss,
    focal_loss,
    hausdorff_loss,
    kl_div_loss,
    lovasz_loss,
    mask_cross_entropy,
    ohem_cross_entropy,
    ohem_weights,
    si_log_loss,
    tversky_loss,
)

IGNORED = 255

Value = dict[str, Tensor]


def _shape(rng: RandomState) -> tuple[int, int, int]:
    """Images, height, width."""
    return int(rng.randint(1, 4)), int(rng.randint(1, 10)), int(rng.randint(1, 10))


def _logits(rng: RandomState, *shape: int) -> Tensor:
    """Normal ones in half of the cases; else ±1e4, all the same, or some infinite."""
    values = rng.normal(0, 3, shape)
    kind = rng.randint(6)
    if kind == 0:
        values *= 1e4
    elif kind == 1:
        values[:] = 0.25
    elif kind == 2:
        values[rng.random_sample(shape) < 0.05] = float("inf")
        values[rng.random_sample(shape) < 0.05] = float("-inf")
    return torch.from_numpy(values).float()


def _labels(rng: RandomState, classes: int, *shape: int) -> Tensor:
    """Some pixels ignored in half of the cases; else none, all, or all but one class."""
    values = rng.randint(0, classes, shape)
    kind = rng.randint(6)
    if kind == 0:
        values[:] = IGNORED
    elif kind == 1:
        values[:] = rng.randint(classes)
    elif kind > 2:
        values[rng.random_sample(shape) < 0.3] = IGNORED
    return torch.from_numpy(values)


def make_pixels(seed: int, *, least: int = 1, most: int = 6) -> Value:
    """Logits ``(N, C, H, W)``, sometimes channels last, and labels ``(N, H, W)``."""
    rng = RandomState(seed)
    (images, height, width), classes = _shape(rng), int(rng.randint(least, most + 1))
    pred = _logits(rng, images, classes, height, width)
    if rng.randint(4) == 0:
        pred = pred.contiguous(memory_format=torch.channels_last)
    return {"pred": pred, "label": _labels(rng, classes, images, height, width)}


# As `make_pixels`: of two to six classes, of three at least, and of four.
make_classes, make_three = partial(make_pixels, least=2), partial(make_pixels, least=3)
make_four = partial(make_pixels, least=4, most=4)


def make_four_valid(seed: int) -> Value:
    """As `make_four`, with class 0 where pixels would be ignored."""
    value = make_four(seed)
    return {**value, "label": value["label"].masked_fill(value["label"] == IGNORED, 0)}


def make_weighted(seed: int) -> Value:
    """As `make_pixels`, with a weight from 0 to 2 per pixel."""
    value = make_pixels(seed)
    weight = RandomState(seed).uniform(0, 2, tuple(value["label"].shape))
    return {**value, "weight": torch.from_numpy(weight).float()}


def make_two_valid(seed: int) -> Value:
    """As `make_classes`, every image with two valid pixels at least."""
    value = make_classes(seed)
    pred, label = (torch.cat([part, part], -1) for part in value.values())
    label[..., 0, 0] = label[..., 0, -1] = 1
    return {"pred": pred, "label": label}


def make_batch(seed: int) -> Value:
    """As `make_two_valid`, but sometimes no pixel of the batch is valid."""
    value = make_two_valid(seed)
    return {**value, "label": torch.full_like(value["label"], IGNORED)} if seed % 5 == 0 else value


def make_single(seed: int) -> Value:
    """Logits ``(N, 1, H, W)`` and labels 0 and 1, the first pixel valid."""
    rng = RandomState(seed)
    images, height, width = _shape(rng)
    label = _labels(rng, 2, images, height, width)
    label[0, 0, 0] = 1
    return {"pred": _logits(rng, images, 1, height, width), "label": label}


def make_binary(seed: int) -> Value:
    """Logits and labels 0, 1 and ignored, both ``(N, H, W)``."""
    rng = RandomState(seed)
    shape = _shape(rng)
    return {"pred": _logits(rng, *shape), "label": _labels(rng, 2, *shape)}


def make_edges(seed: int) -> Value:
    """Logits ``(N, 1, H, W)`` and labels 0, 1 and ignored, any number of each."""
    value = make_binary(seed)
    return {**value, "pred": value["pred"].unsqueeze(1)}


def make_masks(seed: int) -> Value:
    """Logits ``(N, C, H, W)``, masks ``(N, H, W)`` and the class of each."""
    rng = RandomState(seed)
    images, height, width = _shape(rng)
    masks = rng.randint(0, 2, (images, height + 1, width))
    return {
        "pred": _logits(rng, images, 4, height + 1, width),
        "label": torch.from_numpy(masks).float(),
        "mask_class": torch.from_numpy(rng.randint(0, 4, images)),
    }


def make_rows(seed: int) -> Value:
    """Probabilities ``(N, C)`` of three to six classes and labels ``(N,)``."""
    rng = RandomState(seed)
    pixels, classes = int(rng.randint(1, 30)), int(rng.randint(3, 7))
    pred = torch.from_numpy(rng.uniform(0, 1, (pixels, classes))).float()
    return {"pred": pred, "label": _labels(rng, classes, pixels)}


def make_one_hot(seed: int) -> Value:
    """Logits and one-hot labels ``(N, C, H, W)`` of four classes; class 3 is to be ignored."""
    value = make_four_valid(seed)
    one_hot = torch.nn.functional.one_hot(value["label"], 4).permute(0, 3, 1, 2)
    weight = RandomState(seed).uniform(0, 2, value["label"].numel())
    return {**value, "label": one_hot, "weight": torch.from_numpy(weight).float()}


def make_unweighted(seed: int) -> Value:
    """As `make_one_hot`, every pixel of weight 1."""
    value = make_one_hot(seed)
    return {name: value[name] for name in ("pred", "label")}


def make_pair(seed: int) -> Value:
    """Two logit tensors ``(N, C, H, W)``."""
    rng = RandomState(seed)
    (images, height, width), classes = _shape(rng), int(rng.randint(1, 6))
    shape = (images, classes, height, width)
    return {"pred": _logits(rng, *shape), "label": _logits(rng, *shape)}


def make_depths(seed: int) -> Value:
    """Two depth maps ``(N, 1, H, W)`` with holes; sometimes nothing but holes, or equal maps."""
    rng = RandomState(seed)
    images, height, width = _shape(rng)
    maps = rng.uniform(0, 80, (2, images, 1, height, width))
    maps[rng.random_sample(maps.shape) < 0.2] = 0
    maps[1] *= rng.randint(6) > 0
    pred, label = torch.from_numpy(maps).float()
    return {"pred": label.clone() if seed % 7 == 0 else pred, "label": label}


def make_head(seed: int) -> Value:
    """Small logits ``(N, C, h, w)`` and labels of another size, one pixel valid at least."""
    rng = RandomState(seed)
    (images, height, width), classes = _shape(rng), int(rng.randint(2, 7))
    label = _labels(rng, classes, images, int(rng.randint(2, 24)), int(rng.randint(2, 24)))
    return {"pred": _logits(rng, images, classes, height, width), "label": label}


CE = LossTerm("loss_ce", cross_entropy, {"loss_weight": 0.4})
VALID_CE = LossTerm("loss_ce", cross_entropy, {"avg_non_ignore": True})
BCE = LossTerm("loss_bce", binary_cross_entropy)
DICE = LossTerm("loss_dice", dice_loss, {"use_sigmoid": False, "loss_weight": 3.0})
LOVASZ = LossTerm("lovasz", lovasz_loss, {"classes": "all", "reduction": "none"})
FOUR = {"class_weight": [0.5, 1.0, 2.0, 0.1]}
IGNORING = {"ignore_index": 255}
VALID = {**IGNORING, "avg_non_ignore": True}
WEIGHTED = {**IGNORING, "avg_factor": 7, "loss_weight": 0.4}
ALPHAS = {"alpha": [0.1, 0.4, 0.5, 0.9], "reduction": "none", **FOUR}
HALVES = {"ignore_index": 1, "alpha": 0.5, "beta": 0.5, **FOUR}
KEPT = {"thresh": 0.001, "min_kept": 10, **FOUR}
VALID_FOUR = {**FOUR, "ignore_index": 0, "avg_non_ignore": True}
BINARY = {"loss_type": "binary", "reduction": "none"}
EACH = {"per_image": True, "classes": "all"}
BY_THRESH = {"sampler": OhemSampler(thresh=0.7, min_kept=20)}
BY_LOSS = {"sampler": OhemSampler(min_kept=20), "losses": (CE,)}
ALIGNED = {"losses": (VALID_CE, DICE, LOVASZ, CE, BCE), "align_corners": True}

PROBES = tuple(
    probe(name, function, make, **options)
    for name, function, options, make in (
        ("loss_ce", cross_entropy, IGNORING, make_pixels),
        ("loss_ce_valid", cross_entropy, VALID, make_pixels),
        ("loss_ce_class", cross_entropy, FOUR, make_four_valid),
        ("loss_ce_class_valid", cross_entropy, VALID_FOUR, make_four_valid),
        ("loss_ce_weight", cross_entropy, WEIGHTED, make_weighted),
        ("loss_ce_none", cross_entropy, {**IGNORING, "reduction": "none"}, make_weighted),
        ("loss_bce", binary_cross_entropy, IGNORING, make_classes),
        ("loss_bce_valid", binary_cross_entropy, VALID, make_classes),
        ("loss_bce_single", binary_cross_entropy, IGNORING, make_single),
        ("loss_mask", mask_cross_entropy, {"loss_weight": 2.0}, make_masks),
        ("loss_mask_default", mask_cross_entropy, {}, make_masks),
        ("accuracy", accuracy, IGNORING, make_pixels),
        ("accuracy_top3", accuracy, {"topk": (1, 3), "ignore_index": 255}, make_three),
        ("accuracy_thresh", accuracy, {"topk": 1, "thresh": 0.8}, make_rows),
        ("loss_dice", dice_loss, {"use_sigmoid": False}, make_pixels),
        ("loss_dice_default", dice_loss, {}, make_pixels),
        ("loss_dice_naive", dice_loss, {"naive_dice": True, "ignore_index": 0}, make_classes),
        ("loss_focal_default", focal_loss, {}, make_unweighted),
        ("loss_focal", focal_loss, {"ignore_index": 3, "alpha": 0.25}, make_one_hot),
        ("loss_focal_list", focal_loss, ALPHAS, make_one_hot),
        ("loss_lovasz", lovasz_loss, {"reduction": "none"}, make_batch),
        ("loss_lovasz_image", lovasz_loss, EACH, make_two_valid),
        ("loss_lovasz_binary", lovasz_loss, BINARY, make_binary),
        ("loss_tversky", tversky_loss, IGNORING, make_pixels),
        ("loss_tversky_class", tversky_loss, HALVES, make_four),
        ("loss_boundary", boundary_loss, {"loss_weight": 20.0}, make_edges),
        ("loss_boundary_default", boundary_loss, {}, make_edges),
        ("loss_ohem_default", ohem_cross_entropy, {}, make_pixels),
        ("loss_ohem", ohem_cross_entropy, {"thresh": 0.9}, make_pixels),
        ("loss_ohem_kept", ohem_cross_entropy, KEPT, make_four),
        ("ohem_weights", ohem_weights, {"thresh": 0.5, "min_kept": 5}, make_pixels),
        ("ohem_weights_loss", ohem_weights, {"min_kept": 5}, make_pixels),
        ("loss_kl_div_default", kl_div_loss, {}, make_pair),
        ("loss_kl_div", kl_div_loss, {"temperature": 2.0}, make_pair),
        ("loss_hausdorff", hausdorff_loss, IGNORING, make_classes),
        ("loss_si_log", si_log_loss, {"loss_weight": 1.0}, make_depths),
        ("loss_head_default", decode_head_loss, {}, make_head),
        ("loss_head", decode_head_loss, {"losses": (CE,)}, make_head),
        ("loss_head_aligned", decode_head_loss, ALIGNED, make_head),
        ("loss_head_ohem", decode_head_loss, BY_THRESH, make_head),
        ("loss_head_ohem_loss", decode_head_loss, BY_LOSS, make_head),
    )
)
