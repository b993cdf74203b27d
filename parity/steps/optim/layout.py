"""Small models described by plain values, so that an input can be stored and compared."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from parity.errors import InputError

# A container: child name -> container, layer or alias. "class" names its class and
# "frozen": True freezes it. A layer: (name of a torch.nn class or "Parameter", its sizes ...).
# An alias: the dotted path of a child built earlier, which is then shared.
Layout = Mapping[str, Any]
# Gives a model that is too large to be described.
Maker = Callable[[], nn.Module]


class _Sequence(nn.Module):
    """Feeds its input through its children in order."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for child in self.children():
            x = child(x)
        return x


def build_model(layout: Layout | Maker, *, seed: int = 0) -> nn.Module:
    """The model `layout` describes, with normal parameters drawn from `seed`.

    Raises InputError for a layer that torch.nn does not have.
    """
    if callable(layout):
        return layout()
    root = _container(layout)
    _fill(root, layout, root)
    generator = torch.Generator().manual_seed(seed)
    for param in root.parameters():
        param.data = torch.randn(param.shape, generator=generator)
    return root


def _container(layout: Layout) -> nn.Module:
    cls = type(str(layout.get("class", "Model")), (_Sequence,), {})
    container: nn.Module = cls()
    return container


def _fill(module: nn.Module, layout: Layout, root: nn.Module) -> None:
    for name, part in layout.items():
        if name in ("class", "frozen"):
            continue
        if isinstance(part, Mapping):
            child = _container(part)
            module.add_module(name, child)
            _fill(child, part, root)
        elif isinstance(part, str):
            module.add_module(name, root.get_submodule(part))
        else:
            _add_layer(module, name, *part)
    if layout.get("frozen"):
        module.requires_grad_(False)


def _add_layer(module: nn.Module, name: str, kind: str, *sizes: Any) -> None:
    if kind == "Parameter":
        module.register_parameter(name, nn.Parameter(torch.zeros(sizes)))
        return
    cls = getattr(nn, kind, None)
    if cls is None:
        raise InputError(f"{name}: torch.nn has no layer {kind!r}")
    module.add_module(name, cls(*sizes))
