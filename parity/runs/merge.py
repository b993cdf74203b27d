"""Merging a config into its bases, as mmengine's `Config._merge_a_into_b` does."""

from collections.abc import Iterator, Mapping
from typing import Any

from parity.errors import RunFormatError
from parity.runs.facts import Source, Unknown
from parity.runs.nodes import Budget, Dotted, Node, bits

DELETE = "_delete_"
MAX_VALUES = 500_000
# Configs nest 15 levels; readers of a config walk it recursively.
MAX_DEPTH = 100
MAX_BITS = 256


def copy_tree(
    value: Any, *, budget: Budget | None = None, scope: str | None = None, inherited: bool = False
) -> Any:
    """`value` with every container copied, dicts as Node; shared ones become separate.

    scope: set as `_scope_` in the outermost dicts with a "type", as mmengine
    does for bases taken from another package. Raises ValueError when `value`
    unfolds to an absurd number of values or levels.
    """
    return _Copier(budget or Budget(MAX_VALUES), inherited).copy(value, scope, 0)


class _Copier:
    """Counts what it copies: a few shared references can unfold to billions of values."""

    def __init__(self, budget: Budget, inherited: bool) -> None:
        self._budget = budget
        self._inherited = inherited

    def copy(self, value: Any, scope: str | None, depth: int) -> Any:
        if not self._budget.spend(1):
            raise ValueError(f"unfolds to more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, Mapping):
            return self._copy_mapping(value, scope, depth + 1)
        if isinstance(value, (list, tuple)):
            return type(value)(self.copy(item, scope, depth + 1) for item in value)
        if bits(value) > MAX_BITS:
            raise ValueError("an integer of this size")
        return value

    def _copy_mapping(self, value: Mapping[Any, Any], scope: str | None, depth: int) -> Node:
        made = Node(inherited=self._inherited)
        origins = value.origins if isinstance(value, Node) else {}
        scoped = scope is not None and "type" in value
        for key, item in value.items():
            made.put(key, self.copy(item, None if scoped else scope, depth), origins.get(key))
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
        elif not isinstance(made[key], Unknown):  # merged into it, that stays unknown
            raise RunFormatError(
                f"{name}:{(origin or Source(name)).line or 0}: {key!r} is a dict here and a "
                f"{type(made[key]).__name__} in its base; set {DELETE}=True to replace it"
            )
    return made


def merge_in_place(box: Node, budget: Budget, other: Any) -> None:
    """`box.merge(other)`, as mmengine's `ConfigDict.merge`: dicts are merged, all else replaced."""
    given = copy_tree(other, budget=budget, inherited=box.inherited)
    old = copy_tree(box, budget=budget, inherited=box.inherited)
    if not isinstance(given, Node):
        raise TypeError(f"a {type(given).__name__} cannot be merged into a dict")
    merged = _merged(given, old)
    box.clear()
    box.take(merged)


def _merged(given: Node, old: Any) -> Node:
    """`old` overridden by `given`, whose own places count."""
    if not isinstance(old, Node):
        given.pop(DELETE, None)
        return given
    if given.pop(DELETE, False):
        old.clear()
    made = old.copy()
    for key, value in given.items():
        nested = isinstance(value, Node) and key in made
        made.put(key, _merged(value, made[key]) if nested else value, given.origins.get(key))
    return made


def update_in_place(box: Node, budget: Budget, *others: Any, **keywords: Any) -> None:
    """`box.update(...)` of a dict that comes from a base, which merges dicts into dicts."""
    given = Node()
    given.update(*others, **keywords)
    _update(box, copy_tree(given, budget=budget, inherited=True))


def _update(box: Node, given: Node) -> None:
    for key, value in given.items():
        old = box.get(key)
        if isinstance(value, Node) and isinstance(old, Node):
            _update(old, value)
        else:
            box.put(key, value, given.origins.get(key))


def plain_tree(values: Node) -> dict[str, Any]:
    """`values` as plain dicts, without the names Python keeps for itself."""
    return {key: _plain(value) for key, value in values.items() if not str(key).startswith("__")}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value.name if isinstance(value, Dotted) else value


def unknown_in(value: Any) -> Iterator[Unknown]:
    """Every value in `value` that is not known."""
    if isinstance(value, Unknown):
        yield value
    items = value.values() if isinstance(value, dict) else value
    for item in items if isinstance(value, (dict, list, tuple)) else ():
        yield from unknown_in(item)


def origins_of(values: Node, budget: Budget) -> dict[tuple[str | int, ...], Source]:
    """The place of each key, by its path. Raises ValueError for absurdly many long paths."""
    found: dict[tuple[str | int, ...], Source] = {}
    _collect(values, (), found, budget)
    return found


def _collect(value: Any, path: tuple[str | int, ...], into: dict[Any, Source], b: Budget) -> None:
    if isinstance(value, Node):
        for key, item in value.items():
            if not b.spend(1 + len(path) // 8):
                raise ValueError("too many keys, nested too deeply")
            if key in value.origins:
                into[(*path, key)] = value.origins[key]
            _collect(item, (*path, key), into, b)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if isinstance(item, (Node, list, tuple)):
                _collect(item, (*path, index), into, b)
