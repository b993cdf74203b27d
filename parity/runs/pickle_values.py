"""The values that mean something in a checkpoint's pickle: tensors, mappings, NumPy scalars."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.runs.record import TensorInfo

# By torch's name of a type: bytes of one element, and what its storage and safetensors call it.
DTYPES = {
    "float64": (8, "DoubleStorage", "F64"),
    "float32": (4, "FloatStorage", "F32"),
    "float16": (2, "HalfStorage", "F16"),
    "bfloat16": (2, "BFloat16Storage", "BF16"),
    "int64": (8, "LongStorage", "I64"),
    "int32": (4, "IntStorage", "I32"),
    "int16": (2, "ShortStorage", "I16"),
    "int8": (1, "CharStorage", "I8"),
    "uint8": (1, "ByteStorage", "U8"),
    "bool": (1, "BoolStorage", "BOOL"),
    "complex64": (8, "ComplexFloatStorage", "C64"),
    "complex128": (16, "ComplexDoubleStorage", ""),
}
_STORAGES = {"UntypedStorage": "", **{storage: name for name, (_, storage, _) in DTYPES.items()}}
# torch has no tensors of more dimensions.
MAX_DIMENSIONS = 64
MAX_KEY, MAX_KEY_BITS = 1_000, 60
MAX_BITS = 256
_SCALAR_DTYPES = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})


@dataclass(frozen=True)
class Opaque:
    """Something of a class that is not known here: not made, only named."""

    name: str


@dataclass(frozen=True)
class Name:
    """A class or function a pickle refers to, e.g. ``torch._utils._rebuild_tensor_v2``."""

    name: str


@dataclass(frozen=True)
class Storage:
    """Where torch keeps the values of tensors. dtype: "" where another place names it."""

    dtype: str
    key: str


def plain_key(key: Any) -> Any:
    """`key` of a dict: plain, or named by its type."""
    # Equal long texts take long to compare, and large integers may share a hash.
    short = isinstance(key, (str, bytes)) and len(key) <= MAX_KEY
    small = isinstance(key, int) and key.bit_length() <= MAX_KEY_BITS
    plain = short or small or isinstance(key, (float, type(None), Opaque, Name))
    return key if plain else Opaque(f"a {type(key).__name__}")


def storage(identity: Any) -> Any:
    """torch's persistent identifier: ("storage", type, key, device, number of elements)."""
    if isinstance(identity, tuple) and len(identity) >= 3 and isinstance(identity[1], Name):
        module, _, name = identity[1].name.rpartition(".")
        known = module in {"torch", "torch.storage"} and name in _STORAGES
        view = len(identity) > 5 and identity[5] is not None  # of torch's older format
        if known and not view and isinstance(plain_key(identity[2]), (str, int)):
            return Storage(_STORAGES[name], str(identity[2]))
    return Opaque("a storage of unknown type")


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *rest: Any) -> Any:
    if not isinstance(storage, Storage):
        return Opaque("a tensor of unknown storage")
    dtype = storage.dtype
    if not dtype:  # _rebuild_tensor_v3 names it apart
        named = [item.name for item in rest if isinstance(item, Name)]
        dtype = named[0].removeprefix("torch.") if named else ""
    if not (_few(shape) and _few(stride) and len(shape) == len(stride)):
        return Opaque("a tensor of unknown shape")
    sizes = (offset, *shape, *stride)
    if dtype not in DTYPES or any(type(n) is not int or not 0 <= n < 1 << 60 for n in sizes):
        return Opaque("a tensor of unknown type")
    return TensorInfo(tuple(shape), dtype, storage.key, offset, tuple(stride))


def _few(sizes: Any) -> bool:
    return isinstance(sizes, (list, tuple)) and len(sizes) <= MAX_DIMENSIONS


def _size(sizes: Any = ()) -> Any:
    return tuple(sizes) if _few(sizes) else Opaque("a size")


def _parameter(data: Any, *rest: Any) -> Any:
    return data if isinstance(data, TensorInfo) else Opaque("a parameter")


def _ordered_dict(items: Any = ()) -> Any:
    pairs = items if isinstance(items, list) else []
    return {
        plain_key(pair[0]): pair[1]
        for pair in pairs
        if isinstance(pair, (list, tuple)) and len(pair) == 2
    }


def _set(items: Any = ()) -> Any:
    return {plain_key(item) for item in items} if isinstance(items, list) else Opaque("a set")


def _numpy_dtype(code: Any = "", *rest: Any) -> Any:
    short = isinstance(code, str) and len(code) < 9
    return Opaque(f"numpy dtype {code}" if short else "numpy dtype")


def _numpy_scalar(dtype: Any = None, data: Any = b"") -> Any:
    code = dtype.name.rpartition(" ")[2] if isinstance(dtype, Opaque) else ""
    if code not in _SCALAR_DTYPES or not isinstance(data, bytes):
        return Opaque("numpy scalar")
    return np.frombuffer(data, np.dtype(f"<{code}"), count=1)[0].item()


def _encode(text: Any = "", encoding: Any = "") -> Any:
    """How protocol 2 writes bytes; those of arrays are of no use here."""
    if isinstance(text, str) and len(text) <= MAX_KEY and encoding == "latin1":
        return text.encode("latin1")
    return Opaque("bytes")


# What calling a name would give, where it is known.
KNOWN: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
    "collections.OrderedDict": _ordered_dict,
    "__builtin__.bytes": lambda *given: Opaque("bytes") if given else b"",
    "__builtin__.set": _set,
    "builtins.set": _set,
    "numpy.dtype": _numpy_dtype,
    "numpy.core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray.scalar": _numpy_scalar,
    "_codecs.encode": _encode,
}
