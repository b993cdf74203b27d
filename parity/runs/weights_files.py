"""Which checkpoints lie in a run, and what the last and the best of them hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from parity.errors import RunFormatError
from parity.runs.checkpoint import read_checkpoint
from parity.runs.facts import Unread
from parity.runs.reading import Reading
from parity.runs.record import CheckpointFile
from parity.runs.tree import read_bounded
from parity.runs.work_dir import STEP

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
    strange = [name for name in content.inert if not _ordinary(name)]
    if strange:
        listed = ", ".join(name[:80] for name in strange[:5])
        reason = f"asks to run {listed}, which no checkpoint needs; it was not run"
        reading.unread.append(Unread(item.file, reason, count=len(strange)))
    if content.skipped:
        reason = f"{content.skipped[0]!r} and others of its state dict are no plain tensors"
        reading.unread.append(Unread(item.file, reason, count=len(content.skipped)))
    return replace(item, content=content)


def _ordinary(name: str) -> bool:
    return name.startswith(_ORDINARY) or name in _ORDINARY_NAMES
