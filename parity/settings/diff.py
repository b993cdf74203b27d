"""What differs between two configs in one set of terms: lists aligned by type, one line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from parity.runs.facts import Source, Unknown
from parity.settings.items import NOTHING, Item, plain
from parity.settings.meaning import group_of, is_bookkeeping
from parity.settings.terms import Terms, weights_name

ABSENT = "absent"
MAX_SHOWN = 160
# Two elements of one type are never so unlike that they are not the same one, changed.
_REPLACED = 1.9
# Longer lists are aligned by position.
_MAX_ALIGNED = 60
# 0.x pads after normalising, which is the preprocessor's part in 1.x, whatever its pipeline says.
_PADDED = re.compile(r"train_dataloader\..*\.Pad")
_NUMBER = re.compile(r"#\d+")
_WEIGHTS = {"checkpoint", "load_from", "pretrained"}
# A list of one of these is the same as the one alone, and needs no name for it.
_UNNAMED = {"decode_head", "auxiliary_head", "loss_decode", "val_evaluator", "test_evaluator"}


@dataclass(frozen=True)
class SettingDifference:
    """One setting that differs. path: in 1.x terms, list elements by type.

    here, there: shown values, "absent" where a side has none; mine, theirs: the
    values. source: where the run's config writes it, or the thing around it.
    """

    path: str
    here: str
    there: str
    mine: Any = None
    theirs: Any = None
    source: Source | None = None

    @property
    def group(self) -> str:
        """What it is about: data, model, schedule, precision, evaluation or other."""
        return group_of(self.path)

    @property
    def is_bookkeeping(self) -> bool:
        """It names places, speed or logging, and has no bearing on the score."""
        return is_bookkeeping(self.path)

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.path}: {self.here} here, {self.there} there"


def differences(here: Terms, there: Terms) -> tuple[SettingDifference, ...]:
    """Every setting that differs; of a run without config, among those it states."""
    keys = dict.fromkeys([*here.top.fields, *there.top.fields])
    found: list[SettingDifference] = []
    for key in keys:
        mine, theirs = here.top.get(key), there.top.get(key)
        if here.stated and mine.is_empty:
            continue
        found += _compared(mine, theirs, _Way((key,), here, mine, stated=here.stated))
    if here.legacy != there.legacy:
        found = [item for item in found if not _PADDED.fullmatch(item.path)]
    return tuple(_without_repeats(found))


def _without_repeats(found: list[SettingDifference]) -> Iterator[SettingDifference]:
    """The test's settings are named only where they differ otherwise than the validation's."""
    seen = {(d.path, d.here, d.there) for d in found}
    for item in found:
        twin = item.path.replace("test_", "val_", 1)
        if not item.path.startswith("test_") or (twin, item.here, item.there) not in seen:
            yield item


@dataclass(frozen=True)
class _Way:
    """Where a comparison is. around: the innermost item of the run's config on the way."""

    path: tuple[str, ...]
    terms: Terms
    around: Item
    stated: bool = False

    def to(self, name: str, item: Item) -> _Way:
        around = item if item.place is not None else self.around
        return replace(self, path=(*self.path, name), around=around)

    def differs(self, mine: Item, theirs: Item) -> SettingDifference:
        place = mine if mine.place is not None else self.around
        return SettingDifference(
            ".".join(self.path),
            shown(mine),
            shown(theirs),
            plain(mine),
            plain(theirs),
            self.terms.source(place),
        )


def shown(item: Item) -> str:
    """The value in one short line; of a typed dict the type and what was written beside it."""
    if item.is_empty:
        return ABSENT
    text = repr(_written(item))
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}\N{HORIZONTAL ELLIPSIS}"


def _written(item: Item) -> Any:
    """The value without defaults that nobody wrote, unless it is one as a whole."""
    if isinstance(item.value, dict):
        kept = {k: v for k, v in item.value.items() if v.place is not None or item.place is None}
        return {key: _written(part) for key, part in kept.items()}
    if isinstance(item.value, list):
        return [_written(part) for part in item.value]
    return item.value


def _compared(mine: Item, theirs: Item, way: _Way) -> list[SettingDifference]:
    if mine.is_empty and theirs.is_empty:
        return []
    if isinstance(mine.value, dict) and isinstance(theirs.value, dict):
        return _dicts(mine, theirs, way)
    if isinstance(mine.value, list) and isinstance(theirs.value, list):
        if any(part.fields for part in (*mine.parts, *theirs.parts)):
            return _lists(mine.parts, theirs.parts, way)
        if len(mine.parts) == len(theirs.parts) and any(p.parts for p in mine.parts):
            pairs = enumerate(zip(mine.parts, theirs.parts, strict=True))
            found = [_compared(a, b, way.to(str(i), a)) for i, (a, b) in pairs]
            return [item for part in found for item in part]
    return [] if _same(mine, theirs, way.path[-1]) else [way.differs(mine, theirs)]


def _same(mine: Item, theirs: Item, key: str) -> bool:
    left, right = plain(mine), plain(theirs)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return True  # not known to differ; the config's notes name it
    if key in _WEIGHTS and isinstance(left, str) and isinstance(right, str):
        return weights_name(left) == weights_name(right)
    both_nan = [value for value in (left, right) if isinstance(value, float) and isnan(value)]
    return len(both_nan) == 2 or bool(left == right)


