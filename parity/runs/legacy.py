"""torch's checkpoint format from before 1.6: pickles one after the other, then the storages.

As torch's `_legacy_load` reads it (torch 2.x serialization.py), but inert: a
magic number, a version, the machine, the content, the keys of the storages, and
of each storage its number of elements and its bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from parity.runs.archive import MAX_PICKLE, FileRegion
from parity.runs.formats import DTYPE_BYTES
from parity.runs.pickles import read_pickle, run_pickle

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
    """The content of a file in torch's older format. Raises RunFormatError."""
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
        length = struct.unpack("<q", count)[0] * DTYPE_BYTES.get(dtype, 1)
        if not 0 <= length < 1 << 60:
            break
        storages[key] = (stream.tell(), length)
        stream.seek(length, 1)
    return Legacy(content.value, content.inert, storages)
