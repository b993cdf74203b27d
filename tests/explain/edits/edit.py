"""One edit of a config: what it changes, and how findings may call it."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

# "score": it changes what is trained or how. "comparability": it changes what is scored.
# "bookkeeping": nothing of either.
Kind = Literal["score", "bookkeeping", "comparability"]
Place = tuple[str | int, ...]


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Any = _Absent()


@dataclass(frozen=True)
class Edit:
    """path: the setting, list elements by index; named: the same, elements by their type.

    before, after: of the setting, ABSENT where it is not there. changes: every
    place that gets a value (ABSENT: is deleted) when the edit is made.
    """

    path: Place
    named: str
    before: Any
    after: Any
    what: str
    kind: Kind
    changes: tuple[tuple[Place, Any], ...]


def value_at(config: Any, path: Place) -> Any:
    """The value, or ABSENT."""
    for key in path:
        try:
            config = config[key]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return config


def made(config: Mapping[str, Any], *edits: Edit) -> dict[str, Any]:
    """`config` with all of `edits`."""
    changed = copy.deepcopy(dict(config))
    for path, value in (change for edit in edits for change in edit.changes):
        box = value_at(changed, path[:-1])
        if value is ABSENT:
            del box[path[-1]]
        else:
            box[path[-1]] = copy.deepcopy(value)
    return changed


def named(config: Mapping[str, Any], path: Place) -> str:
    """`path` with dots, elements of lists by their type, else by their index."""
    parts = []
    for length, key in enumerate(path, 1):
        value = value_at(config, path[:length])
        kind = value.get("type") if isinstance(value, Mapping) else None
        parts.append(str(kind) if isinstance(key, int) and kind else str(key))
    return ".".join(parts)


def leaves(value: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every leaf; a list of plain values is one."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, (list, tuple)) and any(_is_container(item) for item in value):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def _is_container(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple))
