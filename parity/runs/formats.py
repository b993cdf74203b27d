"""Formats of checkpoints, and where each keeps its tensors."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from parity.errors import RunFormatError
from parity.runs.archive import MAX_PICKLE, FileRegion
from parity.runs.pickle_values import DTYPES, MAX_DIMENSIONS
from parity.runs.pickles import read_pickle, run_pickle
from parity.runs.record import TensorInfo

MAX_HEADER = 1 << 24
_SAFE_DTYPES = {safe: name for name, (_, _, safe) in DTYPES.items() if safe}
TORCH, LEGACY, SAFETENSORS = "torch", "torch legacy", "safetensors"


def nested(document: Any, *keys: str) -> Any:
    """The value at `keys`, one dict in the other; None when there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def state_dict_of(document: Any) -> Mapping[Any, Any]:
    """The state dict: nested by mmengine and most others, else the whole file."""
    for key in ("state_dict", "model", None):
        found = document if key is None else nested(document, key)
        if isinstance(found, Mapping) and any(isinstance(v, TensorInfo) for v in found.values()):
            return found
    return {}


def read_safetensors(stream: BinaryIO) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """The tensors of a safetensors file, `offset` in bytes of the file, and its metadata.

    Read here, since the library maps the file: one that is cut off meanwhile
    kills the process. Raises RunFormatError.
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    (length,) = struct.unpack("<Q", stream.read(8).ljust(8, b"\0"))
    if not 2 <= length <= min(MAX_HEADER, size - 8):
        raise RunFormatError(f"not a safetensors file: a header of {length} bytes")
    try:
        header = json.loads(stream.read(length).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RunFormatError(f"not a safetensors file: its header is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise RunFormatError("not a safetensors file: its header is no object")
    given = header.pop("__metadata__", {})
    meta = given if isinstance(given, dict) else {}
    found = {key: _entry(key, item, 8 + length, size) for key, item in header.items()}
    return found, {key: item for key, item in meta.items() if isinstance(item, str)}


def _entry(key: str, item: Any, begin: int, size: int) -> TensorInfo:
    item = item if isinstance(item, dict) else {}
    shape, dtype, place = (item.get(name) for name in ("shape", "dtype", "data_offsets"))
    whole = _sizes(shape) and _sizes(place) and len(place) == 2 and isinstance(dtype, str)
    if not whole or len(shape) > MAX_DIMENSIONS:
        raise RunFormatError(
            f"not a safetensors file: its entry {key[:80]!r} is not one of a tensor"
        )
    name = _SAFE_DTYPES.get(dtype, dtype[:20])
    taken = math.prod(shape) * DTYPES.get(name, (0,))[0]
    if place[1] > size - begin or (name in DTYPES and place[1] - place[0] != taken):
        raise RunFormatError(f"cut off or damaged: {key[:80]!r} does not fit; copy it again")
    strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    return TensorInfo(tuple(shape), name, "", begin + place[0], strides)


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 60 for n in value)


# What a file starts with: a pickled magic number, after two bytes of the protocol.
LEGACY_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa85019")
_HEADER = 3  # pickles before the content


@dataclass(frozen=True)
class Legacy:
    """document: the content. inert: names in it that stayed opaque. storages: first byte, length.

    A storage of unknown type has an unknown length: it and what follows is left out.
    """

    document: Any
    inert: tuple[str, ...]
    storages: dict[str, tuple[int, int]]


def read_legacy(stream: BinaryIO) -> Legacy:
    """The content of a file in torch's format from before 1.6. Raises RunFormatError.

    As torch's `_legacy_load` reads it (torch 2.x serialization.py), but inert, pickles one after
    the other: a magic number, a version, the machine, the content, the keys of the storages; then
    of each storage its number of elements and its bytes.
    """
    region = FileRegion(stream, 0, MAX_PICKLE)
    for _ in range(_HEADER):
        read_pickle(region)
    content = run_pickle(region)
    keys, _ = read_pickle(region)
    storages: dict[str, tuple[int, int]] = {}
    for key in map(str, keys if isinstance(keys, list) else []):
        dtype, count = content.storages.get(key), stream.read(8)
        if len(count) < 8 or dtype is None:
            break
        length = struct.unpack("<q", count)[0] * DTYPES.get(dtype, (1,))[0]
        if not 0 <= length < 1 << 60:
            break
        storages[key] = (stream.tell(), length)
        stream.seek(length, 1)
    return Legacy(content.value, content.inert, storages)
