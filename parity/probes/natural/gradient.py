"""Gradients of what a function gives, taken the same way on every side."""

from __future__ import annotations

import torch
from torch import Tensor


def leaf_of(tensor: Tensor) -> Tensor:
    """`tensor` as one of its own that gathers a gradient."""
    return tensor.detach().requires_grad_()


def gradient(loss: Tensor, pred: Tensor) -> Tensor | None:
    """Gradient of `loss` with respect to `pred`; None where `loss` does not depend on it.

    The elements of an unreduced loss count 0.5 to 1.5 times, in rising order,
    so that exchanged elements show.
    """
    if not loss.requires_grad:
        return None
    ramp = torch.linspace(0.5, 1.5, loss.numel(), dtype=loss.dtype).reshape(loss.shape)
    outer = torch.ones_like(loss) if loss.numel() == 1 else ramp.to(loss.device)
    return torch.autograd.grad(loss, pred, outer, allow_unused=True)[0]
