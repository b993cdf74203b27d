"""Formats of checkpoints, and where each keeps its tensors.

The zip archive that `torch.save` writes is looked at with suspicion. torch stores every entry
uncompressed, so that it can map it into memory. An archive that is compressed, overlaps itself, or
lists more than it holds was not written by torch and is refused before anything in it is unpacked.
"""

import json
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from parity.errors import RunFormatError
from parity.runs.pickle_values import DTYPES, MAX_DIMENSIONS
from parity.runs.pickles import read_pickle, run_pickle
from parity.runs.record import TensorInfo

MAX_ENTRIES = 200_000
MAX_PICKLE = 1 << 29
MAX_READ = 1 << 26
# The end record and the largest comment it can have.
_TAIL = 22 + 0xFFFF
_LOCAL_HEADER = 30


@dataclass(frozen=True)
class Archive:
    """Where the entries of an archive lie. entries: name -> (first byte, length)."""

    root: str
    entries: dict[str, tuple[int, int]]

    def storage(self, key: str) -> tuple[int, int]:
        """First byte and length of the storage `key`. Raises RunFormatError."""
        found = self.entries.get(f"{self.root}data/{key}")
        if found is None:
            raise RunFormatError(f"it lacks the storage {key[:80]!r} that its pickle names")
        return found

    @property
    def pickle(self) -> tuple[int, int]:
        """First byte and length of the pickle."""
        return self.entries[f"{self.root}data.pkl"]


def read_archive(stream: BinaryIO) -> Archive:
    """The layout of a torch archive. Raises RunFormatError for any other zip file."""
    size = stream.seek(0, 2)
    _check_directory(stream, size)
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
    except Exception as error:  # whatever zipfile raises on a damaged or hostile file
        raise RunFormatError(f"a damaged zip archive ({error}); copy it again") from error
    entries = {info.filename: _place(stream, info, size) for info in infos}
    _check_sizes(entries, len(infos), size)
    return Archive(_root(entries), entries)


def _check_directory(stream: BinaryIO, size: int) -> None:
    """Refuse a directory too large to list before Python reads all of it."""
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 20 > len(tail):
        raise RunFormatError("a zip archive without an end: cut off; copy it again")
    count, length = struct.unpack("<HI", tail[at + 10 : at + 16])
    if count == 0xFFFF or length == 0xFFFFFFFF:  # the numbers are in the zip64 record
        found = tail.rfind(b"PK\x06\x06", 0, at)
        if found < 0 or found + 48 > len(tail):
            raise RunFormatError("a zip archive without a zip64 end record: damaged")
        count, length = struct.unpack("<QQ", tail[found + 32 : found + 48])
    if count > MAX_ENTRIES or length > MAX_ENTRIES * 512:
        raise RunFormatError(f"an archive of {count} entries; a checkpoint has thousands")


def _place(stream: BinaryIO, info: zipfile.ZipInfo, size: int) -> tuple[int, int]:
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise RunFormatError(
            f"its entry {info.filename[:80]!r} is compressed ({info.compress_size} to "
            f"{info.file_size} bytes); torch.save never compresses: not unpacked"
        )
    if not 0 <= info.header_offset < size:
        raise RunFormatError(f"its entry {info.filename[:80]!r} lies outside of the file")
    stream.seek(info.header_offset)
    header = stream.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
        raise RunFormatError(f"its entry {info.filename[:80]!r} is not where it should be")
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    start = info.header_offset + _LOCAL_HEADER + name_length + extra_length
    if start + info.file_size > size:
        raise RunFormatError("it is cut off: an entry ends beyond the file; copy it again")
    return start, info.file_size


def _check_sizes(entries: dict[str, tuple[int, int]], listed: int, size: int) -> None:
    if len(entries) != listed:
        raise RunFormatError("it lists an entry twice; torch.save never does")
    if sum(length for _, length in entries.values()) > size:
        raise RunFormatError("its entries overlap and unfold to more than the file holds: a bomb")


def _root(entries: dict[str, tuple[int, int]]) -> str:
    """The folder that everything lies in, with its slash."""
    pickles = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise RunFormatError("a zip archive without the data.pkl of torch.save: no checkpoint")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in entries:
        raise RunFormatError("a TorchScript program, not a checkpoint; give the training's file")
    if entries[pickles[0]][1] > MAX_PICKLE:
        raise RunFormatError(f"its pickle is larger than {MAX_PICKLE} bytes")
    return root


class FileRegion:
    """Part of a file, to be read as a file of its own.

    Read, not mapped: of a file that is cut off meanwhile, a map kills the process.
    """

    def __init__(self, stream: BinaryIO, start: int, length: int) -> None:
        self._stream = stream
        self._left = length
        stream.seek(start)

    def read(self, size: int) -> bytes:
        """At most `size` bytes. Raises RunFormatError for more than any checkpoint holds in one."""
        size = min(size, self._left)
        if size > MAX_READ:
            raise RunFormatError(f"its pickle holds a text of more than {MAX_READ} bytes")
        return self._took(self._stream.read(size))

    def readline(self) -> bytes:
        """Up to the end of a line."""
        return self._took(self._stream.readline(min(self._left, MAX_READ)))

    def _took(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data


def is_zip(path_start: bytes) -> bool:
    """Whether a file that starts so is a zip archive."""
    return path_start.startswith(b"PK\x03\x04")


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
