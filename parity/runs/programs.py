"""Other programs whose output is read as a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from parity.runs import detectron2, huggingface, lightning
from parity.runs.foreign import Foreign
from parity.runs.reading import Reading

_Files = Sequence[str]


@dataclass(frozen=True)
class Program:
    """recognised: whether files of a folder are its output. read: the run in them."""

    recognised: Callable[[_Files, Reading], bool]
    read: Callable[[_Files, Reading], Foreign]


PROGRAMS = tuple(
    Program(module.recognised, module.read) for module in (detectron2, huggingface, lightning)
)
READABLE = (
    "a work directory of mmengine or mmcv, an output folder of detectron2, of Hugging Face's "
    "Trainer or of Lightning's CSV logger, a log, or a table with a step column"
)
_DETECTRON2 = {detectron2.METRICS, detectron2.LOG, detectron2.CONFIG}
_CHECKPOINT = re.compile(r"checkpoint-\d+")
_VERSION = re.compile(r"version_\d+")


def program_of(files: _Files, reading: Reading) -> Program | None:
    """The program that wrote `files`."""
    return next((known for known in PROGRAMS if known.recognised(files, reading)), None)


def looks_written(folder: Path, folders: Sequence[str], files: Sequence[str]) -> bool:
    """Whether `folder`, which holds `folders` and `files`, is output of one, by their names."""
    names = set(files)
    if len(names & _DETECTRON2) > 1 or "trainer_state.json" in names:
        return True
    if "metrics.csv" in names and ("hparams.yaml" in names or _VERSION.fullmatch(folder.name)):
        return True
    saved = filter(_CHECKPOINT.fullmatch, folders)
    return any((folder / name / "trainer_state.json").is_file() for name in saved)
