"""One array, tensor or plain value, ready to be compared bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.errors import InputError

_PLAIN = (bool, int, float, str, bytes, type(None))
_SIGNED = {2: np.int16, 4: np.int32, 8: np.int64}
# Elements looked at together: what is computed of them as float64 takes a few MB, not GB.
BLOCK = 2**19


@dataclass(frozen=True, eq=False)
class Leaf:
    """kind: "array", "tensor" or the type's name. values: None for plain values.

    bits: the same memory as signed integers, for floating dtypes only.
    """

    kind: str
    dtype: str
    values: NDArray[Any] | None
    bits: NDArray[Any] | None = None

    @property
    def array(self) -> NDArray[Any]:
        """The values of an array or tensor; plain values have none."""
        assert self.values is not None
        return self.values

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """Where values are neither NaN nor infinite."""
        if self.bits is None:
            return np.ones(self.array.shape, dtype=bool)
        return np.asarray(np.isfinite(self.array))

    @cached_property
    def largest(self) -> float:
        """The largest finite absolute value; 0 without any."""
        most = 0.0
        for (part,) in blocks(self):
            values = np.abs(part.array[part.finite].astype(np.float64))
            most = max(most, float(values.max(initial=0.0)))
        return most

    @property
    def zero_ulp(self) -> int | None:
        """0 for floating dtypes, None for the others, which have no ULP."""
        return None if self.bits is None else 0

    def differs_from(self, other: Leaf) -> NDArray[np.bool_]:
        """Where the bits differ; NaN equals NaN."""
        if self.bits is None:
            return np.asarray(self.array != other.array)
        both_nan = np.isnan(self.array) & np.isnan(other.array)
        return np.asarray((self.bits != other.bits) & ~both_nan)

    def distance_to(self, other: Leaf) -> NDArray[np.float64]:
        """Absolute difference as float64; exact for integers below 2**53."""
        left, right = self.array, other.array
        if self.bits is not None:
            with np.errstate(invalid="ignore", over="ignore"):
                return np.asarray(np.abs(left.astype(np.float64) - right.astype(np.float64)))
        if left.dtype == bool:
            return np.asarray(left != right, dtype=np.float64)
        return _unsigned_distance(left, right).astype(np.float64)

    def ulps_to(self, other: Leaf) -> NDArray[np.uint64] | None:
        """Distance in representable numbers, -0.0 and 0.0 being neighbours."""
        if self.bits is None or other.bits is None:
            return None
        return _unsigned_distance(_ordered(self.bits), _ordered(other.bits))


def blocks(*leaves: Leaf) -> Iterator[tuple[Leaf, ...]]:
    """Arrays of one shape as flat parts of `BLOCK` elements each, in row-major order."""
    flat = [_flat(leaf) for leaf in leaves]
    for start in range(0, flat[0].array.size, BLOCK):
        yield tuple(_cut(leaf, slice(start, start + BLOCK)) for leaf in flat)


def _flat(leaf: Leaf) -> Leaf:
    bits = None if leaf.bits is None else leaf.bits.reshape(-1)
    return replace(leaf, values=leaf.array.reshape(-1), bits=bits)


def _cut(leaf: Leaf, where: slice) -> Leaf:
    bits = None if leaf.bits is None else leaf.bits[where]
    return replace(leaf, values=leaf.array[where], bits=bits)


def _unsigned_distance(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.uint64]:
    """Absolute difference of integers, exact even from -2**63 to 2**63 - 1."""
    high, low = np.maximum(left, right), np.minimum(left, right)
    with np.errstate(over="ignore"):  # unsigned words wrap, which gives the true difference
        return np.asarray(high.astype(np.uint64) - low.astype(np.uint64))


def _ordered(bits: NDArray[Any]) -> NDArray[np.int64]:
    """Signed integers in the order of the floats they encode; -0.0 becomes -1."""
    magnitude = np.iinfo(bits.dtype).max
    return np.where(bits < 0, ~(bits & magnitude).astype(np.int64), bits.astype(np.int64))


def as_leaf(value: Any) -> Leaf:
    """Wrap `value`. Raises InputError for objects, object arrays and complex numbers."""
    if isinstance(value, torch.Tensor):
        return _from_tensor(value)
    if isinstance(value, (np.ndarray, np.generic)):
        kind = "array" if isinstance(value, np.ndarray) else f"numpy {value.dtype}"
        return _from_array(np.asarray(value), kind)
    if isinstance(value, float):
        return _from_array(np.asarray(value), "float")
    if isinstance(value, _PLAIN):
        return Leaf(type(value).__name__, type(value).__name__, None)
    raise InputError(
        f"cannot compare a {type(value).__name__}; give arrays, tensors, numbers, strings, "
        f"or dicts, lists, tuples and dataclasses of these"
    )


def _from_array(array: NDArray[Any], kind: str) -> Leaf:
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise InputError(f"cannot compare arrays of dtype {array.dtype}; use bool, int or float")
    contiguous = np.ascontiguousarray(array).reshape(array.shape)
    bits = None
    if array.dtype.kind == "f":
        native = contiguous.astype(contiguous.dtype.newbyteorder("="), copy=False)
        bits = native.view(_SIGNED[array.dtype.itemsize])
        contiguous = native
    return Leaf(kind, str(array.dtype), contiguous, bits)


def _from_tensor(tensor: torch.Tensor) -> Leaf:
    tensor = tensor.detach().cpu()
    tensor = tensor.contiguous() if tensor.layout == torch.strided else tensor
    if tensor.dtype == torch.bfloat16:
        bits = tensor.view(torch.int16).numpy()
        return Leaf("tensor", "bfloat16", tensor.float().numpy(), bits)
    try:
        plain = tensor.numpy()
    except (RuntimeError, TypeError):  # sparse, quantised, or of a dtype that NumPy has not
        raise InputError(
            f"cannot compare a tensor of {tensor.dtype} and layout {tensor.layout}; give dense "
            f"tensors of bool, int, float or bfloat16"
        ) from None
    leaf = _from_array(plain, "tensor")
    return Leaf("tensor", leaf.dtype, leaf.values, leaf.bits)
