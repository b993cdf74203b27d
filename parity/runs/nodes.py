"""What the config interpreter computes with: dicts that know their lines, and safe functions.

Every function here has no side effect beyond its own arguments, and work
bounded by their size; values nested into each other are never walked, since a
few shared references can stand for more values than a machine can hold.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from typing import Any

from parity.runs.facts import Source

SCALARS = (str, int, float, complex, bool, bytes, type(None), type(Ellipsis))


class Node(dict[Any, Any]):
    """A dict that remembers where each of its keys was written."""

    def __init__(self) -> None:
        super().__init__()
        self.origins: dict[Any, Source] = {}

    def put(self, key: Any, value: Any, origin: Source | None) -> None:
        """Set `key`; `origin` None when no line is known. Raises ValueError for a nested key."""
        self[scalar(key)] = value
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
            self.take(other if isinstance(other, dict) else dict(other))

    def get(self, key: Any, default: Any = None) -> Any:
        """As of a dict, for a plain key."""
        return super().get(scalar(key), default)

    def pop(self, key: Any, *default: Any) -> Any:
        """As of a dict, for a plain key."""
        return super().pop(scalar(key), *default)

    def copy(self) -> Node:
        """A shallow copy, origins included."""
        made = Node()
        made.take(self)
        return made


class Module:
    """A name that an import bound; using it needs execution."""

    def __init__(self, line: int) -> None:
        self.line = line


def bits(value: Any) -> int:
    """Length of an integer; 0 for anything else."""
    return value.bit_length() if isinstance(value, int) else 0


def scalar(value: Any) -> Any:
    """`value`, which must not be a container. Raises ValueError."""
    if not isinstance(value, SCALARS):
        raise ValueError(f"a {type(value).__name__} where a plain value is needed")
    return value


def text(value: Any) -> str:
    """`str` of a plain value."""
    return str(scalar(value))


def plain_set(items: Iterable[Any] = ()) -> set[Any]:
    """`set` of plain values."""
    return {scalar(item) for item in items}


def _of_scalars(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*arguments: Any) -> Any:
        if len(arguments) == 1:
            return function([scalar(item) for item in arguments[0]])
        return function(*(scalar(item) for item in arguments))

    return checked


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "enumerate": enumerate,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": _of_scalars(max),
    "min": _of_scalars(min),
    "range": range,
    "reversed": reversed,
    "round": round,
    "set": plain_set,
    "sorted": _of_scalars(sorted),
    "str": text,
    "sum": _of_scalars(sum),
    "tuple": tuple,
    "zip": zip,
}
METHODS: dict[type, frozenset[str]] = {
    Node: frozenset({"copy", "get", "items", "keys", "pop", "update", "values"}),
    list: frozenset({"append", "copy", "extend", "insert", "pop", "reverse"}),
    str: frozenset({"lower", "upper", "strip", "startswith", "endswith"}),
}
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
COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: lambda left, right: left == scalar(right),
    ast.NotEq: lambda left, right: left != scalar(right),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, box: item in box,
    ast.NotIn: lambda item, box: item not in box,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
