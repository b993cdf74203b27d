"""Compare nested values: dataclasses, mappings, lists and tuples of arrays and plain values."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from parity.compare.compare import Comparison, Verdict, compare
from parity.compare.leaf import as_leaf
from parity.compare.tolerance import EXACT, Tolerance

# Chooses a tolerance from a leaf's dtype.
ToleranceChoice = Callable[[str], Tolerance]


def exact(dtype: str) -> Tolerance:
    """Bit-equality for every dtype."""
    return EXACT


def compare_tree(
    actual: Any, expected: Any, choose: ToleranceChoice = exact, path: str = ""
) -> dict[str, Comparison]:
    """Compare leaf by leaf; keys are paths such as ``meta.img_shape`` or ``[0].image``.

    A missing or surplus entry is a structure difference at its own path;
    nothing is dropped, except dataclass fields declared with ``compare=False``.
    Two empty containers are equal in structure and give no leaf.
    """
    left, right = children(actual), children(expected)
    if left is None and right is None:
        leaf = as_leaf(expected)
        return {path: compare(actual, expected, choose(leaf.dtype))}
    if left is None or right is None or _kind(actual) != _kind(expected):
        detail = f"actual is {_kind(actual)}, expected {_kind(expected)}"
        return {path: Comparison(Verdict.DIFFERENT, "structure", detail)}
    found: dict[str, Comparison] = {}
    for key in [*right, *(key for key in left if key not in right)]:
        where = key if not path or key.startswith("[") else f".{key}"
        where = path + where
        if key not in left or key not in right:
            side = "actual" if key not in left else "expected"
            found[where] = Comparison(Verdict.DIFFERENT, "structure", f"missing in {side}")
        else:
            found.update(compare_tree(left[key], right[key], choose, where))
    return found


def insist_on_leaves(value: Any) -> None:
    """Raise InputError where something in `value` is of no kind that can be compared."""
    parts = children(value)
    if parts is None:
        as_leaf(value)
        return
    for part in parts.values():
        insist_on_leaves(part)


def children(value: Any) -> dict[str, Any] | None:
    """The parts of a container by path segment, or None for a leaf."""
    if is_dataclass(value) and not isinstance(value, type):
        compared = (field.name for field in fields(value) if field.compare)
        return {name: getattr(value, name) for name in compared}
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return {f"[{index}]": item for index, item in enumerate(value)}
    return None


def _kind(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "tuple" if isinstance(value, tuple) else "list"
    if isinstance(value, Mapping):
        return "mapping"
    return type(value).__name__
