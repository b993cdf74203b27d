"""What people get wrong in the segments of a label map and in matching queries with them."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.mask import assign, cost, points, targets
from parity.suspects.mistake import Function, made_in, mistake

_SEVERAL = "several queries and segments"

segment_mistake = made_in(targets.mask_targets)
_OF_PAIRS = (cost.mask_cross_entropy_cost, cost.mask_focal_cost, assign.mask2former_match)
focal_mistake = made_in(cost.mask_focal_cost, assign.maskformer_match)
assign_mistake = made_in(assign.assign_queries, assign.mask2former_match)


@segment_mistake(targets.segments_of, needs="ignored pixels")
def ignored_becomes_a_class(segments_of: Function, label: Tensor, ignore_index: int) -> Any:
    """Ignored pixels are a segment of their own; in the reference they belong to none."""
    return segments_of(label, -1)


@segment_mistake(targets.segments_of, needs="pixels of class 0")
def class_0_is_background(segments_of: Function, label: Tensor, ignore_index: int) -> Any:
    """Class 0 is no segment, as a background would be; in the reference it is a class."""
    return segments_of(label.masked_fill(label == 0, ignore_index), ignore_index)


@segment_mistake(targets.segments_of, needs="a class in several places")
def segment_per_region(segments_of: Function, label: Tensor, ignore_index: int) -> Any:
    """Each connected region is a segment; in the reference all pixels of a class are one."""
    labels, masks = segments_of(label, ignore_index)
    parts = [_regions(mask) for mask in masks]
    counts = torch.tensor([len(part) for part in parts], dtype=torch.long)
    return targets.Segments(labels.repeat_interleave(counts), torch.cat(parts) if parts else masks)


def _regions(mask: Tensor) -> Tensor:
    """Connected regions of a mask, int64 ``(R, H, W)``, by their first pixel."""
    height, width = mask.shape
    seeds = torch.arange(1, height * width + 1).reshape(1, 1, height, width).double() * mask
    cross = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=torch.bool)
    while True:
        around = F.pad(seeds, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
        grown = around[..., cross].amax(-1) * mask
        if torch.equal(grown, seeds):
            break
        seeds = grown
    names = torch.unique(seeds[seeds > 0])
    regions: Tensor = seeds[0] == names[:, None, None]
    return regions.long()


@made_in(cost.class_cost, assign.mask2former_match, assign.maskformer_match)(cost.class_cost)
def class_cost_of_logits(_: Function, scores: Tensor, labels: Tensor, **options: Any) -> Any:
    """The class costs minus its logit; the reference takes the softmax first."""
    return -scores[:, labels] * options.get("weight", 1.0)


@made_in(cost.class_cost, assign.mask2former_match)(cost.class_cost)
def class_cost_of_log(class_cost: Function, scores: Tensor, labels: Tensor, **options: Any) -> Any:
    """The class costs minus the log of its probability; the reference's cost takes no log."""
    return -scores.log_softmax(-1)[:, labels] * options.get("weight", 1.0)


@mistake(cost.class_cost)
def class_cost_among_classes(costs: Function, scores: Tensor, *rest: Any, **options: Any) -> Any:
    """The cost's softmax leaves out "no object"; in the reference it has its share."""
    return costs(scores[:, :-1], *rest, **options)


@made_in(*_OF_PAIRS)(cost.of_pairs)
def cost_inside_only(of_pairs: Function, inside: Tensor, outside: Tensor, target: Tensor) -> Any:
    """Points outside of a segment cost nothing; in the reference they count as well."""
    return of_pairs(inside, torch.zeros_like(outside), target)


@made_in(*_OF_PAIRS, assign.maskformer_match)(cost.of_pairs, needs="several points")
def cost_summed(of_pairs: Function, inside: Tensor, outside: Tensor, target: Tensor) -> Any:
    """The mask cost is a sum over points; the reference divides by their number."""
    return of_pairs(inside, outside, target) * inside.shape[1]


@focal_mistake(cost.mask_focal_cost)
def focal_cost_alpha_swapped(mask_focal_cost: Function, *masks: Tensor, **options: Any) -> Any:
    """alpha weighs points outside of a segment; in the reference those inside."""
    return mask_focal_cost(*masks, **{**options, "alpha": 1 - options.get("alpha", 0.25)})


@focal_mistake(cost.mask_focal_cost)
def focal_cost_is_cross_entropy(_: Function, pred: Tensor, target: Tensor, **options: Any) -> Any:
    """The mask cost is cross entropy; MaskFormer's in the reference is focal."""
    return cost.mask_cross_entropy_cost(pred, target, weight=options.get("weight", 1.0))


@mistake(cost.dice_cost)
def dice_cost_of_logits(dice_cost: Function, pred: Tensor, target: Tensor, **options: Any) -> Any:
    """Overlap is that of logits; the reference takes their sigmoid first."""
    shape = {"eps": options.get("eps", 1.0), "naive_dice": options.get("naive_dice", True)}
    overlap = cost.overlap_of_pairs(pred.flatten(1), target.flatten(1), **shape)
    return (1 - overlap) * options.get("weight", 1.0)


@mistake(cost.dice_cost, needs="naive_dice", naive_dice=False)
def dice_cost_of_squares() -> None:
    """The denominator of the overlap holds squares; the reference's holds plain sums."""


