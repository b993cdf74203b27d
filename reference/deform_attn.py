"""mmcv's multi-scale deformable attention: its PyTorch form and its CUDA op, live."""

import warnings

import torch

from parity.errors import ReferenceUnavailable
from parity.steps.deform_attn import Shapes
from reference.compat import load_reference


def multi_scale_deformable_attention(
    value: torch.Tensor,
    spatial_shapes: Shapes,
    sampling_locations: torch.Tensor,
    attention_weights: torch.Tensor,
) -> torch.Tensor:
    """``multi_scale_deformable_attn_pytorch``."""
    load_reference()
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    shapes = torch.as_tensor(spatial_shapes)
    output: torch.Tensor = multi_scale_deformable_attn_pytorch(
        value, shapes, sampling_locations, attention_weights
    )
    return output


def deform_attn_cuda(
    value: torch.Tensor,
    spatial_shapes: Shapes,
    sampling_locations: torch.Tensor,
    attention_weights: torch.Tensor,
    *,
    im2col_step: int = 64,
) -> torch.Tensor:
    """The compiled op ``ms_deform_attn`` on the first GPU; the output is on the CPU again.

    Raises ReferenceUnavailable without a compiled mmcv or without a GPU.
    """
    if not load_reference().compiled_ops:
        raise ReferenceUnavailable("ms_deform_attn is compiled code, and this mmcv has none")
    if not torch.cuda.is_available():
        raise ReferenceUnavailable("ms_deform_attn of mmcv needs a CUDA device, and none is there")
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

    shapes = torch.as_tensor(spatial_shapes).cuda()
    areas = shapes.prod(1)
    output: torch.Tensor = MultiScaleDeformableAttnFunction.apply(
        value.cuda(),
        shapes,
        areas.cumsum(0) - areas,
        sampling_locations.cuda(),
        attention_weights.cuda(),
        im2col_step,
    )
    return output.cpu()


def initial_sampling_bias(num_heads: int, num_levels: int, num_points: int) -> torch.Tensor:
    """From a new ``MultiScaleDeformableAttention``."""
    load_reference()
    from mmcv.ops import MultiScaleDeformableAttention

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = MultiScaleDeformableAttention(
            embed_dims=num_heads,
            num_heads=num_heads,
            num_levels=num_levels,
            num_points=num_points,
        )
    bias: torch.Tensor = module.sampling_offsets.bias
    return bias.detach()
