"""What is odd about the manner of an answer and does not make it wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch

from parity.candidate.grouping import are_groups, arranged
from parity.compare.tree import children
from parity.probes.natural import Partly
from parity.sample import Meta

# In this order: True is an int, too.
_KINDS: tuple[tuple[type, type], ...] = ((bool, np.bool_), (int, np.integer), (float, np.floating))

_SAME_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def forgiven(actual: Any, expected: Any, path: str = "") -> tuple[Any, tuple[str, ...]]:
    """`actual` with its manners as those of `expected`, and what was odd about them.

    A Python number in the place of a NumPy number of the same value, or the other
    way round; metadata that `expected` has not; arrays in another memory order;
    parameter groups in another order.
    """
    if is_dataclass(expected) and not isinstance(expected, type) and type(actual) is type(expected):
        names = [item.name for item in fields(expected) if item.compare]
        parts = {name: _part(actual, expected, name, path) for name in names}
        changed = {name: part for name, (part, _) in parts.items()}
        return replace(actual, **changed), _joined(parts)
    if isinstance(expected, Meta) and isinstance(actual, Mapping):
        return _metadata(actual, expected, path)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        both = [key for key in actual if key in expected]
        parts = {key: forgiven(actual[key], expected[key], _at(path, key)) for key in both}
        merged = {**actual, **{key: part for key, (part, _) in parts.items()}}
        return Partly(merged) if isinstance(actual, Partly) else merged, _joined(parts)
    if isinstance(expected, (list, tuple)) and type(actual) is type(expected):
        return _sequence(actual, expected, path)
    return _leaf(actual, expected, path)


def view_note(given: Any, output: Any) -> str:
    """Which parts of `output` share the memory of the input, in words, or ""."""
    inputs = [array for _, array in arrays(given)]
    views = [
        path or "the result"
        for path, array in arrays(output)
        if any(_is_view(array, source) for source in inputs)
    ]
    return f"returns a view of its input ({', '.join(views)})" if views else ""


def _part(actual: Any, expected: Any, name: str, path: str) -> tuple[Any, tuple[str, ...]]:
    return forgiven(getattr(actual, name), getattr(expected, name), _at(path, name))


def _metadata(actual: Mapping[str, Any], expected: Meta, path: str) -> tuple[Meta, tuple[str, ...]]:
    both = [key for key in actual if key in expected]
    parts = {key: forgiven(actual[key], expected[key], _at(path, key)) for key in both}
    extra = [key for key in actual if key not in expected]
    told = (f"adds metadata ({', '.join(extra)})",) if extra else ()
    return Meta(**{key: part for key, (part, _) in parts.items()}), (*told, *_joined(parts))


def _sequence(actual: Any, expected: Any, path: str) -> tuple[Any, tuple[str, ...]]:
    note = ""
    if are_groups(actual) and are_groups(expected):
        actual, note = arranged(actual, expected)
    if len(actual) != len(expected):
        return actual, ()
    parts = {
        str(at): forgiven(one, other, f"{path}[{at}]")
        for at, (one, other) in enumerate(zip(actual, expected, strict=True))
    }
    items = [part for part, _ in parts.values()]
    made = type(actual)(*items) if hasattr(actual, "_fields") else type(actual)(items)
    return made, (*([note] if note else []), *_joined(parts))


def _leaf(actual: Any, expected: Any, path: str) -> tuple[Any, tuple[str, ...]]:
    where = path or "the result"
    if isinstance(actual, np.ndarray) and isinstance(expected, np.ndarray):
        other = actual.shape == expected.shape and _order(actual) != _order(expected)
        return actual, ((f"has another memory order ({where})",) if other else ())
    if type(actual) is type(expected) or not _same_number(actual, expected):
        return actual, ()
    mine, wanted = type(actual).__name__, type(expected).__name__
    return expected, (f"gives {mine} for {wanted} ({where})",)


def _same_number(actual: Any, expected: Any) -> bool:
    for plain, numpy in _KINDS:
        if isinstance(actual, (plain, numpy)) or isinstance(expected, (plain, numpy)):
            if not (isinstance(actual, (plain, numpy)) and isinstance(expected, (plain, numpy))):
                return False
            # As Python numbers: NumPy would round 0.1 to the float32 beside it.
            left, right = plain(actual), plain(expected)
            return bool(left == right or (np.isnan(left) and np.isnan(right)))
    return False


def _order(array: np.ndarray[Any, Any]) -> tuple[bool, bool]:
    return array.flags.c_contiguous, array.flags.f_contiguous


def _at(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _joined(parts: Mapping[Any, tuple[Any, tuple[str, ...]]]) -> tuple[str, ...]:
    return tuple(note for _, notes in parts.values() for note in notes)


def _is_view(array: np.ndarray[Any, Any], source: np.ndarray[Any, Any]) -> bool:
    if array.size == 0 or not np.may_share_memory(array, source):
        return False
    same = array.__array_interface__["data"] == source.__array_interface__["data"]
    return not (same and array.shape == source.shape and array.strides == source.strides)


def arrays(value: Any, path: str = "") -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Every array in `value` by path; tensors of the CPU as arrays of the same memory."""
    parts = children(value)
    if parts is not None:
        for name, part in parts.items():
            yield from arrays(part, f"{path}.{name}" if path else name)
    elif isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, torch.Tensor) and value.device.type == "cpu" and _is_dense(value):
        tensor = value.detach()
        yield (
            path,
            (tensor.view(_SAME_SIZE[tensor.itemsize]) if _is_exotic(tensor) else tensor).numpy(),
        )


def _is_dense(tensor: torch.Tensor) -> bool:
    plain = tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_conj()
    return plain and tensor.itemsize in _SAME_SIZE


def _is_exotic(tensor: torch.Tensor) -> bool:
    """Of a dtype that NumPy has not, such as bfloat16."""
    try:
        tensor[:0].numpy() if tensor.ndim else tensor.numpy()
    except TypeError:
        return True
    return False
