"""Planted defects: each exchanges a loss for a wrong one, and must be found."""

from __future__ import annotations

from unittest import mock

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from parity.check.summary import reference_steps
from parity.compare.compare import Verdict, worst_verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import compare_records, run_step
from parity.probes.loss import PROBES
from parity.steps import loss as ours
from parity.steps.loss import distance, lovasz, ohem, reduction, topk

STEPS = {probe.step.name: probe for probe in PROBES}
SEEDS = range(24)


def verdict(name, function=None):
    """Of `function`, by default our own, in place of the step `name`, over all seeds."""
    step, make = STEPS[name].step, STEPS[name].make
    [(_, live)] = reference_steps([step])
    candidate = step.doing(function or step.function)
    found = []
    for seed in SEEDS:
        state, value = GeneratorState.of(RecordingRandomState(seed)), make(seed)
        actual, expected = (run_step(name, side, value, state) for side in (candidate, live))
        assert not expected.error
        assert not actual.error  # a defect that crashes needs no harness
        found.append(compare_records(actual, expected).verdict)
    return worst_verdict(found)


def ce_mean_over_valid(pred, label, *, ignore_index):
    return F.cross_entropy(pred, label, ignore_index=ignore_index)


def ce_ignored_is_class_0(pred, label, *, ignore_index):
    return ours.cross_entropy(pred, label.masked_fill(label == ignore_index, 0))


def ce_of_probabilities(pred, label, *, ignore_index):
    return ours.cross_entropy(pred.softmax(1), label, ignore_index=ignore_index)


def ce_plain_divisor(pred, label, *, class_weight):
    return ours.cross_entropy(pred, label, class_weight=class_weight, avg_factor=label.numel())


def ce_summed_and_divided(pred, label, *, ignore_index, avg_non_ignore):
    """Without the tiny number in the divisor: NaN where no pixel is valid."""
    total = ours.cross_entropy(pred, label, ignore_index=ignore_index, reduction="sum")
    return total / (label != ignore_index).sum()


def ce_divided_by_weight(pred, label, *, weight, ignore_index, avg_factor, loss_weight):
    options = {"ignore_index": ignore_index, "loss_weight": loss_weight}
    return ours.cross_entropy(pred, label, weight=weight, avg_factor=weight.sum(), **options)


def ce_gradient_doubled(pred, label, **options):
    """The right value, and twice its gradient."""
    loss = ours.cross_entropy(pred, label, **options)
    return loss * 2 - loss.detach()


def bce_of_valid_only(pred, label, **options):
    return ours.binary_cross_entropy(pred, label, avg_non_ignore=True, **options)


def mask_of_class_0(pred, label, *, mask_class, loss_weight):
    first = torch.zeros_like(mask_class)
    return ours.mask_cross_entropy(pred, label, mask_class=first, loss_weight=loss_weight)


def dice_without_eps(pred, label, *, use_sigmoid):
    return ours.dice_loss(pred, label, use_sigmoid=use_sigmoid, eps=0.0)


def dice_of_sigmoid(pred, label, *, use_sigmoid):
    return ours.dice_loss(pred, label)


def dice_without_ignored(pred, label, *, use_sigmoid):
    valid = (label != 255).unsqueeze(1)
    soft = pred.softmax(1) if pred.shape[1] > 1 else pred
    return ours.dice_loss(soft.where(valid, 0.0), label, activate=False)


def focal_alpha_swapped(pred, label, *, alpha, **options):
    return ours.focal_loss(pred, label, alpha=1 - alpha, **options)


def focal_gamma_1(pred, label, **options):
    return ours.focal_loss(pred, label, gamma=1.0, **options)


def tversky_swapped(pred, label, *, ignore_index):
    return ours.tversky_loss(pred, label, alpha=0.7, beta=0.3, ignore_index=ignore_index)


def lovasz_all_classes(pred, label, *, reduction):
    return ours.lovasz_loss(pred, label, classes="all", reduction=reduction)


def boundary_unweighted(pred, label, *, loss_weight):
    known = label.clamp(max=1).float()
    return loss_weight * F.binary_cross_entropy_with_logits(pred.squeeze(1), known)


def kl_of_logarithms(pred, label, *, temperature):
    """The divergence as it is meant."""
    soft, target = (pred / temperature).log_softmax(1), (label / temperature).softmax(1)
    loss = F.kl_div(soft, target, reduction="none") * temperature**2
    return loss.flatten(1).mean(1)


def si_log_floor(pred, label, *, loss_weight):
    return ours.si_log_loss(pred, label, loss_weight=loss_weight, eps=1e-3)


