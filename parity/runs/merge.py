"""Merging a config into its bases, as mmengine's `Config._merge_a_into_b` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.errors import RunFormatError
from parity.runs.facts import Source
from parity.runs.nodes import Node

DELETE = "_delete_"
MAX_VALUES = 500_000


def copy_tree(value: Any, *, scope: str | None = None) -> Any:
    """`value` with every container copied, dicts as Node; shared ones become separate.

    scope: set as `_scope_` in the outermost dicts with a "type", as mmengine
    does for bases taken from another package. Raises ValueError when `value`
    unfolds to an absurd number of values.
    """
    return _Copier().copy(value, scope)


class _Copier:
    """Counts what it copies: a few shared references can unfold to billions of values."""

    def __init__(self) -> None:
        self.count = 0

    def copy(self, value: Any, scope: str | None = None) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise ValueError(f"unfolds to more than {MAX_VALUES} values")
        if isinstance(value, Mapping):
            return self._copy_mapping(value, scope)
        if isinstance(value, (list, tuple)):
            return type(value)(self.copy(item, scope) for item in value)
        return value

    def _copy_mapping(self, value: Mapping[Any, Any], scope: str | None) -> Node:
        made = Node()
        origins = value.origins if isinstance(value, Node) else {}
        scoped = scope is not None and "type" in value
        for key, item in value.items():
            made.put(key, self.copy(item, None if scoped else scope), origins.get(key))
        if scoped and made.get("_scope_") is None:
            made["_scope_"] = scope
        return made


def merge_config(child: Node, base: Node, name: str) -> Node:
    """`base` overridden by `child`; neither is used any more. Raises RunFormatError.

    name: of the child's file.
    """
    made = base.copy()
    for key, value in child.items():
        origin = child.origins.get(key)
        if not isinstance(value, Node) or key not in made or value.pop(DELETE, False):
            made.put(key, value, origin)
        elif isinstance(made[key], Node):
            # The dict stays where the base wrote it; what the child sets has its own place.
            made[key] = merge_config(value, made[key], name)
        else:
            raise RunFormatError(
                f"{name}:{(origin or Source(name)).line or 0}: {key!r} is a dict here and a "
                f"{type(made[key]).__name__} in its base; set {DELETE}=True to replace it"
            )
    return made


def plain_tree(values: Node) -> dict[str, Any]:
    """`values` as plain dicts, without the names Python keeps for itself."""
    return {key: _plain(value) for key, value in values.items() if not str(key).startswith("__")}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value


def origins_of(values: Node) -> dict[tuple[str | int, ...], Source]:
    """The place of each key, by its path."""
    found: dict[tuple[str | int, ...], Source] = {}
    _collect(values, (), found)
    return found


def _collect(value: Any, path: tuple[str | int, ...], into: dict[Any, Source]) -> None:
    if isinstance(value, Node):
        for key, item in value.items():
            if key in value.origins:
                into[(*path, key)] = value.origins[key]
            _collect(item, (*path, key), into)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _collect(item, (*path, index), into)
