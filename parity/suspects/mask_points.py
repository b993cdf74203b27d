"""What people get wrong in drawing points and sampling masks there."""

from typing import Any

import torch
from torch import Tensor

from parity.steps.mask import points as drawing
from parity.suspects.mistake import Function, made_in, mistake

doubt_mistake = made_in(drawing.draw_uncertain_points)


@mistake(drawing.sample_points)
def points_y_first(sample_points: Function, maps: Tensor, points: Tensor) -> Any:
    """Points are read as (y, x); the reference has (x, y)."""
    return sample_points(maps, points.flip(-1))


@made_in(drawing.sample_points)(drawing.values_at, align_corners=True)
def points_corners_aligned() -> None:
    """0 and 1 are centres of pixels (align_corners=True); in the reference outer edges."""


@mistake(drawing.sample_points)
def points_not_scaled(sample_points: Function, maps: Tensor, points: Tensor) -> Any:
    """Points from 0 to 1 go into grid_sample as they are, which counts from -1 to 1."""
    return sample_points(maps, (points + 1.0) / 2.0)


@made_in(drawing.sample_points)(drawing.values_at, mode="nearest")
def points_nearest() -> None:
    """The nearest pixel is taken; the reference samples bilinearly."""


@doubt_mistake(drawing.most_uncertain)
def most_certain_points(most_uncertain: Function, masks: Tensor, at: Tensor, count: int) -> Any:
    """The points with the largest logits are kept; the reference keeps those nearest to zero."""
    chosen = drawing.sample_points(masks, at).abs().topk(count, dim=1).indices
    return at.take_along_dim(chosen[:, :, None], dim=1)


@doubt_mistake(drawing.most_uncertain)
def lowest_logits_kept(most_uncertain: Function, masks: Tensor, at: Tensor, count: int) -> Any:
    """The lowest logits count as doubtful; in the reference the nearest to zero, by magnitude."""
    chosen = (-drawing.sample_points(masks, at)).topk(count, dim=1).indices
    return at.take_along_dim(chosen[:, :, None], dim=1)


@mistake(drawing.draw_uncertain_points)
def points_anywhere(draw: Function, masks: Tensor, **options: Any) -> Any:
    """All points are drawn anywhere; most of the reference's lie where masks are in doubt."""
    return drawing.draw_points(len(masks), options.get("num_points", 12544), device=masks.device)


@mistake(drawing.draw_uncertain_points, oversample_ratio=4.0)
def oversample_ratio_4() -> None:
    """Four times as many candidates are drawn; the reference draws three times as many."""


@mistake(
    drawing.draw_uncertain_points,
    needs="importance_sample_ratio below 1",
    importance_sample_ratio=1.0,
)
def points_in_doubt_only() -> None:
    """All points lie where masks are in doubt; in the reference a quarter lies anywhere."""


@mistake(drawing.draw_uncertain_points, needs="importance_sample_ratio below 1")
def random_points_drawn_first(draw: Function, masks: Tensor, **options: Any) -> Any:
    """The random points are drawn before the candidates; in the reference after them."""
    count = options.get("num_points", 12544)
    kept = int(options.get("importance_sample_ratio", 0.75) * count)
    anywhere = drawing.draw_points(len(masks), count - kept, device=masks.device)
    candidates = drawing.draw_points(
        len(masks), int(count * options.get("oversample_ratio", 3.0)), device=masks.device
    )
    return torch.cat([drawing.most_uncertain(masks, candidates, kept), anywhere], 1)


@mistake(drawing.draw_uncertain_points, needs="several masks")
def points_shared_by_masks(draw: Function, masks: Tensor, **options: Any) -> Any:
    """All masks are trained at the points of the first; in the reference each has its own."""
    return draw(masks[:1], **options).expand(len(masks), -1, -1)
