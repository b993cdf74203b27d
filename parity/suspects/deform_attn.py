"""What people get wrong in deformable attention, a kernel that is not launched among it."""

from typing import Any

import torch
from torch import Tensor

from parity.steps import deform_attn as steps
from parity.suspects.mistake import Function, made_in, mistake

_FAR = "locations beyond the first or last cell's centre"
_LEVELS = "several levels"

sample_mistake = made_in(steps.multi_scale_deformable_attention)


class _NotLaunched(torch.autograd.Function):
    """Leaves output and gradients as they are made: zeros."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        return torch.zeros_like(tensors[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return tuple(torch.zeros_like(one) for one in ctx.saved_tensors)


@mistake(steps.multi_scale_deformable_attention)
def dead_kernel(attention: Function, **inputs: Any) -> Any:
    """Output and gradients are zeros, as of a CUDA kernel that cannot be launched."""
    names = ("value", "sampling_locations", "attention_weights")
    launch: Function = _NotLaunched.apply
    return launch(attention(**inputs), *(inputs[name] for name in names))


@sample_mistake(steps.samples, align_corners=True)
def sampling_corners_aligned() -> None:
    """Locations 0 and 1 are centres of cells (align_corners=True); in the reference outer edges."""


@sample_mistake(steps.samples, needs=_FAR, padding_mode="border")
def sampling_border_repeated() -> None:
    """Beyond the map its border is repeated; in the reference zeros lie there."""


@sample_mistake(steps.samples, mode="nearest")
def sampling_nearest() -> None:
    """The nearest cell is taken; the reference samples bilinearly."""


@sample_mistake(steps.grids_of)
def locations_not_scaled(grids_of: Function, locations: Tensor) -> Any:
    """Locations from 0 to 1 go into grid_sample as they are, which counts from -1 to 1."""
    return locations


@mistake(steps.multi_scale_deformable_attention)
def locations_y_first(attention: Function, **inputs: Any) -> Any:
    """Locations are read as (y, x); the reference has (x, y)."""
    return attention(**{**inputs, "sampling_locations": inputs["sampling_locations"].flip(-1)})


@mistake(steps.multi_scale_deformable_attention, needs=_FAR)
def locations_clamped(attention: Function, **inputs: Any) -> Any:
    """Locations are clamped to the map; the reference samples zeros beyond it."""
    inside = inputs["sampling_locations"].clamp(0, 1)
    return attention(**{**inputs, "sampling_locations": inside})


@mistake(steps.multi_scale_deformable_attention)
def locations_detached(attention: Function, **inputs: Any) -> Any:
    """No gradient reaches the locations; in the reference it does."""
    locations = inputs["sampling_locations"]
    return attention(**{**inputs, "sampling_locations": locations.detach() + 0 * locations})


@mistake(steps.multi_scale_deformable_attention, needs="a level that is not square")
def shapes_width_first(attention: Function, **inputs: Any) -> Any:
    """Shapes of the levels are read as (width, height); the reference has (height, width)."""
    return attention(**{**inputs, "spatial_shapes": inputs["spatial_shapes"].flip(-1)})


@mistake(steps.multi_scale_deformable_attention, needs=_LEVELS)
def levels_reversed(attention: Function, **inputs: Any) -> Any:
    """Locations and weights go to the levels in reverse order."""
    turned = {name: inputs[name].flip(3) for name in ("sampling_locations", "attention_weights")}
    return attention(**{**inputs, **turned})


@mistake(steps.multi_scale_deformable_attention, needs=_LEVELS)
def weights_of_first_level(attention: Function, **inputs: Any) -> Any:
    """All levels use the first one's weights; in the reference each has its own."""
    weights = inputs["attention_weights"]
    return attention(**{**inputs, "attention_weights": weights[:, :, :, :1].expand_as(weights)})


@mistake(steps.multi_scale_deformable_attention, needs=_LEVELS)
def weights_normalised_per_level(attention: Function, **inputs: Any) -> Any:
    """Weights sum to 1 in each level; in the reference over all levels together."""
    weights = inputs["attention_weights"]
    return attention(**{**inputs, "attention_weights": weights / weights.sum(-1, keepdim=True)})


@mistake(steps.multi_scale_deformable_attention)
def weights_softmax_again(attention: Function, **inputs: Any) -> Any:
    """Softmax is taken of the weights once more; the reference's are normalised already."""
    weights = inputs["attention_weights"]
    again = weights.flatten(3).softmax(-1).view_as(weights)
    return attention(**{**inputs, "attention_weights": again})


@mistake(steps.multi_scale_deformable_attention, needs="several heads of several channels")
def output_channels_first(attention: Function, **inputs: Any) -> Any:
    """Output channels lie before heads; in the reference each head's channels stay together."""
    output = attention(**inputs)
    heads, channels = inputs["value"].shape[2:]
    return output.unflatten(2, (heads, channels)).transpose(2, 3).flatten(2)


@mistake(steps.initial_sampling_bias)
def bias_zero(initial_sampling_bias: Function, **numbers: int) -> Any:
    """Sampling offsets start at 0; the reference starts them on a grid."""
    return torch.zeros_like(initial_sampling_bias(**numbers))


@mistake(steps.initial_sampling_bias)
def bias_y_first(initial_sampling_bias: Function, **numbers: int) -> Any:
    """The grid of sampling offsets is (y, x); the reference has (x, y)."""
    return initial_sampling_bias(**numbers).view(-1, 2).flip(-1).flatten()


@mistake(steps.initial_sampling_bias)
def bias_on_circle(initial_sampling_bias: Function, **numbers: int) -> Any:
    """Offsets lie on circles; the reference divides by the larger edge, so on squares."""
    grid = _grid(initial_sampling_bias, numbers)
    return (grid / grid[:, :, :1].norm(dim=-1, keepdim=True)).flatten()


@mistake(steps.initial_sampling_bias, needs="several points")
def bias_same_for_points(initial_sampling_bias: Function, **numbers: int) -> Any:
    """All points of a head start one cell away; in the reference each one cell further."""
    grid = _grid(initial_sampling_bias, numbers)
    return grid[:, :, :1].expand_as(grid).flatten()


@mistake(steps.initial_sampling_bias)
def bias_points_from_0(initial_sampling_bias: Function, **numbers: int) -> Any:
    """The first point starts at the reference point; in the reference one cell away from it."""
    grid = _grid(initial_sampling_bias, numbers)
    return (grid - grid[:, :, :1]).flatten()


def _grid(initial_sampling_bias: Function, numbers: dict[str, int]) -> Tensor:
    """``(heads, levels, points, 2)``"""
    flat: Tensor = initial_sampling_bias(**numbers)
    shape = (numbers["num_heads"], numbers["num_levels"], numbers["num_points"], 2)
    return flat.view(shape)
