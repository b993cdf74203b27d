"""Which weight of one model is which of another: as told, by name, by order and shape."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import torch
from torch import Tensor, nn

from parity.errors import InputError

Pairs = dict[str, str]


@dataclass(frozen=True)
class WeightMap:
    """tensors: names in the ``state_dict`` of ours, each with its name in theirs.

    only_ours, only_theirs: weights without a counterpart, which keep their values.
    """

    tensors: Mapping[str, str]
    only_ours: tuple[str, ...]
    only_theirs: tuple[str, ...]

    @property
    def modules(self) -> Pairs:
        """The modules that own mapped weights; one with weights of several keeps its first."""
        found: Pairs = {}
        for ours, theirs in self.tensors.items():
            found.setdefault(_owner(ours), _owner(theirs))
        return found


def read_map(file: Path) -> Pairs:
    """Names of theirs with those of ours, from a JSON object. Raises InputError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{file}: cannot be read as JSON: {error}") from error
    texts = content.items() if isinstance(content, dict) else ((content, None),)
    if not all(isinstance(name, str) for pair in texts for name in pair):
        raise InputError(f'{file}: give one JSON object, {{"name in theirs": "name in ours"}}')
    return dict(content)


def map_weights(
    ours: nn.Module,
    theirs: nn.Module,
    *,
    given: Mapping[str, str],
    orders: tuple[Sequence[str], Sequence[str]],
) -> WeightMap:
    """Pair the weights and buffers of two models; two of a pair have the same shape.

    given: names of weights or modules of theirs, with those of ours. orders: the modules of
    ours and of theirs as they are executed. Raises InputError for a name in `given` that a
    model lacks, and for shapes that do not fit.
    """
    left = [
        _by_execution(model, order) for model, order in zip((ours, theirs), orders, strict=True)
    ]
    found: Pairs = {}
    for there, here in _told(given, *left) + _same_names(*left):
        if here in left[0] and there in left[1]:
            found[here] = there
            del left[0][here], left[1][there]
    found |= _in_order(*left)
    kept = set(found.values())
    return WeightMap(
        found,
        tuple(name for name in left[0] if name not in found),
        tuple(name for name in left[1] if name not in kept),
    )


@torch.no_grad()
def copy_weights(ours: nn.Module, theirs: nn.Module, mapped: WeightMap) -> None:
    """Give `ours` the values of `theirs`."""
    targets, sources = ours.state_dict(), theirs.state_dict()
    for here, there in mapped.tensors.items():
        targets[here].copy_(sources[there])


def _by_execution(model: nn.Module, order: Sequence[str]) -> dict[str, Tensor]:
    """The state in the order in which its modules first run; of those that do not run, last."""
    place = {name: at for at, name in reversed(list(enumerate(order)))}
    state: dict[str, Tensor] = model.state_dict()
    return dict(sorted(state.items(), key=lambda item: place.get(_owner(item[0]), len(order))))


def _told(
    given: Mapping[str, str], ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]
) -> list[tuple[str, str]]:
    found = []
    for there, here in given.items():
        names = [name for name in theirs if name == there or name.startswith(f"{there}.")]
        pairs = [(name, here + name.removeprefix(there)) for name in names]
        missing = [pair[1] for pair in pairs if pair[1] not in ours]
        if not names or missing:
            side, name = ("theirs", there) if not names else ("ours", missing[0])
            raise InputError(f"map {there!r}: {here!r}: {side} has no weight {name!r}")
        for name, own in pairs:
            if ours[own].shape != theirs[name].shape:
                shapes = f"{tuple(ours[own].shape)} beside {tuple(theirs[name].shape)}"
                raise InputError(f"map {name!r}: {own!r}: shapes do not fit, {shapes}")
        found += pairs
    return found


def _same_names(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> list[tuple[str, str]]:
    return [
        (name, name) for name in theirs if name in ours and ours[name].shape == theirs[name].shape
    ]


def _in_order(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> Pairs:
    """Weights of the same kind and shape, in the same order; what lies between is left out."""
    kinds, others = ([_kind(*item) for item in side.items()] for side in (ours, theirs))
    names = list(ours), list(theirs)
    found: Pairs = {}
    for block in SequenceMatcher(None, kinds, others, autojunk=False).get_matching_blocks():
        here, there = (
            side[at : at + block.size] for side, at in zip(names, (block.a, block.b), strict=True)
        )
        found.update(zip(here, there, strict=True))
    return found


def _kind(name: str, value: Tensor) -> tuple[str, tuple[int, ...]]:
    return name.rpartition(".")[2], tuple(value.shape)


def _owner(name: str) -> str:
    return name.rpartition(".")[0]
