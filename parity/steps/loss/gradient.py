"""Value and gradient of a loss, in one step.

Both sides use this helper, so that what differs is the loss and not the way
its gradient was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from numpy.random import RandomState
from torch import Tensor

Tensors = Mapping[str, Tensor]


def with_grad(loss: Callable[..., Tensor]) -> Callable[..., dict[str, Tensor | None]]:
    """The step ``<name of loss>_with_grad``: ``(value, rng, **options)`` to loss and gradient.

    `value` maps ``"pred"`` and the loss's further tensor arguments (``"label"``,
    ``"weight"``) to tensors. The step gives ``{"loss": ..., "grad": ...}``.
    """

    def step(
        value: Tensors, rng: RandomState | None = None, **options: Any
    ) -> dict[str, Tensor | None]:
        with torch.enable_grad():
            pred = leaf_of(value)
            others = {name: tensor for name, tensor in value.items() if name != "pred"}
            result = loss(pred, **others, **options)
            return {"loss": result.detach(), "grad": gradient(result, pred)}

    name = f"{loss.__name__}_with_grad"
    step.__name__ = step.__qualname__ = name
    step.__module__ = loss.__module__
    step.__doc__ = f"Value and gradient of :func:`{loss.__name__}`; see :func:`with_grad`."
    return step


def leaf_of(value: Tensors) -> Tensor:
    """``value["pred"]`` as a tensor of its own that gathers a gradient."""
    return value["pred"].detach().requires_grad_()


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
