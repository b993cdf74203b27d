"""What the config interpreter computes with: dicts that know their lines, and safe functions.

Every function here has no side effect beyond its own arguments, and work
bounded by their size; values nested into each other are never walked, since a
few shared references can stand for more values than a machine can hold.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from parity.runs.facts import Source, Unknown

MAX_STEPS = 1_000_000
# A config of the zoo takes under 5,000 copies.
MAX_COPIES = 500_000


class Budget:
    """Steps of work that may still be done."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Take `steps`; whether there were so many."""
        self.left -= steps
        return self.left >= 0


@dataclass
class Work:
    """How much work configs may cause, counted over all files that one run reads.

    steps: of interpreting expressions. copies: of values, from base to child and result.
    """

    steps: Budget = field(default_factory=lambda: Budget(MAX_STEPS))
    copies: Budget = field(default_factory=lambda: Budget(MAX_COPIES))


SCALARS = (str, int, float, complex, bool, bytes, type(None), type(Ellipsis))
# Larger integers could be made to share a hash, so that a dict of them takes quadratic time.
_KEY_BITS = 60
_MAX_DIGITS = 400  # of round(); a float has no more


class NotKnown(Exception):
    """An expression is worth what only running it could tell; the text says what in it."""


class Node(dict[Any, Any]):
    """A dict that remembers where each of its keys was written.

    inherited: it comes from a base, so that for mmengine it is a ConfigDict:
    what is put into it is copied, and its `update` merges nested dicts.
    """

    def __init__(self, *, inherited: bool = False) -> None:
        super().__init__()
        self.inherited = inherited
        self.origins: dict[Any, Source] = {}

    def put(self, key: Any, value: Any, origin: Source | None) -> None:
        """Set `key`; `origin` None when no line is known. Raises ValueError for a nested key."""
        self[plain_key(key)] = value
        self.origins.pop(key, None)
        if origin is not None:
            self.origins[key] = origin

    def take(self, other: dict[Any, Any]) -> None:
        """`update`, origins included."""
        origins = other.origins if isinstance(other, Node) else {}
        for key, value in other.items():
            self.put(key, value, origins.get(key))

    def update(self, *others: Any, **keywords: Any) -> None:
        """As of a dict, origins included."""
        for other in (*others, keywords):
            if isinstance(other, dict):
                self.take(other)
            else:
                for key, value in known(other):
                    self.put(key, value, None)

    def get(self, key: Any, default: Any = None) -> Any:
        """As of a dict, for a plain key."""
        return super().get(scalar(key), default)

    def pop(self, key: Any, *default: Any) -> Any:
        """As of a dict, for a plain key; ValueError where it is missing."""
        if scalar(key) not in self and not default:
            raise ValueError(f"there is no {key!r} to pop")
        return super().pop(key, *default)

    def copy(self) -> Node:
        """A shallow copy, origins included."""
        made = Node()
        made.take(self)
        return made


@dataclass(frozen=True)
class Module:
    """A name that an import of the standard library bound; using it needs execution."""

    line: int


@dataclass(frozen=True)
class Dotted:
    """A name imported from a library, e.g. ``mmseg.models.FCNHead``; in the end, this text."""

    name: str


def bits(value: Any) -> int:
    """Length of an integer; 0 for anything else."""
    return value.bit_length() if isinstance(value, int) else 0


def size(value: Any) -> int:
    """How many parts `value` has; 0 where it has none."""
    return len(value) if hasattr(value, "__len__") else 0


def known(value: Any) -> Any:
    """`value`, unless it is Unknown. Raises NotKnown."""
    if isinstance(value, Unknown):
        raise NotKnown(value.reason)
    return value


def scalar(value: Any) -> Any:
    """`value`, which must not be a container. Raises ValueError, NotKnown."""
    if isinstance(value, Dotted):
        raise NotKnown(f"the use of `{value.name}`")
    if not isinstance(known(value), SCALARS):
        raise ValueError(f"a {type(value).__name__} where a plain value is needed")
    return value


def plain_key(value: Any) -> Any:
    """`value` as a key of a dict or an element of a set. Raises ValueError, NotKnown."""
    if isinstance(scalar(value), (complex, bytes)) or bits(value) > _KEY_BITS:
        raise ValueError(f"a {type(value).__name__} of this size as a key")
    return value


def text(value: Any) -> str:
    """`str` of a plain value."""
    return str(scalar(value))


def plain_set(items: Iterable[Any] = ()) -> set[Any]:
    """`set` of plain values."""
    return {plain_key(item) for item in items}


def zipped(*boxes: Any, strict: bool = False) -> list[Any]:
    """`zip`, at once, so that its work can be charged before."""
    return list(zip(*boxes, strict=strict))


def _round(value: Any, digits: Any = None) -> Any:
    if bits(digits) and abs(digits) > _MAX_DIGITS:
        raise ValueError("a rounding of this many digits")
    return round(scalar(value), digits)


def _of_scalars(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*arguments: Any, **keywords: Any) -> Any:
        if len(arguments) == 1:
            return function([scalar(item) for item in arguments[0]], **keywords)
        return function(*(scalar(item) for item in arguments), **keywords)

    return checked


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "enumerate": lambda items, start=0: list(enumerate(items, start)),
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": _of_scalars(max),
    "min": _of_scalars(min),
    "range": range,
    "reversed": lambda items: list(reversed(items)),
    "round": _round,
    "set": plain_set,
    "sorted": _of_scalars(sorted),
    "str": text,
    "sum": _of_scalars(sum),
    "tuple": tuple,
    "zip": zipped,
}
METHODS: dict[type, frozenset[str]] = {
    Node: frozenset({"copy", "get", "items", "keys", "merge", "pop", "update", "values"}),
    list: frozenset({"append", "copy", "extend", "insert", "pop", "reverse"}),
    str: frozenset({"lower", "upper", "strip", "startswith", "endswith"}),
}
# Methods that put their arguments somewhere as they are, Unknown included.
KEEPING = frozenset({"append", "get", "insert", "pop"})
BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}


def _contains(item: Any, box: Any) -> bool:
    if isinstance(box, (list, tuple)):
        for other in box:
            known(other)
    return item in box


COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: lambda left, right: left == scalar(right),
    ast.NotEq: lambda left, right: left != scalar(right),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: _contains,
    ast.NotIn: lambda item, box: not _contains(item, box),
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
