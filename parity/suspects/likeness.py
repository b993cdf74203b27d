"""How much of a difference a suspect accounts for, and whether only rounding is left."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.compare.leaf import Leaf, as_leaf, blocks
from parity.compare.rounding import bound, is_rounding, roundings_of
from parity.compare.trace import StepRecord
from parity.compare.tree import children
from parity.errors import InputError

# Pixels of images may be off by one grey level, floats as `rounding.bound` has it.
GREY_LEVELS = 1

# What is left of a difference, where a suspect is said to make it.
LEFT = 0.01

Leaves = dict[str, Leaf | str]
_ALWAYS = ("error", "generator state")


def leaves_of(record: StepRecord) -> Leaves:
    """Every array and value of the output by path, the generator state, and what was raised."""
    found: Leaves = dict(zip(_ALWAYS, (record.error, record.state_after.digest), strict=True))
    _collect(record.output, "", found)
    return found


def share(expected: Leaves, actual: Leaves, suspect: Leaves, roundings: float) -> float | None:
    """How much of the difference between `expected` and `actual` the suspect makes, 0 to 1.

    That of the array or value of which it makes least, so that a loss and its gradient
    count together. In an array it is the share of elements that the suspect has right among
    those that are wrong on either side: what it changes although it should not counts
    against it. None when neither differs by more than rounding from what is expected; 0
    when `actual` has nothing of what is expected: what is not there shows no mistake.
    """
    if not comparable(expected, actual):
        return 0.0
    names = dict.fromkeys([*expected, *actual, *suspect])
    shares = [
        _leaf_share(expected.get(name), actual.get(name), suspect.get(name), roundings)
        for name in names
    ]
    return min((one for one in shares if one is not None), default=None)


def comparable(expected: Leaves, actual: Leaves) -> bool:
    """Whether `actual` has any array or value of the output that is expected."""
    return len(expected.keys() & actual.keys()) > len(_ALWAYS)


def finite_parts_agree(expected: StepRecord, actual: StepRecord) -> bool:
    """Whether only NaN and infinite values differ, and something does so."""
    left, right = leaves_of(expected), leaves_of(actual)
    roundings = roundings_of(expected.input)
    odd = 0
    for name in dict.fromkeys([*left, *right]):
        one, other = left.get(name), right.get(name)
        if _equal(one, other):
            continue
        if not isinstance(one, Leaf) or not isinstance(other, Leaf) or not _same_form(one, other):
            return False
        slack = bound(one.dtype, one.largest, roundings)
        for left_part, right_part in blocks(one, other):
            both = left_part.finite & right_part.finite
            if bool(np.any(_beyond(left_part, right_part, slack) & both)):
                return False
            odd += int(np.count_nonzero(left_part.differs_from(right_part) & ~both))
    return odd > 0


def near(left: Leaves, right: Leaves, roundings: float) -> bool:
    """Whether two records differ by no more than rounding: the same draws, labels and shapes.

    roundings: as `rounding.roundings_of` counts them for the input of both.
    """
    return left.keys() == right.keys() and all(
        _near(name, left[name], right[name], roundings) for name in left
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
        same = _same_form(left, right)
        return same and not any(np.any(a.differs_from(b)) for a, b in blocks(left, right))
    return left == right


def _leaf_share(
    expected: Leaf | str | None,
    actual: Leaf | str | None,
    suspect: Leaf | str | None,
    roundings: float,
) -> float | None:
    if _equal(suspect, actual):
        return None if _equal(expected, actual) else 1.0
    if not isinstance(actual, Leaf) or not isinstance(suspect, Leaf):
        return 0.0
    if not _same_form(suspect, actual):
        return 0.0
    if not isinstance(expected, Leaf) or not _same_form(expected, actual):
        unequal = (one.differs_from(other) for one, other in blocks(suspect, actual))
        parts = [int(np.count_nonzero(part)) for part in unequal]  # all of it is wrong
        return 1 - sum(parts) / actual.array.size if parts else 0.0
    slack = bound(expected.dtype, expected.largest, roundings)
    counts = [_right_and_wrong(slack, *part) for part in blocks(expected, actual, suspect)]
    right, wrong = (sum(column) for column in zip(*counts, strict=True))
    return right / wrong if wrong else None


def _right_and_wrong(slack: float, expected: Leaf, actual: Leaf, suspect: Leaf) -> tuple[int, int]:
    """Elements that the suspect has right among the wrong ones, and all wrong ones."""
    before, made = _beyond(actual, expected, slack), _beyond(suspect, expected, slack)
    left = _beyond(suspect, actual, np.maximum(slack, LEFT * expected.distance_to(actual)))
    return int(np.count_nonzero(before & ~left)), int(np.count_nonzero(before | made))


def _beyond(one: Leaf, other: Leaf, slack: Any) -> NDArray[np.bool_]:
    """Where two arrays are farther apart than `slack`, or only one of them is finite."""
    with np.errstate(invalid="ignore"):
        apart = one.distance_to(other) > slack
    odd = ~(one.finite & other.finite)
    return np.asarray(one.differs_from(other) & (apart | odd))


def _near(name: str, left: Leaf | str, right: Leaf | str, roundings: float) -> bool:
    if _equal(left, right):
        return True
    if not (isinstance(left, Leaf) and isinstance(right, Leaf) and _same_form(left, right)):
        return False
    if left.bits is None:
        return name.endswith("image") and bool(left.distance_to(right).max() <= GREY_LEVELS)
    return is_rounding(left, right, roundings)
