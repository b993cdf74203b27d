"""The files of a directory that may come from a stranger: listed, and opened, without surprises.

Symbolic links are followed to files inside the tree only. Pipes, sockets and
devices are never opened. A name with a control character is not read: it could
forge lines of a report.

What each file of a run directory is goes by its name. mmengine: ``<time>/<time>.log``,
``<time>/vis_data/{scalars.json,<time>.json,config.py}``, ``<time>/<time>.json`` (a test),
``<name>.py``, ``iter_*.pth``, ``last_checkpoint``. mmcv 0.x: ``<time>.log``,
``<time>.log.json``, ``<name>.py``, ``latest.pth``.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from parity.errors import RunFormatError
from parity.runs.facts import Unread

MAX_DEPTH = 8
MAX_FILES = 200_000
LINK_OUT = "a symbolic link out of the run; not followed"
# O_NONBLOCK: opening a pipe that has no writer must not wait for one.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class Tree:
    """Regular files below `root`, as sorted ``/``-separated paths relative to it."""

    root: Path
    files: tuple[str, ...]
    unread: tuple[Unread, ...]

    def open(self, file: str) -> BinaryIO:
        """`file` for reading. Raises RunFormatError."""
        return open_regular(self.root / file, inside=self.root)

    def size(self, file: str) -> int:
        """Bytes of `file`; 0 when it is gone."""
        try:
            return (self.root / file).stat().st_size
        except OSError:
            return 0


def list_tree(root: Path) -> Tree:
    """All files below `root`; what is not listed for reading is in `unread`."""
    unread: list[Unread] = []
    files: list[str] = []
    for file in _walk(root, "", 0, unread):
        if len(files) >= MAX_FILES:
            unread.append(Unread(".", f"holds more than {MAX_FILES} files; the rest is not read"))
            break
        files.append(file)
    return Tree(root, tuple(sorted(files)), tuple(unread))


def _walk(root: Path, prefix: str, depth: int, unread: list[Unread]) -> Iterator[str]:
    if depth > MAX_DEPTH:
        unread.append(Unread(prefix, f"deeper than {MAX_DEPTH} folders; not read"))
        return
    try:
        entries = sorted(os.scandir(root / prefix), key=lambda entry: entry.name)
    except OSError as error:
        unread.append(Unread(prefix or ".", f"cannot be listed: {error.strerror}"))
        return
    for entry in entries:
        name = f"{prefix}/{entry.name}" if prefix else entry.name
        reason = _refusal(root, entry)
        if reason:
            unread.append(Unread(_shown(name), reason))
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(root, name, depth + 1, unread)
        else:
            yield name


def _refusal(root: Path, entry: os.DirEntry[str]) -> str:
    """Why `entry` must not be read; "" when it may."""
    if not entry.name.isprintable():
        return "its name holds a control character or invalid Unicode; not read"
    if entry.is_symlink():
        return _link_refusal(root, Path(entry.path))
    if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
        return "neither a file nor a folder (a pipe, socket or device); not opened"
    return ""


def _link_refusal(root: Path, link: Path) -> str:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return "a symbolic link that leads nowhere"
    if not target.is_relative_to(root.resolve()):
        return LINK_OUT
    if not target.is_file():
        return "a symbolic link to something other than a file; not followed"
    return ""


def _shown(name: str) -> str:
    """`name` with every control character and lone surrogate escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def open_regular(path: Path, *, inside: Path | None = None) -> BinaryIO:
    """A regular file for reading; `inside`: the directory it must lie in.

    Raises RunFormatError for anything else, links out of `inside` included.
    """
    try:
        real = path.resolve(strict=True)
        if inside is not None and not real.is_relative_to(inside.resolve()):
            raise RunFormatError(f"{path}: leads out of {inside}; not followed")
        handle = os.open(real, _FLAGS)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise RunFormatError(f"{path}: not a regular file; give the file itself")
        return os.fdopen(handle, "rb")
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunFormatError(f"{path}: cannot be read: {reason}") from error


def read_bounded(path: Path, limit: int, *, inside: Path | None = None) -> bytes:
    """The whole of a file of at most `limit` bytes. Raises RunFormatError."""
    with open_regular(path, inside=inside) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise RunFormatError(f"{path}: larger than {limit} bytes; too large for what it is")
    return data