def _dicts(mine: Item, theirs: Item, way: _Way) -> list[SettingDifference]:
    keys = dict.fromkeys([*mine.fields, *theirs.fields])
    other = mine.kind != theirs.kind and bool(mine.kind or theirs.kind)
    found: list[SettingDifference] = []
    for key in keys:
        left, right = mine.get(key), theirs.get(key)
        if way.stated and left.is_empty:
            continue
        # Of two types the options that only one has come with the type.
        if other and key != "type" and not (_is_written(left) and _is_written(right)):
            continue
        found += _compared(left, right, way.to(key, left))
    return found


def _is_written(item: Item) -> bool:
    return item.place is not None and not item.is_empty


def _lists(mine: list[Item], theirs: list[Item], way: _Way) -> list[SettingDifference]:
    pairs = _aligned(mine, theirs, way)
    alone = len(mine) <= 1 and len(theirs) <= 1 and way.path[-1] in _UNNAMED
    names = _names(pairs)
    found: list[SettingDifference] = []
    for (left, right), name in zip(pairs, names, strict=True):
        if way.stated and left is NOTHING:
            continue
        inner = way if alone else way.to(name, left)
        if left is not NOTHING and right is not NOTHING and left.kind == right.kind:
            found += _compared(left, right, inner)
        elif left.fields and right.fields and alone:
            found += _dicts(left, right, inner)
        else:
            found.append(inner.differs(left, right))
    return _with_moves(found, pairs, way)


def _with_moves(
    found: list[SettingDifference], pairs: list[tuple[Item, Item]], way: _Way
) -> list[SettingDifference]:
    """A step taken out here and put in there is one that moved."""
    out = {right.kind: right for left, right in pairs if left is NOTHING}
    for left in [left for left, right in pairs if right is NOTHING and left.kind in out]:
        name = ".".join((*way.path, left.kind))
        found = [
            d for d in found if _NUMBER.sub("", d.path) != name or ABSENT not in (d.here, d.there)
        ]
        here, there = (_follows(pairs, left, 0), _follows(pairs, out[left.kind], 1))
        source = way.terms.source(left)
        found.append(SettingDifference(f"{name}.position", here, there, here, there, source))
        found += _compared(left, out[left.kind], way.to(left.kind, left))
    return found


def _follows(pairs: list[tuple[Item, Item]], item: Item, side: int) -> str:
    """What an element comes after, on its side."""
    row = [pair[side] for pair in pairs if pair[side] is not NOTHING]
    at = next(index for index, other in enumerate(row) if other is item)
    return f"after {row[at - 1].kind}" if at else "first"


def _names(pairs: Iterable[tuple[Item, Item]]) -> list[str]:
    """The type of each element, numbered where one occurs several times."""
    names: list[str] = []
    count: dict[str, int] = {}
    for index, (left, right) in enumerate(pairs):
        kind = right.kind or left.kind or str(index)
        count[kind] = count.get(kind, 0) + 1
        names.append(kind if count[kind] == 1 else f"{kind}#{count[kind]}")
    return names


def _aligned(mine: list[Item], theirs: list[Item], way: _Way) -> list[tuple[Item, Item]]:
    """Pairs of elements, NOTHING where one side lacks it: the cheapest way to the other list."""
    if max(len(mine), len(theirs)) > _MAX_ALIGNED:
        longer = range(max(len(mine), len(theirs)))
        return [(_at(mine, i), _at(theirs, i)) for i in longer]
    cost: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    for i in range(len(mine) + 1):
        for j in range(len(theirs) + 1):
            ways = []
            if i and j:
                ways.append(
                    (cost[i - 1, j - 1][0] + _unlike(mine[i - 1], theirs[j - 1], way), (1, 1))
                )
            if i:
                ways.append((cost[i - 1, j][0] + 1, (1, 0)))
            if j:
                ways.append((cost[i, j - 1][0] + 1, (0, 1)))
            if ways:
                cost[i, j] = min(ways, key=lambda item: item[0])
    return _traced(mine, theirs, cost)


def _traced(
    mine: list[Item], theirs: list[Item], cost: dict[tuple[int, int], tuple[float, tuple[int, int]]]
) -> list[tuple[Item, Item]]:
    i, j = len(mine), len(theirs)
    pairs: list[tuple[Item, Item]] = []
    while i or j:
        back = cost[i, j][1]
        i, j = i - back[0], j - back[1]
        pairs.append((mine[i] if back[0] else NOTHING, theirs[j] if back[1] else NOTHING))
    return pairs[::-1]


def _at(items: list[Item], index: int) -> Item:
    return items[index] if index < len(items) else NOTHING


def _unlike(mine: Item, theirs: Item, way: _Way) -> float:
    """0 for equal elements of one type, below 1 for changed ones; replacing costs more."""
    if mine.kind != theirs.kind:
        return _REPLACED
    found = len(_compared(mine, theirs, way.to("", mine)))
    return found / (found + 1.0) * 0.9