@mistake(cost.dice_cost, eps=1e-12)
def dice_cost_without_smoothing() -> None:
    """The overlap is not smoothed; the reference adds 1 above and below."""


@mistake(cost.dice_cost, eps=1e-3)
def dice_cost_class_default() -> None:
    """eps of the overlap is DiceCost's default, 0.001; in the reference's configs it is 1."""


@assign_mistake(assign.assign_queries, needs=_SEVERAL)
def greedy_assignment(_: Function, cost: Tensor) -> Any:
    """The cheapest pair left is taken again and again; the reference minimises the sum."""
    left, pairs = cost.detach().clone().double(), []
    for _at in range(min(cost.shape)):
        query, segment = divmod(int(left.argmin()), cost.shape[1])
        pairs.append((query, segment))
        left[query], left[:, segment] = torch.inf, torch.inf
    queries, segments = torch.tensor(sorted(pairs)).T
    return assign.Match(queries, segments)


@mistake(assign.assign_queries, needs=_SEVERAL)
def cheapest_query_for_each(_: Function, cost: Tensor) -> Any:
    """Each segment takes its cheapest query, even a taken one; in the reference none is shared."""
    found = cost.detach().argmin(0)
    queries, order = found.sort(stable=True)
    return assign.Match(queries, order)


@assign_mistake(assign.assign_queries, needs=_SEVERAL)
def dearest_assignment(assign_pairs: Function, cost: Tensor) -> Any:
    """The assignment cost most, scores being taken for costs; the reference's cost least."""
    return assign_pairs(-cost)


@made_in(assign.mask2former_match, assign.maskformer_match)(assign.total_cost, needs=_SEVERAL)
def cost_of_class_only(total_cost: Function, *costs: Tensor) -> Any:
    """Queries are matched by class alone; the reference adds the costs of mask and overlap."""
    return costs[0]


@made_in(assign.mask2former_match)(assign.total_cost, needs=_SEVERAL)
def cost_without_dice(total_cost: Function, *costs: Tensor) -> Any:
    """The cost of overlap is left out; the reference adds class, mask and overlap."""
    return total_cost(*costs[:2])


@mistake(assign.mask2former_match, needs=_SEVERAL)
def cost_weights_exchanged(match: Function, *given: Tensor, **options: Any) -> Any:
    """The cost weights of class and mask are exchanged; Mask2Former's are 2, 5 and 5."""
    classes, mask, dice = options.get("cost_weights", assign.MASK2FORMER)
    turned = assign.MaskWeights(mask, classes, dice)
    return match(*given, **{**options, "cost_weights": turned})


@mistake(assign.mask2former_match, needs=_SEVERAL, cost_weights=assign.MaskWeights(1.0, 1.0, 1.0))
def cost_weights_1() -> None:
    """All costs weigh 1; Mask2Former's weigh 2, 5 and 5."""


@mistake(assign.mask2former_match)
def matched_at_pixels(
    _: Function, scores: Tensor, masks: Tensor, labels: Tensor, targets: Tensor, **options: Any
) -> Any:
    """Masks are compared at every pixel; Mask2Former compares them at points it draws."""
    if len(labels) == 0:
        return assign.nothing_matched(labels)
    wanted = F.interpolate(targets.unsqueeze(1).float(), masks.shape[-2:]).squeeze(1)
    return _matched(scores, labels, masks, wanted, options)


@mistake(assign.mask2former_match)
def points_drawn_apart(
    _: Function, scores: Tensor, masks: Tensor, labels: Tensor, targets: Tensor, **options: Any
) -> Any:
    """Masks and segments are sampled at points drawn apart; the reference has one set for both."""
    sampled = []
    for maps in (masks, targets.float()):
        drawn = points.draw_points(1, options.get("num_points", 12544), device=scores.device)
        sampled.append(points.sample_points(maps, drawn.repeat(len(maps), 1, 1)))
    if len(labels) == 0:
        return assign.nothing_matched(labels)
    return _matched(scores, labels, sampled[0], sampled[1], options)


def _matched(scores: Tensor, labels: Tensor, masks: Tensor, wanted: Tensor, options: Any) -> Any:
    weights = options.get("cost_weights", assign.MASK2FORMER)
    return assign.cheapest(scores, labels, masks, wanted, cost.mask_cross_entropy_cost, weights)


@mistake(assign.mask2former_match, needs="an image without a segment")
def no_draw_without_segments(
    match: Function, scores: Tensor, masks: Tensor, labels: Tensor, targets: Tensor, **options: Any
) -> Any:
    """Nothing is drawn for an image without a segment; the reference draws points even there."""
    if len(labels) == 0:
        return assign.nothing_matched(labels)
    return match(scores, masks, labels, targets, **options)


@mistake(assign.maskformer_match, needs=_SEVERAL, cost_weights=assign.MASK2FORMER)
def maskformer_weights_of_mask2former() -> None:
    """The cost weights are Mask2Former's; MaskFormer's are 1, 20 and 1."""


@mistake(assign.maskformer_match, needs="masks of another size than the label map")
def matched_at_full_size(
    match: Function, scores: Tensor, masks: Tensor, labels: Tensor, targets: Tensor, **options: Any
) -> Any:
    """Masks are enlarged to be matched; MaskFormer reduces the segments instead."""
    size = targets.shape[-2:]
    large = F.interpolate(masks.unsqueeze(1), size, mode="bilinear", align_corners=False)
    return match(scores, large.squeeze(1), labels, targets, **options)
