"""Checkpoints: keys, shapes, dtypes, without running what they contain.

torch's zip format is read by pickles.py and archive.py, safetensors by its own
library. Only torch's older format needs torch (legacy.py), as do the values (tensors.py).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from parity.errors import RunFormatError
from parity.runs.archive import is_zip, map_region, read_archive
from parity.runs.formats import (
    LEGACY,
    SAFETENSORS,
    TORCH,
    nested,
    open_safetensors,
    state_dict_of,
)
from parity.runs.pickles import read_pickle
from parity.runs.record import Checkpoint, TensorInfo
from parity.runs.tree import open_regular

_PLAIN = (str, int, float, bool, type(None))
MAX_META = 200
# What torch's older format starts with: a pickled magic number.
_LEGACY_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa85019")
# safetensors' names of types.
_SAFE_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


def read_checkpoint(path: Path, *, inside: Path | None = None) -> Checkpoint:
    """What the file of weights `path` holds. inside: a directory it must not lead out of.

    Raises RunFormatError, which names the file, for anything that is not a
    checkpoint, is damaged, or asks for more than its size (zip bombs).
    """
    path = Path(path)
    try:
        with open_regular(path, inside=inside) as stream:
            start = stream.read(16)
        if is_zip(start):
            return _read_zip(path, inside)
        if start[2:].startswith(_LEGACY_MAGIC):
            # Imported late: torch takes more memory than a run of any size does here.
            legacy = importlib.import_module("parity.runs.legacy").legacy_entries(path)
            return _checkpoint(path, LEGACY, legacy, ())
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
    except RunFormatError as error:
        named = str(error).startswith(str(path))
        raise error if named else RunFormatError(f"{path}: {error}") from error
    raise RunFormatError(
        f"{path}: not a checkpoint of torch.save or safetensors (starts with {start[:8]!r})"
    )


def _read_zip(path: Path, inside: Path | None) -> Checkpoint:
    with open_regular(path, inside=inside) as stream:
        archive = read_archive(stream)
        _check_byte_order(archive.entries.get(f"{archive.root}byteorder"), stream)
        region, start = map_region(stream, *archive.pickle)
    with region:
        region.seek(start)
        document, inert = read_pickle(region)
    return _checkpoint(path, TORCH, document, inert)


def _check_byte_order(place: tuple[int, int] | None, stream: BinaryIO) -> None:
    if place is not None:
        stream.seek(place[0])
        if stream.read(min(place[1], 16)) != b"little":
            raise RunFormatError("written on a big-endian machine; save it again on another")


def _checkpoint(path: Path, kind: str, document: Any, inert: tuple[str, ...]) -> Checkpoint:
    tensors, skipped = {}, []
    for key, value in state_dict_of(document).items():
        if isinstance(value, TensorInfo) and isinstance(key, str):
            tensors[key] = value
        else:
            skipped.append(str(key)[:200] if isinstance(key, (str, int)) else type(key).__name__)
    if not tensors:
        raise RunFormatError("holds no tensors: no checkpoint")
    meta = document.get("meta") if isinstance(document, dict) else None
    groups = nested(document, "optimizer", "param_groups")
    return Checkpoint(
        path,
        kind,
        tensors,
        _plain(meta if isinstance(meta, dict) else {}),
        tuple(_plain(group) for group in groups if isinstance(group, dict))
        if isinstance(groups, list)
        else (),
        inert,
        tuple(skipped),
    )


def _plain(items: Mapping[Any, Any]) -> dict[str, Any]:
    """The scalars, and short tuples of scalars, among `items`."""
    kept: dict[str, Any] = {}
    for key, value in list(items.items())[:MAX_META]:
        flat = isinstance(value, (list, tuple)) and len(value) <= 16
        whole = all(isinstance(item, _PLAIN) for item in value) if flat else False
        if isinstance(key, str) and (isinstance(value, _PLAIN) or whole):
            kept[key] = value
    return kept


def _read_safetensors(path: Path) -> Checkpoint:
    with open_safetensors(path, "np") as file:
        slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        tensors = {
            key: TensorInfo(
                tuple(item.get_shape()), _SAFE_DTYPES.get(item.get_dtype(), item.get_dtype())
            )
            for key, item in slices.items()
        }
        return Checkpoint(path, SAFETENSORS, tensors, dict(file.metadata() or {}))
