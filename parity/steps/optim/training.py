"""A few iterations of training with groups, accumulation and clipping.

Reproduces ``OptimWrapper.update_params`` (mmengine 0.10.7
mmengine/optim/optimizer/optimizer_wrapper.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from parity.steps.optim.accumulate import UNKNOWN, scale_loss, should_update
from parity.steps.optim.clip import clip_gradients
from parity.steps.optim.groups import ParamGroup, optimizer_class, param_groups


def build_optimizer(
    model: nn.Module, groups: Sequence[ParamGroup], *, optimizer: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """The torch optimizer a config names, over `groups` of `model`'s parameters.

    Raises InputError for a name that torch.optim does not have.
    """
    options = dict(optimizer)
    name = options.pop("type")
    make: Any = optimizer_class(name)
    params = dict(getattr(model, "module", model).named_parameters())
    listed = [
        {
            **group.options,
            "params": [params[name] for name in group.names],
            "lr": group.lr,
            "weight_decay": group.weight_decay,
        }
        for group in groups
    ]
    built: torch.optim.Optimizer = make(listed, **options)
    return built


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
    """Train `model`, in place, to give zeros; what each batch left behind.

    optimizer: as in a config, with type and lr. Each record holds
    the `gradients` after clipping, where an update took place, and the
    `parameters` after it, both by name.
    """
    groups = param_groups(
        model,
        lr=optimizer["lr"],
        weight_decay=optimizer.get("weight_decay"),
        optimizer=optimizer["type"],
        paramwise_cfg=paramwise_cfg,
    )
    updater = build_optimizer(model, groups, optimizer=optimizer)
    counts = {"accumulative_counts": accumulative_counts, "max_counts": max_counts}
    records = []
    for done, batch in enumerate(inputs, init_counts):
        loss = scale_loss(model(batch).square().mean(), inner_count=done, **counts)
        torch.autograd.backward(loss)
        updates = should_update(inner_count=done + 1, **counts)
        if updates:
            _clip_in_place(updater, clip_grad)
            updater.step()
        records.append(record(model))
        if updates:
            updater.zero_grad()
    return records


def record(model: nn.Module) -> dict[str, Any]:
    """Copies of the gradients and parameters of `model`, by name."""
    named = list(model.named_parameters())
    gradients = {name: None if p.grad is None else p.grad.clone() for name, p in named}
    return {"gradients": gradients, "parameters": {name: p.detach().clone() for name, p in named}}


def _clip_in_place(optimizer: torch.optim.Optimizer, clip_grad: Mapping[str, Any] | None) -> None:
    params = [param for group in optimizer.param_groups for param in group["params"]]
    clipped = clip_gradients([param.grad for param in params], clip_grad=clip_grad)
    for param, gradient in zip(params, clipped.gradients, strict=True):
        param.grad = gradient
