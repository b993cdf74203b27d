"""Random streams on two sides: record every draw, compare states and draws."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from unittest import mock

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

# Every sampling method of RandomState; the module np.random has the same names.
DRAW_METHODS = tuple(
    name
    for name in dir(RandomState)
    if not name.startswith("_") and name not in ("get_state", "set_state", "seed")
)


@dataclass(frozen=True, eq=False)
class GeneratorState:
    """State of a Mersenne Twister: 624 words, position, and the spare Gaussian."""

    key: NDArray[np.uint32]
    position: int
    has_gauss: int
    cached_gaussian: float

    @classmethod
    def of(cls, rng: RandomState) -> GeneratorState:
        """The state `rng` is in now."""
        _, key, position, has_gauss, cached = rng.get_state(legacy=True)
        return cls(np.array(key, dtype=np.uint32), int(position), int(has_gauss), float(cached))

    def apply_to(self, rng: RandomState) -> None:
        """Bring `rng` into this state."""
        rng.set_state(("MT19937", self.key, self.position, self.has_gauss, self.cached_gaussian))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, GeneratorState)
            and self.position == other.position
            and self.has_gauss == other.has_gauss
            and self.cached_gaussian == other.cached_gaussian
            and np.array_equal(self.key, other.key)
        )

    __hash__ = None  # type: ignore[assignment]  # holds an array

    @property
    def seed(self) -> int:
        """A number made of this state: other generators beside a candidate start from it."""
        return (int(self.key[0]) ^ int(self.key[1]) ^ self.position) & 0xFFFFFFFF

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that name this state in reports."""
        tail = f"{self.position},{self.has_gauss},{self.cached_gaussian!r}".encode()
        return hashlib.sha256(self.key.tobytes() + tail).hexdigest()[:12]


@dataclass(frozen=True)
class Draw:
    """One call of a generator: method, arguments as written, value drawn."""

    name: str
    arguments: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}({self.arguments}) = {self.value}"


@dataclass(frozen=True)
class DrawDifference:
    """The first draw that is not the same; a side that has no such draw shows "none"."""

    position: int
    actual: str
    expected: str

    def __str__(self) -> str:
        return f"draw {self.position}: actual {self.actual}, expected {self.expected}"


class RecordingRandomState(RandomState):
    """A RandomState that keeps a list of its draws."""

    draws: list[Draw]
    _inside: bool

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed)
        self.draws = []
        self._inside = False

    @classmethod
    def from_state(cls, state: GeneratorState) -> RecordingRandomState:
        """A generator in `state` with no draws yet."""
        rng = cls(0)
        state.apply_to(rng)
        return rng

    def record(
        self, name: str, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call and keep what was drawn; draws that a draw makes itself are not kept."""
        if self._inside:
            return call(*args, **kwargs)
        self._inside = True
        try:
            value = call(*args, **kwargs)
        finally:
            self._inside = False
        listed = _arguments(name, args, kwargs)
        self.draws.append(Draw(name, ", ".join(listed), _plain(value)))
        return value


def _arguments(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Arguments as text, the same for calls that mean the same: randint(2) reads "0, 2"."""
    if name == "randint" and len(args) == 1 and kwargs.get("high") is None:
        args = (0, *args)
    named = [f"{key}={_plain(value)}" for key, value in kwargs.items() if value is not None]
    return [_plain(arg) for arg in args] + named


def _plain(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)


def _recorded(name: str) -> Callable[..., Any]:
    original = getattr(RandomState, name)

    def method(self: RecordingRandomState, *args: Any, **kwargs: Any) -> Any:
        return self.record(name, lambda *a, **k: original(self, *a, **k), args, kwargs)

    method.__name__ = name
    method.__doc__ = f"RandomState.{name}, recorded."
    return method


for _name in DRAW_METHODS:
    setattr(RecordingRandomState, _name, _recorded(_name))


def first_draw_difference(
    actual: Sequence[Draw], expected: Sequence[Draw]
) -> DrawDifference | None:
    """The first draw whose arguments or value differ, or None; rand() is random_sample()."""
    for position, (left, right) in enumerate(zip_longest(actual, expected)):
        if left != right and not _alike(left, right):
            return DrawDifference(position, draw_text(left), draw_text(right))
    return None


def _alike(left: Draw | None, right: Draw | None) -> bool:
    if left is None or right is None:
        return False
    return (left.arguments, left.value) == (right.arguments, right.value)


def draws_from_other_range(actual: Sequence[Draw], expected: Sequence[Draw]) -> bool:
    """Whether the same methods were called, one of them with other arguments.

    Such a step is wrong even where values and states agree: bounds of -18 to 18
    and -18 to 19 give the same number from most states.
    """
    methods = [draw.name for draw in actual] == [draw.name for draw in expected]
    return methods and [d.arguments for d in actual] != [d.arguments for d in expected]


def draw_text(draw: Draw | None) -> str:
    """The draw, or "none"."""
    return "none" if draw is None else str(draw)


def record_global_draws(rng: RecordingRandomState, patches: ExitStack) -> None:
    """Note calls of the functions of ``np.random`` in the draws of `rng` until `patches` end."""
    for name in DRAW_METHODS:
        original = getattr(np.random, name, None)
        if original is None:  # a method of the class only, such as tomaxint
            continue

        def recorded(*args: Any, _name: str = name, _call: Any = original, **kwargs: Any) -> Any:
            return rng.record(_name, _call, args, kwargs)

        patches.enter_context(mock.patch.object(np.random, name, recorded))
