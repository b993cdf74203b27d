"""A user's own model in the place of the reference's, under the reference's names."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from parity.errors import InputError
from parity.sample import Batch
from parity.train.loop import Losses, Model
from parity.train.mapping import WeightMap, copy_weights, map_weights
from parity.train.models import run_on, takes_a_model, user_model
from parity.train.modules import execution_order, own_draws, pair_modules

_PARTS = ("backbone", "neck", "decode_head", "auxiliary_head")
Size = tuple[int, int]


@dataclass(frozen=True)
class Port:
    """text: how the user named `make`. given: see `map_weights`."""

    text: str
    make: Callable[..., Any]
    given: Mapping[str, str] = field(default_factory=dict)


class PortedModel:
    """Makes the reference's model and puts the user's into it.

    Weights and buffers that are mapped are the same tensors in both: whatever goes by name
    (drawing, groups, optimizer, what is shown) sees the reference's tree, whatever is
    computed goes through the user's modules. size: of the images that show the order of
    execution. weights, shown: the map, and the modules of which both sides show outputs,
    once `make` was called.
    """

    def __init__(self, reference: Model, port: Port, *, size: Size, device: str) -> None:
        self.reference, self.port, self.size, self.device = reference, port, size, device
        self.compiled_ops = reference.compiled_ops
        self.init_weights = reference.init_weights
        self.weights: WeightMap | None = None
        self.shown: frozenset[str] = frozenset()

    def make(self) -> nn.Module:
        """The reference's tree, with the user's weights and forward. Raises InputError."""
        tree, text = self.reference.make(), self.port.text
        with own_draws(0):
            given = [deepcopy(tree)] if takes_a_model(self.port.make) else []
            user = user_model(self.port.make, text, *given).to(self.device)
            run = run_on((torch.randn(2, 3, *self.size, device=self.device),))
            orders = execution_order(user, run), execution_order(tree, run)
        self.weights = map_weights(user, tree, given=self.port.given, orders=orders)
        pairs = pair_modules(user, tree, self.weights)
        self.shown = frozenset(pairs.values())
        copy_weights(user, tree, self.weights)  # some are drawn when a module is made
        _share(user, tree, self.weights)
        _run_through(user, tree, text)
        return _observed(user, tree, pairs)

    def own_loss(
        self, head: nn.Module, inputs: tuple[Any, ...], batch: Batch, train_cfg: Any
    ) -> Losses:
        """As of the reference; the head's forward is the user's."""
        return self.reference.own_loss(head, inputs, batch, train_cfg)

    def own_logits(self, model: nn.Module, images: Tensor, metas: tuple[Any, ...]) -> Tensor:
        """As of the reference; all that its parts compute is the user's."""
        return self.reference.own_logits(model, images, metas)

    @property
    def notes(self) -> Iterator[str]:
        """What has no counterpart, for the report."""
        if self.weights is not None:
            yield f"our side: {self.port.text}, {len(self.weights.tensors):,} tensors mapped"
            for side, names in (
                (self.port.text, self.weights.only_ours),
                ("the reference", self.weights.only_theirs),
            ):
                if names:
                    yield f"weights only in {side}: {', '.join(names)}"


def _share(user: nn.Module, tree: nn.Module, weights: WeightMap) -> None:
    """Put the user's tensors into the tree; its further parameters below ``only_ours``."""
    own = {**dict(user.named_parameters()), **dict(user.named_buffers())}
    for here, there in weights.tensors.items():
        owner, _, name = there.rpartition(".")
        module, value = tree.get_submodule(owner), own[here]
        held = module._parameters if isinstance(value, nn.Parameter) else module._buffers
        held[name] = value  # type: ignore[assignment]
    more = {name.replace(".", "_"): own[name] for name in weights.only_ours}
    params = {name: value for name, value in more.items() if isinstance(value, nn.Parameter)}
    if params:
        tree.add_module("only_ours", nn.ParameterDict(params))


def _run_through(user: nn.Module, tree: nn.Module, text: str) -> None:
    """What the tree's parts compute, the user's compute from now on."""
    train = tree.train

    def both(mode: bool = True) -> nn.Module:
        user.train(mode)
        return train(mode)

    tree.train = both  # type: ignore[method-assign]
    if not hasattr(user, "decode_head"):
        _run_whole(user, tree, text)
        return
    for name in _PARTS:
        part: Any = getattr(tree, name, None)
        own: Any = getattr(user, name, None)
        if (part is None) != (own is None):
            raise InputError(f"{text}: {'has no' if own is None else 'has a'} {name}")
        if part is None:
            continue
        if "head" not in name:
            part.forward = own.__call__  # a module itself would become a part of `part`
            continue
        for head, mine in _heads(part, own):
            head.forward = mine.forward


def _run_whole(user: nn.Module, tree: Any, text: str) -> None:
    """A model without heads gives the logits of the one head."""
    if getattr(tree, "auxiliary_head", None) is not None or isinstance(
        tree.decode_head, nn.ModuleList
    ):
        raise InputError(
            f"{text}: has no decode_head, but the config has several heads; give the model the "
            f"parts {', '.join(_PARTS)}, or train with --option model.auxiliary_head=None"
        )
    tree.backbone.forward = user.__call__
    for part in (getattr(tree, "neck", None), tree.decode_head):
        if part is not None:
            part.forward = lambda logits: logits


def _heads(part: Any, own: Any) -> Iterator[tuple[Any, Any]]:
    several = isinstance(part, nn.ModuleList)
    return zip(part if several else [part], own if several else [own], strict=True)


def _observed(user: nn.Module, tree: nn.Module, pairs: Mapping[str, str]) -> nn.Module:
    """With the modules that a watcher finds: the user's, by the reference's names."""
    modules = dict(user.named_modules())
    found = [(there, modules[here]) for here, there in pairs.items()]
    tree.observed_modules = lambda: found  # type: ignore[assignment]
    return tree
