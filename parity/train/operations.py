"""The operations of torch that a training runs, and the first whose results the other lacks."""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_LIBRARY = str(Path(torch.__file__).parent)
_HERE = (_LIBRARY, __file__)


@dataclass(frozen=True)
class TorchOperation:
    """One call. module: its path, where there is one. source: ``file.py:line``.

    inputs, outputs: digests of shape, kind and bytes of all tensors. options: what else it got.
    """

    name: str
    module: str
    source: str
    options: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        options = f" with {self.options}" if self.options else ""
        module = f" in {self.module}" if self.module else ""
        return f"{self.name}{options}{module}, {self.source}"


@dataclass(frozen=True)
class OperationParting:
    """The first operation on each side with a result that the other side has nowhere.

    None: all that this side computes is also on the other.
    """

    ours: TorchOperation | None
    theirs: TorchOperation | None


class OperationLog(TorchDispatchMode):
    """Notes every operation in a thread while it is `on`.

    An operation of a backward pass has the place of the forward operation that it belongs to.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.on = False
        self.operations: list[TorchOperation] = []
        self.names: dict[int, str] = {}
        self._made: dict[int, tuple[str, str]] = {}

    def name(self, model: nn.Module) -> None:
        """Know the modules of `model` by their paths."""
        modules = [*model.named_modules(), *getattr(model, "observed_modules", tuple)()]
        self.names = {id(module): name for name, module in modules if name}

    def take(self) -> list[TorchOperation]:
        """What ran since the last call."""
        taken, self.operations = self.operations, []
        return taken

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run `func`, between digests of what it gets and what it gives."""
        kwargs = kwargs or {}
        if not self.on or "empty" in str(func):  # memory as it was found is no result
            return func(*args, **kwargs)
        inputs = _digests((args, kwargs))  # now, for it may change them in place
        output = func(*args, **kwargs)
        place = self._place()
        self.operations.append(
            TorchOperation(str(func), *place, _options(args, kwargs), inputs, _digests(output))
        )
        return output

    def _place(self) -> tuple[str, str]:
        node = torch._C._current_autograd_node()
        if node is not None:
            module, source = self._made.get(node._sequence_nr(), ("", "the backward pass"))
            return module, f"{node.name()} of {source}"
        place = self._module(), _source()
        # The node of the graph was made just before, with the number before the next.
        self._made[torch.autograd._get_sequence_nr() - 1] = place
        return place

    def _module(self) -> str:
        for frame in _frames():
            owner = frame.f_locals.get("self")
            if id(owner) in self.names:
                return self.names[id(owner)]
        return ""


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _source() -> str:
    """The innermost line that is not torch's own."""
    for frame in _frames():
        file = frame.f_code.co_filename
        if not file.startswith(_HERE):
            return f"{Path(file).name}:{frame.f_lineno}"
    return ""


def _digests(value: Any) -> tuple[str, ...]:
    return tuple(_digest(part) for part in tree_leaves(value) if isinstance(part, Tensor))


def _digest(tensor: Tensor) -> str:
    shown = f"{tuple(tensor.shape)} {tensor.dtype}"
    if tensor.layout is not torch.strided or tensor.is_meta:
        return shown
    data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return f"{shown} {hashlib.blake2b(data, digest_size=12).hexdigest()}"


def _options(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    plain = [repr(value) for value in args if isinstance(value, (bool, int, float, str, list))]
    plain = [text for text in plain if "tensor" not in text]
    plain += [f"{key}={value!r}" for key, value in kwargs.items() if not isinstance(value, Tensor)]
    return f"({', '.join(plain)})" if plain else ""


def first_operations(
    ours: Iterable[TorchOperation], theirs: Iterable[TorchOperation]
) -> OperationParting:
    """Held by value: the same results in another order, or by other operations, are the same."""
    ours, theirs = list(ours), list(theirs)
    return OperationParting(_lacking(ours, theirs), _lacking(theirs, ours))


def _lacking(
    side: Sequence[TorchOperation], other: Sequence[TorchOperation]
) -> TorchOperation | None:
    known = {digest for one in other for digest in (*one.inputs, *one.outputs)}
    return next((one for one in side if not known.issuperset(one.outputs)), None)
