"""``OptimWrapper`` (mmengine): clipping, accumulation and updates, live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from parity.steps.optim import UNKNOWN, Accumulation, Clipped
from parity.steps.optim.training import record
from reference.compat import load_reference
from reference.optim.groups import quiet


def clip_gradients(
    gradients: Sequence[torch.Tensor | None], *, clip_grad: Mapping[str, Any] | None
) -> Clipped:
    """As in ``parity.steps.optim``, through ``OptimWrapper.step`` with a learning rate of 0."""
    load_reference()
    from mmengine.logging import MessageHub

    params = [nn.Parameter(torch.zeros(())) for _ in gradients]
    for param, gradient in zip(params, gradients, strict=True):
        if gradient is not None:
            param.data = torch.zeros_like(gradient)
            param.grad = gradient.clone()
    wrapper = _wrapper(torch.optim.SGD(params or [nn.Parameter(torch.zeros(1))], lr=0.0), clip_grad)
    wrapper.message_hub = MessageHub("parity")  # a fresh one, with no norm from before
    wrapper.step()
    scalars = wrapper.message_hub.log_scalars
    norm = scalars["train/grad_norm"].current() if "train/grad_norm" in scalars else None
    return Clipped([param.grad for param in params], None if norm is None else float(norm))


def scale_loss(
    loss: torch.Tensor, *, inner_count: int, accumulative_counts: int, max_counts: int = UNKNOWN
) -> torch.Tensor:
    """``OptimWrapper.scale_loss``."""
    wrapper = _counting_wrapper(accumulative_counts, max_counts, inner_count)
    scaled: torch.Tensor = wrapper.scale_loss(loss)
    return scaled


def should_update(*, inner_count: int, accumulative_counts: int, max_counts: int = UNKNOWN) -> bool:
    """``OptimWrapper.should_update``."""
    return bool(_counting_wrapper(accumulative_counts, max_counts, inner_count).should_update())


def accumulation_plan(
    *, accumulative_counts: int, max_counts: int, init_counts: int = 0
) -> tuple[Accumulation, ...]:
    """As in ``parity.steps.optim``, from one wrapper that counts through all batches."""
    wrapper = _counting_wrapper(accumulative_counts, max_counts, init_counts)
    plan = []
    for _ in range(init_counts, max_counts):
        loss = wrapper.scale_loss(_Loss())
        wrapper.backward(loss)
        plan.append(Accumulation(loss.factor, wrapper.should_update()))
    return tuple(plan)


def train(
    model: nn.Module,
    inputs: Iterable[torch.Tensor],
    *,
    optimizer: Mapping[str, Any],
    paramwise_cfg: Mapping[str, Any] | None = None,
    accumulative_counts: int = 1,
    clip_grad: Mapping[str, Any] | None = None,
    max_counts: int = UNKNOWN,
    init_counts: int = 0,
) -> list[dict[str, Any]]:
    """As in ``parity.steps.optim``, with ``OptimWrapper.update_params``."""
    load_reference()
    from mmengine.optim import build_optim_wrapper

    config = {
        "type": "OptimWrapper",
        "optimizer": dict(optimizer),
        "paramwise_cfg": deepcopy(paramwise_cfg),
        "accumulative_counts": accumulative_counts,
        "clip_grad": deepcopy(clip_grad),
    }
    records: list[dict[str, Any]] = []
    with quiet():
        wrapper = build_optim_wrapper(model, config)
        wrapper.initialize_count_status(model, init_counts, max_counts)
        zero_grad = wrapper.zero_grad

        def note_and_zero() -> None:
            records.append(record(model))
            zero_grad()

        wrapper.zero_grad = note_and_zero
        for done, batch in enumerate(inputs, 1):
            wrapper.update_params(model(batch).square().mean())
            if len(records) < done:  # no update, so nothing was zeroed
                records.append(record(model))
    return records


class _Loss:
    """A loss that notes what it is divided by."""

    factor = 1

    def __truediv__(self, factor: int) -> _Loss:
        divided = _Loss()
        divided.factor = factor
        return divided

    def backward(self) -> None:
        """Nothing to differentiate."""


def _counting_wrapper(accumulative_counts: int, max_counts: int, inner_count: int) -> Any:
    """A wrapper at `inner_count`; mmengine's default when the end is unknown."""
    load_reference()
    model = nn.Linear(1, 1)
    with quiet():
        wrapper = _wrapper(torch.optim.SGD(model.parameters(), lr=0.0), None, accumulative_counts)
        wrapper.initialize_count_status(model, inner_count, max_counts)
    return wrapper


def _wrapper(
    optimizer: torch.optim.Optimizer,
    clip_grad: Mapping[str, Any] | None,
    accumulative_counts: int = 1,
) -> Any:
    from mmengine.optim import OptimWrapper

    return OptimWrapper(optimizer, accumulative_counts, deepcopy(clip_grad))
