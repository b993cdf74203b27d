"""What is seen of a training: the quantities, in the order in which an iteration makes them."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

# The quantities of an iteration, in order; "start" ones are seen once, before the first.
START = "generators before"
QUANTITIES = (
    "parameters at the start",
    "buffers at the start",
    START,
    "sample indices",
    "generators after loading",
    "rates by group",
    "batch",
    "activations",
    "logits",
    "losses",
    "generators after the losses",
    "loss to descend",
    "gradients",
    "norm before clipping",
    "gradients to step with",
    "parameters",
    "buffers",
    "optimizer state",
    "gradients left over",
    "averaged model",
    "activations in validation",
    "logits in validation",
    "scores",
)
# What an iteration changes, besides the parameters.
LEFT_BEHIND = ("buffers", "optimizer state", "gradients left over", "averaged model")
Values = Mapping[str, Any]


class Observer:
    """Is called with each quantity; this one looks at nothing.

    model, optimizer: of the training that calls it, from its start on. validating: whether
    a validation is going on.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    validating = False

    def __call__(self, quantity: str, values: Values) -> None:
        """See `values` by name; they may change as soon as this returns."""

    def begin(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """See the weights at the start, and watch the model and the updates from now on."""
        self.model, self.optimizer = model, optimizer
        self("parameters at the start", dict(model.named_parameters()))
        self("buffers at the start", dict(model.named_buffers()))
        watch_forward(model, self)
        optimizer.register_step_pre_hook(
            lambda *_: self("gradients to step with", gradients(model))
        )

    def end_iteration(self) -> None:
        """See what the iteration leaves behind."""
        self("parameters", dict(self.model.named_parameters()))
        self("buffers", dict(self.model.named_buffers()))
        self("optimizer state", optimizer_state(self.model, self.optimizer))
        self("gradients left over", gradients(self.model))


def watch_forward(model: nn.Module, observe: Observer) -> None:
    """Show every module's output as it is made, and what the heads give.

    Left out are the model itself, its preprocessor, and the modules of the losses that
    are computed by functions on our side.
    """
    modules = getattr(model, "observed_modules", model.named_modules)  # PortedModel has its own
    for name, module in modules():
        if name and not name.startswith("data_preprocessor") and ".loss_decode" not in name:
            module.register_forward_hook(_shown(observe, name))
    for name in ("decode_head", "auxiliary_head"):
        found = getattr(model, name, None)
        heads = found if isinstance(found, nn.ModuleList) else [found] if found else []
        for index, head in enumerate(heads):
            path = f"{name}.{index}" if isinstance(found, nn.ModuleList) else name
            # A head is not called: its forward is, by its loss.
            head.forward = _watched(head.forward, observe, path)


def _shown(observe: Observer, name: str) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any, output: Any) -> None:
        observe(f"activations{_when(observe)}", {name: output})

    return hook


def _watched(forward: Callable[..., Any], observe: Observer, name: str) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        observe(f"logits{_when(observe)}", {name: output})
        return output

    return watched


def _when(observe: Observer) -> str:
    return " in validation" if observe.validating else ""


class GradientOrder:
    """The names of the parameters in the order in which a backward pass reaches them."""

    def __init__(self, model: nn.Module) -> None:
        self.names: list[str] = []
        for name, param in model.named_parameters():
            if param.requires_grad:
                hook = self._noting(name)
                param.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]

    def _noting(self, name: str) -> Callable[[torch.Tensor], None]:
        return lambda param: self.names.append(name)

    def take(self, model: nn.Module) -> Values:
        """The gradients in that order, which begins anew."""
        params = dict(model.named_parameters())
        found = {name: params[name].grad for name in dict.fromkeys(self.names)}
        self.names.clear()
        return found


def gradients(model: nn.Module) -> Values:
    """The gradients that there are, by parameter."""
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> Values:
    """What the optimizer keeps, by parameter and key."""
    return {
        f"{name}.{key}": value
        for name, param in model.named_parameters()
        for key, value in optimizer.state.get(param, {}).items()
    }


def rates(model: nn.Module, optimizer: torch.optim.Optimizer) -> Values:
    """Each group's options, named by its number; and the names of its parameters."""
    names = {id(param): name for name, param in model.named_parameters()}
    found: dict[str, Any] = {}
    for index, group in enumerate(optimizer.param_groups):
        members = [names[id(param)] for param in group["params"]]
        where = f"group {index} ({members[0]}{', ...' if len(members) > 1 else ''})"
        found[f"{where}.members"] = ", ".join(members)
        known = ("lr", *sorted(set(optimizer.defaults) - {"lr"}))
        found.update({f"{where}.{key}": group[key] for key in known if key in group})
    return found


def generators(device: str = "cpu") -> Values:
    """The states of Python's, NumPy's and torch's generators."""
    _, key, *rest = np.random.get_state(legacy=True)
    found = {
        "Python": random.getstate(),
        "NumPy": (np.array(key), *rest),
        "torch": torch.get_rng_state(),
    }
    if device.startswith("cuda"):
        found["torch on cuda"] = torch.cuda.get_rng_state()
    return found


def set_generators(states: Values) -> None:
    """Bring the generators into `states`."""
    random.setstate(states["Python"])
    np.random.set_state(("MT19937", *states["NumPy"]))
    torch.set_rng_state(states["torch"])
    if "torch on cuda" in states:
        torch.cuda.set_rng_state(states["torch on cuda"])
