"""The values of single tensors of a checkpoint, read from its file, and hashes of them."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

import torch

from parity.errors import RunFormatError
from parity.runs.formats import LEGACY, SAFETENSORS, read_archive, read_legacy
from parity.runs.record import Checkpoint, TensorInfo
from parity.runs.tree import open_regular

# The largest tensor of any model here takes under 200 MB.
MAX_TENSOR = 1 << 30
# Where the values of a tensor lie: first byte and length.
_Place = tuple[int, int]


def load_tensors(checkpoint: Checkpoint, keys: Iterable[str]) -> dict[str, torch.Tensor]:
    """The tensors `keys` of the state dict, read from the file now. Raises RunFormatError."""
    found = {}
    with open_regular(checkpoint.path) as stream:
        places = _places(checkpoint, stream)
        for key in keys:
            info = checkpoint.tensors.get(key)
            if info is None:
                raise RunFormatError(f"{checkpoint.path}: holds no tensor {key!r}")
            try:
                found[key] = _read_tensor(info, stream, *places(info))
            except (RunFormatError, OSError, ValueError, RuntimeError) as error:
                raise RunFormatError(f"{checkpoint.path}: {key}: {error}") from error
    return found


def _places(checkpoint: Checkpoint, stream: BinaryIO) -> Callable[[TensorInfo], _Place]:
    """What says where a tensor's storage lies."""
    if checkpoint.format == SAFETENSORS:
        size = stream.seek(0, 2)
        return lambda info: (info.offset, size - info.offset)
    if checkpoint.format == LEGACY:
        storages = read_legacy(stream).storages
        return lambda info: _storage(storages, info.storage)
    archive = read_archive(stream)
    return lambda info: archive.storage(info.storage)


def _storage(storages: Mapping[str, _Place], key: str) -> _Place:
    if key not in storages:
        raise RunFormatError(f"it lacks the storage {key[:80]!r} that its pickle names")
    return storages[key]


def _read_tensor(info: TensorInfo, stream: BinaryIO, start: int, length: int) -> torch.Tensor:
    """The tensor `info` over its storage, of which only the part it uses is read."""
    dtype = getattr(torch, info.dtype, None)
    if not isinstance(dtype, torch.dtype):
        raise RunFormatError(f"its type {info.dtype} is not known to torch {torch.__version__}")
    count = math.prod(info.shape)
    if count == 0:
        return torch.empty(info.shape, dtype=dtype)
    spans = zip(info.shape, info.stride, strict=True)
    used = 1 + sum((size - 1) * step for size, step in spans)
    offset = info.offset if info.storage else 0  # of safetensors it counts in the file
    if offset + used > length // dtype.itemsize or count > used:
        raise RunFormatError(f"shape {info.shape} does not fit its storage of {length} bytes")
    if used * dtype.itemsize > MAX_TENSOR:
        raise RunFormatError(f"it takes more than {MAX_TENSOR} bytes")
    stream.seek(start + offset * dtype.itemsize)
    data = bytearray(used * dtype.itemsize)
    if stream.readinto(data) < len(data):  # type: ignore[attr-defined]
        raise RunFormatError("the file is cut off; copy it again")
    return torch.frombuffer(data, dtype=dtype).as_strided(info.shape, info.stride).clone()
