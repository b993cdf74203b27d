"""The values of a config as a tree in which each knows where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]


@dataclass(frozen=True, eq=False)
class Item:
    """One value. place: its path in the config as written; None for a default.

    value: a scalar, ``dict[str, Item]``, or ``list[Item]`` for lists and tuples.
    """

    value: Any
    place: Place | None = None

    @property
    def fields(self) -> dict[str, Item]:
        """The entries of a dict; none of anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def parts(self) -> list[Item]:
        """The elements of a list; none of anything else."""
        return self.value if isinstance(self.value, list) else []

    @property
    def kind(self) -> str:
        """The bare class name that ``type`` gives; "" where there is none."""
        return bare(self.fields["type"].value) if "type" in self.fields else ""

    @property
    def is_empty(self) -> bool:
        """None, or a dict or list of nothing: as if it were not there."""
        return self.value is None or (isinstance(self.value, (dict, list)) and not self.value)

    def get(self, *path: str | int) -> Item:
        """The item at `path`; in a list a string is a type. An empty item where there is none."""
        item = self
        for key in path:
            if isinstance(key, int):
                inside = -len(item.parts) <= key < len(item.parts)
                item = item.parts[key] if inside else NOTHING
            elif item.parts:
                item = next((part for part in item.parts if part.kind == key), NOTHING)
            else:
                item = item.fields.get(key, NOTHING)
        return item

    def having(self, **changes: Item | None) -> Item:
        """This dict with other entries; None takes one out."""
        made = {**self.fields, **{k: v for k, v in changes.items() if v is not None}}
        return Item({k: v for k, v in made.items() if changes.get(k, v) is not None}, self.place)


NOTHING = Item(None)


def lift(value: Any, place: Place = ()) -> Item:
    """`value` as a tree of items."""
    if isinstance(value, Mapping):
        return Item({str(k): lift(v, (*place, k)) for k, v in value.items()}, place)
    if isinstance(value, (list, tuple, range)):
        return Item([lift(v, (*place, i)) for i, v in enumerate(value)], place)
    if isinstance(value, (set, frozenset)):
        return Item([Item(v, place) for v in sorted(value, key=repr)], place)
    return Item(value, place)


def made(place: Place | None = None, **values: Any) -> Item:
    """A dict of items; plain values get `place`."""
    entries = {k: v if isinstance(v, Item) else Item(v, place) for k, v in values.items()}
    return Item({k: v for k, v in entries.items() if v.value is not None}, place)


def plain(item: Item) -> Any:
    """The value without its places; lists for lists and tuples."""
    if isinstance(item.value, dict):
        return {key: plain(part) for key, part in item.value.items()}
    if isinstance(item.value, list):
        return [plain(part) for part in item.value]
    return item.value


def bare(name: Any) -> str:
    """A class name without its scope: ``mmseg.Resize`` is ``Resize``."""
    return name.rpartition(".")[2] if isinstance(name, str) else ""


def walk(item: Item, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Item]]:
    """Every dict in `item`, itself included, with its path; list elements by their number."""
    found: list[tuple[tuple[str, ...], Item]] = []
    waiting = [(path, item)]
    while waiting:
        at, current = waiting.pop(0)
        if isinstance(current.value, dict):
            found.append((at, current))
        waiting += [((*at, key), part) for key, part in current.fields.items()]
        waiting += [((*at, str(index)), part) for index, part in enumerate(current.parts)]
    return found


def unplaced(item: Item) -> Item:
    """The same as if it were written nowhere, as a default is."""
    if isinstance(item.value, dict):
        return Item({key: unplaced(part) for key, part in item.value.items()})
    if isinstance(item.value, list):
        return Item([unplaced(part) for part in item.value])
    return Item(item.value)