@pytest.mark.live
@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("loss_ce", ce_mean_over_valid),
        ("loss_ce", ce_ignored_is_class_0),
        ("loss_ce", ce_of_probabilities),
        ("loss_ce", ce_gradient_doubled),
        ("loss_ce_class", ce_plain_divisor),
        ("loss_ce_valid", ce_summed_and_divided),
        ("loss_ce_weight", ce_divided_by_weight),
        ("loss_bce", bce_of_valid_only),
        ("loss_mask", mask_of_class_0),
        ("loss_dice", dice_without_eps),
        ("loss_dice", dice_of_sigmoid),
        ("loss_dice", dice_without_ignored),
        ("loss_focal", focal_alpha_swapped),
        ("loss_focal", focal_gamma_1),
        ("loss_tversky", tversky_swapped),
        ("loss_lovasz", lovasz_all_classes),
        ("loss_boundary", boundary_unweighted),
        ("loss_kl_div", kl_of_logarithms),
        ("loss_si_log", si_log_floor),
    ],
)
def test_wrong_loss_is_found(step, wrong):
    assert verdict(step, wrong) is Verdict.DIFFERENT


def sorted_ascending(values, dim=-1, descending=False):
    return SORT(values, dim, False)


def distance_to_foreground(label, dtype):
    return DISTANCES(label == 0, dtype)


def limit_above(ranked, kept, thresh):
    return LIMIT(ranked, kept + 1, thresh)


def aligned(pred, size, *, mode, align_corners):
    return RESIZE(pred, size, mode=mode, align_corners=not align_corners)


def nearest(pred, size, *, mode, align_corners):
    return RESIZE(pred, size, mode="nearest")


SORT, RESIZE = torch.sort, F.interpolate
DISTANCES, LIMIT = distance.distances_to_background, ohem.probability_limit


@pytest.mark.live
@pytest.mark.parametrize(
    ("step", "module", "name", "wrong"),
    [
        ("loss_ce_valid", reduction, "EPS", 1e-6),
        ("accuracy", topk, "EPS", 1e-6),
        ("loss_lovasz", lovasz.torch, "sort", sorted_ascending),
        ("loss_lovasz_binary", lovasz.torch, "sort", sorted_ascending),
        ("loss_lovasz", lovasz.F, "softmax", lambda pred, dim: pred),
        ("loss_tversky", lovasz.F, "softmax", lambda pred, dim: pred),
        ("loss_hausdorff", distance, "distances_to_background", distance_to_foreground),
        ("loss_ohem_kept", ohem, "probability_limit", limit_above),
        ("ohem_weights", ohem, "probability_limit", limit_above),
        ("loss_head", lovasz.F, "interpolate", aligned),
        ("loss_head", lovasz.F, "interpolate", nearest),
    ],
)
def test_wrong_part_is_found(step, module, name, wrong):
    """A part of our side only: what the reference calls too is restored for it."""
    probe = STEPS[step].step

    def candidate(**given):
        with mock.patch.object(module, name, wrong):
            return probe.function(**given)

    assert verdict(step, candidate) is Verdict.DIFFERENT


def ignored_counted(pred, label, *, topk, ignore_index):
    return ours.accuracy(pred, label, topk=topk)


def ranks_exact(pred, label, *, topk, ignore_index):
    """Right at rank k, instead of at one of the first k."""
    ranks = (*topk, topk[-1] - 1)
    scores = [ours.accuracy(pred, label, topk=rank, ignore_index=ignore_index) for rank in ranks]
    return [scores[0], scores[1] - scores[2]]


def kept_per_batch(pred, label, *, min_kept):
    """`min_kept` pixels of the batch, not of each image."""
    return ours.ohem_weights(pred, label, min_kept=max(2, min_kept // len(label)))


def accuracy_before_resize(pred, label, *, losses):
    found = ours.decode_head_loss(pred, label, losses=losses)
    small = F.interpolate(label[:, None].float(), pred.shape[2:])[:, 0].long()
    return {**found, "acc_seg": ours.accuracy(pred, small, ignore_index=255)}


def sampler_forgotten(pred, label, *, sampler, losses=ohem.CROSS_ENTROPY):
    return ours.decode_head_loss(pred, label, losses=losses)


@pytest.mark.live
@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("accuracy_top3", ignored_counted),
        ("accuracy_top3", ranks_exact),
        ("ohem_weights_loss", kept_per_batch),
        ("loss_head", accuracy_before_resize),
        ("loss_head_ohem", sampler_forgotten),
        ("loss_head_ohem_loss", sampler_forgotten),
    ],
)
def test_wrong_step_is_found(step, wrong):
    assert verdict(step, wrong) is Verdict.DIFFERENT


@pytest.mark.live
@pytest.mark.parametrize("name", STEPS)
def test_the_clean_step_is_silent(name):
    assert verdict(name) is Verdict.EQUAL
