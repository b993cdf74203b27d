"""Gradients of what a function gives, taken the same way on every side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

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


def with_gradients(
    function: Callable[..., Tensor | Sequence[Tensor]],
    value: Mapping[str, Any],
    names: Sequence[str] = ("value", "sampling_locations", "attention_weights"),
) -> dict[str, Any]:
    """Output of `function` on what `value` holds, and gradients of `names` for ``grad_output``.

    None is the gradient of what the output does not depend on.
    """
    leaves = {name: value[name].detach().clone().requires_grad_() for name in names}
    rest = {name: one for name, one in value.items() if name not in (*names, "grad_output")}
    output = function(**rest, **leaves)
    parts = (output,) if isinstance(output, Tensor) else tuple(output)
    gradients: Sequence[Tensor | None] = [None] * len(leaves)
    if any(part.requires_grad for part in parts):
        inputs, outer = list(leaves.values()), value["grad_output"]
        gradients = torch.autograd.grad(parts, inputs, outer, allow_unused=True)
    named = {f"grad_{name}": one for name, one in zip(names, gradients, strict=True)}
    detached = tuple(part.detach() for part in parts)
    return {"output": detached[0] if isinstance(output, Tensor) else detached, **named}