_STAMP = r"\d{8}_\d{6}"
# Below a run may lie other runs: only its own start directories are looked into.
_IN_START = rf"(?:{_STAMP}/)?"
_CHECKPOINT_REST = r"[^/]*\.(?:pth|pt|ckpt|safetensors)"
_CHECKPOINT = rf"[^/]{_CHECKPOINT_REST}"
_STAMPED = re.compile(_STAMP)
STEP = re.compile(r"(?P<kind>iter|epoch)_(?P<step>\d+)\.")
# First match decides. Kinds that belong to one start of the program name its time stamp.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("rank log", rf"{_IN_START}(?P<stamp>{_STAMP})\w*rank[1-9]\d*\.log"),
        ("log", rf"{_IN_START}(?P<stamp>{_STAMP})(?:\w*rank0)?\.log"),
        ("scalars", rf"(?P<stamp>{_STAMP})/vis_data/scalars\.json"),
        ("scalars", r"vis_data/scalars\.json"),
        ("scalars copy", rf"{_IN_START}vis_data/(?P<stamp>{_STAMP})\.json"),
        ("scalars", rf"(?P<stamp>{_STAMP})\.log\.json"),
        ("scalars", r"[^/]+\.log\.json"),
        ("scalars", rf"(?:(?P<stamp>{_STAMP})/)?scalars\.json"),
        ("test scalars", rf"{_IN_START}(?P<stamp>{_STAMP})\.json"),
        ("config", rf"(?P<stamp>{_STAMP})/vis_data/config\.(?:py|json|ya?ml)"),
        ("config", r"vis_data/config\.(?:py|json|ya?ml)"),
        ("events", rf"(?P<stamp>{_STAMP})/(?:vis_data/)?events\.out\.tfevents[^/]*"),
        ("events", r"(?:(?:vis_data|tf_logs)/)?events\.out\.tfevents[^/]*"),
        ("last checkpoint", r"last_checkpoint"),
        ("checkpoint", rf"(?:(?:checkpoints?|ckpts?|weights|best)/)?{_CHECKPOINT}"),
        (
            "saved elsewhere",
            rf"(?P<folder>[^/]+)/(?:iter_|epoch_|best_|latest|last){_CHECKPOINT_REST}",
        ),
        ("named config", r"[^/]+\.py"),
        ("console", r"[^/]+\.(?:out|err)|nohup[^/]*|slurm-[^/]*|std(?:out|err)[^/]*"),
        ("console", r"(?:console|output|train)[^/]*\.txt|[^/]+\.log"),
        ("table", r"[^/]+\.csv"),
        ("table", r"(?:run|metrics|records|history)\.json"),
        ("other json", r"[^/]+\.json"),
    )
)


@dataclass
class Start:
    """The files of one start of the training program, by kind."""

    stamp: str
    files: dict[str, list[str]] = field(default_factory=dict)

    def of(self, kind: str) -> list[str]:
        """The files of `kind`."""
        return self.files.get(kind, [])


@dataclass
class WorkDir:
    """The files of a run directory. starts: by time stamp, in time order."""

    starts: dict[str, Start]
    shared: Start

    @property
    def is_run(self) -> bool:
        """Whether anything in it looks written by training or testing, configs aside."""
        return bool(self.starts or self.shared.files.keys() - {"named config", "other json"})


def classify(files: Iterable[str], *, name: str) -> WorkDir:
    """Sort `files` (relative paths) by kind. name: of the directory they lie in.

    A directory that is itself ``<time>`` is one start. Files without a time
    stamp are shared by all.
    """
    own = name if re.fullmatch(_STAMP, name) else ""
    found: dict[str, Start] = {}
    shared = Start("")
    files = list(files)
    runs = set(filter(None, map(_run_below, files)))
    for file in files:
        for kind, pattern in _KINDS:
            match = pattern.fullmatch(file)
            if match is None or match.groupdict().get("folder") in runs:
                continue
            stamp = match.groupdict().get("stamp") or (own if kind in _OF_A_START else "")
            kept = "checkpoint" if kind == "saved elsewhere" else kind
            target = found.setdefault(stamp, Start(stamp)) if stamp else shared
            target.files.setdefault(kept, []).append(file)
            break
    _adopt(found, shared)
    return WorkDir({stamp: found[stamp] for stamp in sorted(found)}, shared)


_OF_A_START = {"scalars", "config", "events"}


def _run_below(file: str) -> str | None:
    """The folder in which `file` shows another run to lie."""
    folder, _, rest = file.partition("/")
    inside = rest and any(_STAMPED.match(part) for part in rest.split("/"))
    return folder if inside and not _STAMPED.fullmatch(folder) else None


def _adopt(found: dict[str, Start], shared: Start) -> None:
    """Give ``vis_data`` without a time stamp above it, its folder renamed, to the last start."""
    for kind in ("scalars", "config"):
        files = shared.files.pop(kind, [])
        if files:
            stamp = max(found, default="")
            start = found.setdefault(stamp, Start(stamp))
            start.files.setdefault(kind, []).extend(files)
