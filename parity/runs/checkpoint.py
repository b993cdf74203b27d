"""Checkpoints: keys, shapes, dtypes, without running what they contain.

torch's zip format is read by pickles.py and archive.py, its older one by
legacy.py, safetensors by formats.py; none of them needs torch. The values do (tensors.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from parity.errors import RunFormatError
from parity.runs.archive import FileRegion, is_zip, read_archive
from parity.runs.formats import (
    LEGACY,
    LEGACY_MAGIC,
    SAFETENSORS,
    TORCH,
    nested,
    read_legacy,
    read_safetensors,
    state_dict_of,
)
from parity.runs.pickles import read_pickle
from parity.runs.record import Checkpoint, TensorInfo
from parity.runs.tree import open_regular

_PLAIN = (str, int, float, bool, type(None))
MAX_META = 200
MAX_GROUPS = 10_000


def read_checkpoint(path: Path, *, inside: Path | None = None) -> Checkpoint:
    """What the file of weights `path` holds. inside: a directory it must not lead out of.

    Raises RunFormatError, which names the file, for anything that is not a
    checkpoint, is damaged, or asks for more than its size (zip bombs).
    """
    path = Path(path)
    try:
        with open_regular(path, inside=inside) as stream:
            return _read(path, stream)
    except (RunFormatError, OSError) as error:
        named = str(error).startswith(str(path))
        raise error if named else RunFormatError(f"{path}: {error}") from error


def _read(path: Path, stream: BinaryIO) -> Checkpoint:
    start = stream.read(16)
    if is_zip(start):
        archive = read_archive(stream)
        _check_byte_order(archive.entries.get(f"{archive.root}byteorder"), stream)
        return _checkpoint(path, TORCH, *read_pickle(FileRegion(stream, *archive.pickle)))
    if start[2:].startswith(LEGACY_MAGIC):
        legacy = read_legacy(stream)
        return _checkpoint(path, LEGACY, legacy.document, legacy.inert)
    if path.suffix == ".safetensors":
        return Checkpoint(path, SAFETENSORS, *read_safetensors(stream))
    raise RunFormatError(
        f"not a checkpoint of torch.save or safetensors (starts with {start[:8]!r})"
    )


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
        tuple(_plain(group) for group in groups[:MAX_GROUPS] if isinstance(group, dict))
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
