"""Which differences the order of float operations explains.

The same sum taken in another order differs in its last digits. How far it may be
off grows with the number of terms, as in sums over halves: `bound` is
``(4 + log2(terms)) * eps * largest`` for float32 and float64, `largest` being the
largest absolute value expected in the array. A learning rate is made from the one
before, so that roundings add up: there, ``max_iters`` more of them. Half precision is
stored, not summed in: there, one representable number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from math import log2
from typing import Any

import numpy as np
import torch

from parity.compare.compare import Comparison, Verdict
from parity.compare.leaf import Leaf, as_leaf, blocks
from parity.compare.tolerance import Tolerance
from parity.compare.tree import children
from parity.errors import InputError

ROUNDING = "rounding"


class Rounding(str, Enum):
    """What a difference by rounding alone counts as."""

    FAIL = "fail"
    PASS = "pass"


# Roundings besides those of the sum itself: a product, a division, and one on either side.
ELEMENTARY = 4
_SUMMED_IN = ("float32", "float64")
_MANY = 10_000


def bound(dtype: str, largest: float, roundings: float) -> float:
    """How far results of so many roundings may be apart by the order of operations alone."""
    if dtype not in _SUMMED_IN:
        return 0.0
    return roundings * float(np.finfo(dtype).eps) * largest


def roundings_of(value: Any) -> float:
    """Roundings one after the other on the way from an input to a result, at most."""
    chain: int = value["max_iters"] if _is_chain(value) else 0
    return ELEMENTARY + log2(terms_of(value)) + chain


def _is_chain(value: Any) -> bool:
    """Whether it asks for a table of rates, each made from the one before."""
    return isinstance(value, Mapping) and "max_iters" in value


def terms_of(value: Any) -> int:
    """Elements of the largest array in an input: no result sums more terms than that."""
    parts = children(value)
    if parts is not None:
        return max([1, *(terms_of(part) for part in parts.values())])
    if isinstance(value, torch.Tensor):
        return max(value.numel(), 1)
    return max(value.size, 1) if isinstance(value, np.ndarray) else 1


def is_rounding(actual: Leaf, expected: Leaf, roundings: float) -> bool:
    """Whether two arrays of one form differ by no more than the bound, if at all."""
    slack = bound(expected.dtype, expected.largest, roundings)
    return all(_is_rounding(one, other, slack) for one, other in blocks(actual, expected))


def _is_rounding(actual: Leaf, expected: Leaf, slack: float) -> bool:
    unequal = actual.differs_from(expected)
    if actual.bits is None or expected.bits is None:
        return not bool(np.any(unequal))
    if bool(np.any(unequal & ~(actual.finite & expected.finite))):
        return False
    if expected.dtype not in _SUMMED_IN:
        ulps = actual.ulps_to(expected)
        return ulps is not None and bool(np.all(ulps[unequal] <= 1))
    return bool(np.all(actual.distance_to(expected)[unequal] <= slack))


def labelled(
    leaves: Mapping[str, Comparison], actual: Any, expected: Any, given: Any
) -> dict[str, Comparison]:
    """`leaves`, with the reason "rounding" where that explains the difference.

    actual, expected: the outputs compared; given: the input they were made from. Where
    that cannot be looked at, the difference says so and stands.
    """
    wrong = [path for path, leaf in leaves.items() if leaf.verdict is Verdict.DIFFERENT]
    if len(wrong) > _MANY:
        return dict(leaves)
    try:
        return {**leaves, **_changed(leaves, wrong, actual, expected, given)}
    except Exception as error:  # whatever a candidate gives, a label costs itself only
        told = f"; not looked at for rounding: {type(error).__name__}: {error}"
        return {
            path: replace(leaf, detail=leaf.detail + told) if path in wrong else leaf
            for path, leaf in leaves.items()
        }


def _changed(
    leaves: Mapping[str, Comparison], wrong: Sequence[str], actual: Any, expected: Any, given: Any
) -> dict[str, Comparison]:
    left, right = _nodes(actual, ""), _nodes(expected, "")
    return {
        path: _labelled(path, leaves[path], left[path], right[path], given)
        for path in wrong
        if path in left and path in right
    }


def accepted(leaves: Mapping[str, Comparison]) -> dict[str, Comparison]:
    """`leaves`, those that differ by rounding alone within tolerance."""
    return {
        path: replace(leaf, verdict=Verdict.WITHIN) if leaf.reason == ROUNDING else leaf
        for path, leaf in leaves.items()
    }


def only_rounding(leaves: Mapping[str, Comparison]) -> bool:
    """Whether something is beyond its tolerance, and all of that by rounding."""
    beyond = {leaf.reason for leaf in leaves.values() if leaf.verdict is Verdict.DIFFERENT}
    accepted_before = any(leaf.reason == ROUNDING for leaf in leaves.values())
    return beyond == {ROUNDING} or (not beyond and accepted_before)


def _labelled(path: str, leaf: Comparison, actual: Any, expected: Any, given: Any) -> Comparison:
    if _is_meta(path) and _same_in_float32(actual, expected):
        detail = f"the same in float32: actual {actual!r}, expected {expected!r}"
        told = Tolerance(name=ROUNDING, reason="metadata stored as float32")
        return replace(leaf, reason=ROUNDING, detail=detail, tolerance=told)
    if leaf.reason != "values" or children(expected) is not None:
        return leaf
    sides = as_leaf(actual), as_leaf(expected)
    roundings = roundings_of(given)
    if sides[1].bits is None or not is_rounding(*sides, roundings):
        return leaf
    within = bound(sides[1].dtype, sides[1].largest, roundings)
    told = Tolerance(name=ROUNDING, atol=within, reason="the order of float operations")
    of = f"{given['max_iters']} steps" if _is_chain(given) else f"{terms_of(given)} terms"
    text = f"{leaf.detail}; rounding of {of} reaches {within:.2g}"
    return replace(leaf, reason=ROUNDING, detail=text, tolerance=told)


def _is_meta(path: str) -> bool:
    return path.startswith("meta") or ".meta" in path


def _same_in_float32(actual: Any, expected: Any) -> bool:
    """Whether two numbers, or sequences of them, are one when stored as float32."""
    try:
        sides = [np.asarray(_plain(side), dtype=np.float32) for side in (actual, expected)]
    except (TypeError, ValueError, InputError, OverflowError):
        return False
    floats = any(np.asarray(_plain(side)).dtype.kind == "f" for side in (actual, expected))
    return floats and bool(np.array_equal(sides[0], sides[1]))


def _plain(value: Any) -> Any:
    if isinstance(value, (str, bytes, Mapping)):
        raise TypeError
    return as_leaf(value).array if isinstance(value, torch.Tensor) else value


def _nodes(value: Any, path: str) -> dict[str, Any]:
    """Every value by the path that `compare_tree` gives it, containers too."""
    found = {path: value}
    for key, part in (children(value) or {}).items():
        found |= _nodes(part, path + (key if not path or key.startswith("[") else f".{key}"))
    return found
