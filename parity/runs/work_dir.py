"""What each file of a run directory is, by its name.

mmengine: ``<time>/<time>.log``, ``<time>/vis_data/{scalars.json,<time>.json,config.py}``,
``<time>/<time>.json`` (a test), ``<name>.py``, ``iter_*.pth``, ``last_checkpoint``.
mmcv 0.x: ``<time>.log``, ``<time>.log.json``, ``<name>.py``, ``latest.pth``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

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
