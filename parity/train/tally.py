"""What was compared of two trainings, counted by quantity, and the first thing that differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from parity.compare.compare import compare
from parity.errors import InputError
from parity.train.observe import QUANTITIES
from parity.train.operations import OperationParting
from parity.train.sides import Observation

MISSING = "(nothing)"
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True)
class Parting:
    """Two values that are not bit-equal. iteration: from 1; 0 before the first.

    name: the module, parameter or other thing whose value it is. detail: how they differ.
    """

    iteration: int
    quantity: str
    name: str
    detail: str

    def __str__(self) -> str:
        when = f"iteration {self.iteration}" if self.iteration else "before the first iteration"
        return f"{when}, {self.quantity}, {self.name}: {self.detail}"


class Judge(Protocol):
    """What becomes of a value that is not bit-equal. word: what an excused one is."""

    word: str

    def excuses(self, quantity: str, actual: Any, expected: Any, third: Any) -> bool:
        """Whether `third`, of a third training, shows that it is no finding."""
        ...


@dataclass
class Count:
    """Of one quantity.

    largest: the largest absolute difference of numbers. relative: the largest of a tensor's
    over the largest number that the reference has in it. excused: those that are not
    bit-equal, and yet no finding by a third training; not among the differing ones.
    """

    compared: int = 0
    differing: int = 0
    excused: int = 0
    largest: float = 0.0
    relative: float = 0.0
    first: Parting | None = None


@dataclass
class LockstepTally:
    """Everything that was compared. operations: the first that part, where they were logged.

    stopped: why both sides ended early; "" if they did not.
    """

    counts: dict[str, Count] = field(default_factory=dict)
    first: Parting | None = None
    iterations: int = 0
    operations: OperationParting | None = None
    stopped: str = ""

    @property
    def listed(self) -> list[tuple[str, Count]]:
        """The counts in the order of an iteration."""
        return [(name, self.counts[name]) for name in QUANTITIES if name in self.counts]

    @property
    def excused(self) -> int:
        """How many values are not bit-equal, and no finding either."""
        return sum(count.excused for count in self.counts.values())

    def hold(
        self,
        actual: Observation,
        expected: Observation,
        third: Observation | None = None,
        judge: Judge | None = None,
    ) -> None:
        """Compare what both sides show of the same quantity.

        third: what a third training shows there, by which `judge` excuses what differs.
        """
        self.iterations = max(self.iterations, expected.iteration)
        ours, theirs = (dict(leaves(side.values)) for side in (actual, expected))
        judged = dict(leaves(third.values)) if third is not None else {}
        for name in (*theirs, *(name for name in ours if name not in theirs)):
            pair = ours.get(name, MISSING), theirs.get(name, MISSING)
            excused = (
                judge is not None
                and name in judged
                and not same(*pair)
                and judge.excuses(expected.quantity, *pair, judged[name])
            )
            self._note(expected, name, *pair, excused=excused)

    def apart(self, actual: Observation | None, expected: Observation | None) -> None:
        """Note that the sides show different things."""
        place = expected or actual
        assert place is not None
        detail = f"ours is at {_where(actual)}, the reference at {_where(expected)}"
        self._different(place, _name(place), detail)

    def _note(
        self, place: Observation, name: str, actual: Any, expected: Any, *, excused: bool = False
    ) -> None:
        count = self.counts.setdefault(place.quantity, Count())
        count.compared += 1
        if same(actual, expected):
            return
        largest, relative = distance(actual, expected)
        count.largest = max(count.largest, largest)
        count.relative = max(count.relative, relative)
        if excused:
            count.excused += 1
        else:
            # Told in full once: where nothing is equal any more, it would take the most time.
            self._different(place, name, describe(actual, expected) if not count.first else "")

    def _different(self, place: Observation, name: str, detail: str) -> None:
        count = self.counts.setdefault(place.quantity, Count())
        count.differing += 1
        found = Parting(place.iteration, place.quantity, name, detail)
        count.first = count.first or found
        self.first = self.first or found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor, array or plain value in `value`, with its path."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)) and any(map(_is_nested, value)):
        for index, part in enumerate(value):
            yield from leaves(part, f"{path}[{index}]")
    else:
        yield path, value


def _is_nested(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple, torch.Tensor, np.ndarray))


def same(actual: Any, expected: Any) -> bool:
    """Whether two values are equal in every bit; NaN equals NaN, and nothing equals None."""
    if isinstance(actual, torch.Tensor) and isinstance(expected, torch.Tensor):
        alike = all(
            getattr(actual, key) == getattr(expected, key) for key in ("shape", "dtype", "device")
        )
        return alike and torch.equal(_bits(actual), _bits(expected))
    if isinstance(actual, np.ndarray) and isinstance(expected, np.ndarray):
        return actual.dtype == expected.dtype and np.array_equal(actual, expected)
    return type(actual) is type(expected) and bool(actual == expected or actual is expected)


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    kind = _BITS.get(tensor.element_size())
    exact = tensor.dtype.is_complex or tensor.dtype.is_floating_point
    return tensor.detach().view(kind) if exact and kind else tensor.detach()


def distance(actual: Any, expected: Any) -> tuple[float, float]:
    """The largest absolute difference of two numbers or tensors; also over the largest expected.

    Infinite where one side is not finite and the other is otherwise; 0 of what has no numbers.
    """
    if not all(isinstance(value, (torch.Tensor, int, float)) for value in (actual, expected)):
        return 0.0, 0.0
    ours, theirs = (torch.as_tensor(value).detach().double() for value in (actual, expected))
    if ours.shape != theirs.shape or ours.numel() == 0:
        return 0.0, 0.0
    apart = (ours - theirs.to(ours.device)).abs().nan_to_num(nan=torch.inf)
    largest, size = float(apart.max()), float(theirs.abs().nan_to_num(posinf=0.0).max())
    return largest, largest / size if size else 0.0


def describe(actual: Any, expected: Any) -> str:
    """How two values differ, in words."""
    if isinstance(actual, torch.Tensor) and isinstance(expected, torch.Tensor):
        actual, expected = actual.detach().cpu(), expected.detach().cpu()
    try:
        found = compare(actual, expected)
    except InputError:
        return f"actual {_shown(actual)}, expected {_shown(expected)}"
    return f"{found.reason}: {found.detail}"


def _shown(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _name(place: Observation) -> str:
    return next((name for name, _ in leaves(place.values)), MISSING)


def _where(place: Observation | None) -> str:
    return "its end" if place is None else f"{place.quantity} {_name(place)}"
