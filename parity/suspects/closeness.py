"""How much of a difference a suspect accounts for, and whether only rounding is left."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.compare.leaf import Leaf, as_leaf
from parity.compare.rounding import is_rounding
from parity.compare.trace import StepRecord
from parity.compare.tree import children
from parity.errors import InputError

# Pixels of images may be off by one grey level, floats as `rounding.bound` has it.
GREY_LEVELS = 1

Leaves = dict[str, Leaf | str]
_ALWAYS = ("error", "generator state")


def leaves_of(record: StepRecord) -> Leaves:
    """Every array and value of the output by path, the generator state, and what was raised."""
    found: Leaves = dict(zip(_ALWAYS, (record.error, record.state_after.digest), strict=True))
    _collect(record.output, "", found)
    return found


def share(expected: Leaves, actual: Leaves, suspect: Leaves) -> float:
    """Which part of what differs between `expected` and `actual` the suspect gives, 0 to 1.

    The mean over all leaves in which `actual` differs from either. In an array it
    is the share of these elements that the suspect has right, so what the suspect
    gets wrong newly counts against it. 0 when nothing differs, and when `actual`
    has nothing of what is expected: what is not there shows no mistake.
    """
    if not comparable(expected, actual):
        return 0.0
    names = dict.fromkeys([*expected, *actual, *suspect])
    shares = [
        found
        for name in names
        if (found := _leaf_share(expected.get(name), actual.get(name), suspect.get(name)))
        is not None
    ]
    return sum(shares) / len(shares) if shares else 0.0


def comparable(expected: Leaves, actual: Leaves) -> bool:
    """Whether `actual` has any array or value of the output that is expected."""
    return len(expected.keys() & actual.keys()) > len(_ALWAYS)


def near(left: Leaves, right: Leaves, terms: int) -> bool:
    """Whether two records differ by no more than rounding: the same draws, labels and shapes.

    terms: as `rounding.terms_of` counts them in the input of both.
    """
    return left.keys() == right.keys() and all(
        _near(name, left[name], right[name], terms) for name in left
    )


def size_of(value: Any) -> int:
    """Bytes of the arrays in a value."""
    parts = children(value)
    if parts is not None:
        return sum(map(size_of, parts.values()))
    return int(getattr(value, "nbytes", 0))


def _collect(value: Any, path: str, found: Leaves) -> None:
    parts = children(value)
    if parts is not None:
        for key, part in parts.items():
            _collect(part, f"{path}.{key}" if path else key, found)
        return
    try:
        found[path] = as_leaf(value)
    except InputError:
        found[path] = f"{type(value).__name__} {id(value)}"
    else:
        leaf = found[path]
        if isinstance(leaf, Leaf) and leaf.values is None:
            found[path] = f"{leaf.kind} {value!r}"


def _same_form(left: Leaf | str | None, right: Leaf | str | None) -> bool:
    if not isinstance(left, Leaf) or not isinstance(right, Leaf):
        return False
    forms = [(leaf.kind, leaf.dtype, leaf.array.shape) for leaf in (left, right)]
    return forms[0] == forms[1]


def _equal(left: Leaf | str | None, right: Leaf | str | None) -> bool:
    if isinstance(left, Leaf) and isinstance(right, Leaf):
        return _same_form(left, right) and not bool(np.any(left.differs_from(right)))
    return left == right


def _leaf_share(
    expected: Leaf | str | None, actual: Leaf | str | None, suspect: Leaf | str | None
) -> float | None:
    if _equal(suspect, actual):
        return None if _equal(expected, actual) else 1.0
    if not isinstance(actual, Leaf) or not isinstance(suspect, Leaf):
        return 0.0
    if not _same_form(expected, actual) or not _same_form(suspect, actual):
        return 0.0
    assert isinstance(expected, Leaf)
    wrong, before = suspect.differs_from(actual), expected.differs_from(actual)
    return float(np.count_nonzero(before & ~wrong) / np.count_nonzero(before | wrong))


def _near(name: str, left: Leaf | str, right: Leaf | str, terms: int) -> bool:
    if _equal(left, right):
        return True
    if not (isinstance(left, Leaf) and isinstance(right, Leaf) and _same_form(left, right)):
        return False
    if left.bits is None:
        return name.endswith("image") and bool(left.distance_to(right).max() <= GREY_LEVELS)
    return is_rounding(left, right, terms)
