"""Values that are not bit-equal, held to a third training: the reference again, or in float64."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from parity.train.tally import same

# Our distance to float64 over the reference's own, at most. Repeats of the reference, with
# sums in the order of one and of two threads, come up to 6.3: see docs/training.md.
BOUND = 16.0
# Of so few numbers the reference may come close to float64 by chance.
FEW = 16


class RepeatJudge:
    """Excuses what the reference itself has otherwise when it trains again."""

    word = "not deterministic"
    largest: Mapping[str, float] = {}

    def excuses(self, quantity: str, actual: Any, expected: Any, third: Any) -> bool:
        """Whether `expected` and `third`, of the reference's two trainings, differ."""
        return not same(third, expected)


class Float64Judge:
    """Excuses what is about as far from the same step in float64 as the reference is.

    largest: ratio of the distances of each quantity. A distance is the norm of a difference,
    and the reference's counts as half a unit in the last place at least. Of up to FEW numbers
    it counts as the largest, relative, of all tensors of the quantity so far.
    """

    word = "as far from float64"

    def __init__(self) -> None:
        self.largest: dict[str, float] = {}
        self._usual: dict[str, float] = {}

    def excuses(self, quantity: str, actual: Any, expected: Any, third: Any) -> bool:
        """Whether the ratio of the distances of `actual` and `expected` is up to BOUND."""
        ratio = self._ratio(quantity, actual, expected, third)
        self.largest[quantity] = max(self.largest.get(quantity, 0.0), ratio)
        return ratio <= BOUND

    def _ratio(self, quantity: str, actual: Any, expected: Any, third: Any) -> float:
        if not all(isinstance(value, (Tensor, float)) for value in (actual, expected, third)):
            return torch.inf
        kind = expected.dtype if isinstance(expected, Tensor) else torch.float32
        ours, theirs, truth = (
            torch.as_tensor(value).detach().double() for value in (actual, expected, third)
        )
        if not ours.shape == theirs.shape == truth.shape or not kind.is_floating_point:
            return torch.inf
        size, own = float(truth.norm()), float((theirs - truth).norm())
        usual = max(self._usual.get(quantity, 0.0), own / size if size else 0.0)
        self._usual[quantity] = usual
        least = max(torch.finfo(kind).eps / 2, usual if truth.numel() <= FEW else 0.0) * size
        return float((ours - truth).norm()) / (max(own, least) or torch.inf)


def judge_of(*, precise: bool, repeat: bool) -> Float64Judge | RepeatJudge | None:
    """The judge that was asked for, if any."""
    return Float64Judge() if precise else RepeatJudge() if repeat else None


class Float32Draws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Random numbers that are asked for in float64 are drawn in float32, as elsewhere.

    A float64 takes more of the stream, and all later draws would be others.
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run `func`, a random one in float32."""
        kwargs = dict(kwargs or {})
        # Attention has the tag for the sake of its dropout, which is computed inside.
        draws = torch.Tag.nondeterministic_seeded in func.tags and "attention" not in str(func)
        if draws and kwargs.get("dtype") is torch.float64:
            return func(*args, **{**kwargs, "dtype": torch.float32}).double()
        first = args[0] if args else None
        if not draws or not isinstance(first, Tensor) or first.dtype is not torch.float64:
            return func(*args, **kwargs)
        found = func(first.float(), *args[1:], **kwargs)
        if func._schema.is_mutable:
            return first.copy_(found)
        return tuple(map(_wide, found)) if isinstance(found, tuple) else _wide(found)


def _wide(value: Any) -> Any:
    narrow = isinstance(value, Tensor) and value.dtype is torch.float32
    return value.double() if narrow else value
