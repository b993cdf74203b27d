"""A deformable attention op whose launches fail, beside one that runs."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
import torch

from reference.compat import load_reference
from reference.training import BACKWARD_LAUNCH, FORWARD_LAUNCH, call_before, zero_deform_attn

pytestmark = pytest.mark.live


def train_once(context):
    """Gradients by name, what was added to the input, and the module, after one backward pass."""
    load_reference()
    from mmcv.ops import MultiScaleDeformableAttention  # noqa: TID251  # the op under test

    torch.manual_seed(0)
    module = MultiScaleDeformableAttention(
        embed_dims=32, num_heads=8, num_levels=2, dropout=0.0, batch_first=True
    )
    shapes = torch.tensor([[2, 3], [4, 5]])
    query = torch.randn(2, 26, 32)
    points = torch.rand(2, 26, 2, 2)
    with context:
        output = module(query, reference_points=points, spatial_shapes=shapes)
        output.square().sum().backward()
    added = (output - query).detach()
    return {name: param.grad for name, param in module.named_parameters()}, added, module


def test_zero_forward_and_backward():
    launches = []
    gradients, added, module = train_once(zero_deform_attn(launches.append))
    assert launches == [FORWARD_LAUNCH, BACKWARD_LAUNCH]
    assert torch.equal(added, torch.zeros_like(added) + module.output_proj.bias)
    for name, gradient in gradients.items():
        # As AdamW needs it to decay a weight: zero, not absent.
        assert gradient is not None
        assert bool(gradient.any()) == (name == "output_proj.bias"), name


def test_healthy_control():
    gradients, added, _ = train_once(contextlib.nullcontext())
    assert added.any()
    for name in ("value_proj.weight", "output_proj.weight", "attention_weights.bias"):
        assert gradients[name].any(), name


def test_the_op_is_whole_again_afterwards():
    with pytest.raises(KeyError), zero_deform_attn():
        raise KeyError
    gradients, _, _ = train_once(contextlib.nullcontext())
    assert gradients["value_proj.weight"].any()


def test_call_before_comes_before_the_hooks_of_one_point():
    order = []
    runner = SimpleNamespace(call_hook=lambda name, **values: order.append((name, values)))
    call_before(runner, "before_train_iter", lambda **values: order.append(("action", values)))
    runner.call_hook("before_train")
    runner.call_hook("before_train_iter", batch_idx=3)
    assert order == [
        ("before_train", {}),
        ("action", {"batch_idx": 3}),
        ("before_train_iter", {"batch_idx": 3}),
    ]
