"""Checkpoints: which lie in a run, and their keys, shapes, dtypes, without running anything.

torch's zip format is read by pickles.py and formats.py, its older
one and safetensors by formats.py; none of them needs torch. The values do (tensors.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from parity.errors import RunFormatError
from parity.runs import formats
from parity.runs.facts import Unread
from parity.runs.formats import FileRegion, is_zip, read_archive
from parity.runs.pickles import read_pickle
from parity.runs.reading import Reading
from parity.runs.record import Checkpoint, CheckpointFile, TensorInfo
from parity.runs.tree import STEP, open_regular, read_bounded

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
        return _checkpoint(path, formats.TORCH, *read_pickle(FileRegion(stream, *archive.pickle)))
    if start[2:].startswith(formats.LEGACY_MAGIC):
        legacy = formats.read_legacy(stream)
        return _checkpoint(path, formats.LEGACY, legacy.document, legacy.inert)
    if path.suffix == ".safetensors":
        return Checkpoint(path, formats.SAFETENSORS, *formats.read_safetensors(stream))
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
    for key, value in formats.state_dict_of(document).items():
        if isinstance(value, TensorInfo) and isinstance(key, str):
            tensors[key] = value
        else:
            skipped.append(str(key)[:200] if isinstance(key, (str, int)) else type(key).__name__)
    if not tensors:
        raise RunFormatError("holds no tensors: no checkpoint")
    meta = document.get("meta") if isinstance(document, dict) else None
    groups = formats.nested(document, "optimizer", "param_groups")
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


# Names of these packages are ordinary in a checkpoint; none of them is imported either.
_ORDINARY = ("torch.", "numpy.", "collections.", "mmengine.", "mmcv.", "mmseg.", "mmdet.")
_ORDINARY_NAMES = frozenset({"__builtin__.getattr", "builtins.getattr"})
MAX_OTHERS = 4


def find_checkpoints(
    files: Sequence[str], pointers: Sequence[str], reading: Reading, *, open_them: bool
) -> tuple[CheckpointFile, ...]:
    """All `files` of weights, ordered by step; the last and the best with their content.

    pointers: files such as ``last_checkpoint`` that name the last one. Only the
    name in them counts, looked for in the run: a path may lead anywhere.
    """
    found = [_described(file, reading) for file in files]
    found.sort(key=lambda item: (item.step is None, item.step or 0, item.file))
    named = _named(pointers, found, reading)
    wanted = _to_open(found, named) if open_them else set()
    return tuple(_opened(item, reading) if item.file in wanted else item for item in found)


def _described(file: str, reading: Reading) -> CheckpointFile:
    name = PurePosixPath(file).name
    match = STEP.search(name)
    step = int(match["step"]) if match and len(match["step"]) < 16 else None
    if name.startswith("best"):
        kind = "best"
    elif match is not None and name.startswith(match["kind"]):
        kind = match["kind"]
    else:
        kind = "last" if PurePosixPath(name).stem in {"latest", "last"} else "other"
    return CheckpointFile(file, kind, step, reading.tree.size(file))


def _named(
    pointers: Sequence[str], found: Sequence[CheckpointFile], reading: Reading
) -> str | None:
    """The file in the run that a pointer names."""
    for file in pointers:
        try:
            data = read_bounded(reading.tree.root / file, 4096, inside=reading.tree.root)
        except RunFormatError as error:
            reading.failed(file, error)
            continue
        name = data.decode("utf-8", "replace").strip().replace("\\", "/").rpartition("/")[2]
        for item in found:
            if PurePosixPath(item.file).name == name:
                return item.file
        if name.isprintable() and name:
            reading.unread.append(Unread(file, f"names {name[:200]!r}, which is not in the run"))
    return None


def _to_open(found: Sequence[CheckpointFile], named: str | None) -> set[str]:
    steps = [item for item in found if item.kind in {"iter", "epoch"}]
    last = [item for item in found if item.kind == "last"]
    best = [item for item in found if item.kind == "best"]
    others = [item for item in found if item.kind == "other"][:MAX_OTHERS]
    chosen = [named] if named else [item.file for item in (steps[-1:] or last[-1:] or others)]
    return {*chosen, *(item.file for item in best[-1:])}


def _opened(item: CheckpointFile, reading: Reading) -> CheckpointFile:
    path = reading.tree.root / item.file
    try:
        content = read_checkpoint(path, inside=reading.tree.root)
    except RunFormatError as error:
        reading.failed(item.file, error)
        return item
    reading.files.append(item.file)
    named = [name for name in content.inert if name not in _ORDINARY_NAMES]
    strange = [name for name in named if not name.startswith(_ORDINARY)]
    if strange:
        listed = ", ".join(name[:80] for name in strange[:5])
        reason = f"asks to run {listed}, which no checkpoint needs; it was not run"
        reading.unread.append(Unread(item.file, reason, count=len(strange)))
    if content.skipped:
        reason = f"{content.skipped[0]!r} and others of its state dict are no plain tensors"
        reading.unread.append(Unread(item.file, reason, count=len(content.skipped)))
    return replace(item, content=content)
