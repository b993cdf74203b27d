"""What reading a run gives: plain records, and for each fact the line it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.runs.facts import Config, Fact, Source, Unread

MIOU = "mIoU"


@dataclass(frozen=True, eq=False)
class Curve:
    """One logged value over training, steps ascending and unique.

    steps: int64 ``(n,)``, iterations done. values: float64 ``(n,)``, NaN and
    infinities as logged. lines: int64 ``(n,)``, 0 where a file has none.
    parts: int16 ``(n,)``, index into `files`.
    """

    name: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]
    parts: NDArray[np.int16]
    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def source(self, index: int) -> Source:
        """Where point `index` was read."""
        line = int(self.lines[index]) or None
        return Source(self.files[int(self.parts[index])], line)

    def select(self, keep: NDArray[Any]) -> Curve:
        """The points that the mask or the indices `keep` name."""
        return replace(
            self,
            steps=self.steps[keep],
            values=self.values[keep],
            lines=self.lines[keep],
            parts=self.parts[keep],
        )


@dataclass(frozen=True)
class ClassScore:
    """IoU and accuracy of one class, percent; NaN where the class does not occur."""

    name: str
    iou: float
    acc: float


@dataclass(frozen=True)
class Evaluation:
    """One evaluation. split: "val" or "test". metrics: as logged, percent.

    step: iterations trained; None where no file says. samples: batches that one
    process ran over (see counts.py). scale: what the logged numbers were multiplied by to
    give percent.
    """

    split: str
    step: int | None
    metrics: Mapping[str, float]
    source: Source
    samples: int | None = None
    classes: tuple[ClassScore, ...] = ()
    scale: float = 1.0

    def times(self, scale: float) -> Evaluation:
        """With all its numbers multiplied by `scale`, to give percent."""
        metrics = {name: value * scale for name, value in self.metrics.items()}
        classes = tuple(ClassScore(c.name, c.iou * scale, c.acc * scale) for c in self.classes)
        return replace(self, metrics=metrics, classes=classes, scale=scale)


@dataclass(frozen=True)
class Score:
    """One value of mIoU, in percent, with how it was obtained."""

    value: float
    step: int | None
    split: str
    signature: str
    source: Source


@dataclass(frozen=True)
class WeightLoad:
    """One file of weights that was loaded.

    purpose: "init" (`init_cfg`), "load" (`load_from`) or "resume". The three
    tuples are what the loader listed as not matching; all empty means that it
    listed nothing. listed: where it did.
    """

    path: str
    purpose: str
    source: Source
    unexpected: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    listed: Source | None = None


@dataclass(frozen=True)
class Message:
    """Equal lines of one file (numbers aside). source: the first; last_line: the last."""

    kind: str
    source: Source
    count: int
    last_line: int


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a checkpoint. dtype: as torch names it, e.g. ``float32``."""

    shape: tuple[int, ...]
    dtype: str
    storage: str = ""
    offset: int = 0
    stride: tuple[int, ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """What a file of weights holds, read without running anything in it.

    format: "torch", "torch legacy" or "safetensors". tensors: of the state
    dict, by key. meta, param_groups: plain values only. inert: classes and
    functions the file names that were neither imported nor called. skipped:
    keys of the state dict whose value is no plain tensor.
    """

    path: Path
    format: str
    tensors: Mapping[str, TensorInfo]
    meta: Mapping[str, Any] = field(default_factory=dict)
    param_groups: tuple[Mapping[str, Any], ...] = ()
    inert: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckpointFile:
    """A file of weights in the run. kind: "iter", "epoch", "best", "last" or "other".

    content: None where it was not opened, or could not be read (see `Run.unread`).
    """

    file: str
    kind: str
    step: int | None
    size: int
    content: Checkpoint | None = None


@dataclass(frozen=True)
class Settings:
    """What the run was told to do, each with its source. Lengths are in iterations.

    config_name: of the config file, without its suffix. samples_per_gpu,
    accumulation, world_size: their product is effective_batch.
    passes: over the training set, of the iterations done. iteration counts are
    micro-batches, as mmengine counts them. scope: the package of OpenMMLab, e.g.
    "mmseg". classes: that the model tells apart. loaded_images: for training, as
    the log states. epoch_length: batches of one process, in runs by epoch.
    """

    config_name: Fact[str]
    framework: Fact[str]
    method: Fact[str]
    backbone: Fact[str]
    dataset: Fact[str]
    dataset_size: Fact[int]
    crop_size: Fact[tuple[int, int]]
    iterations: Fact[int]
    max_iters: Fact[int]
    world_size: Fact[int]
    samples_per_gpu: Fact[int]
    accumulation: Fact[int]
    effective_batch: Fact[int]
    passes: Fact[float]
    optimizer: Fact[Mapping[str, Any]]
    paramwise: Fact[Mapping[str, Any]]
    clip_grad: Fact[Mapping[str, Any]]
    schedule: Fact[tuple[Mapping[str, Any], ...]]
    lr_scaling: Fact[str]
    precision: Fact[str]
    pretrained: Fact[str]
    norms: Fact[tuple[str, ...]]
    sync_bn_reverted: Fact[bool]
    test_mode: Fact[str]
    test_time_augmentation: Fact[str]
    signature: Fact[str]
    seed: Fact[int]
    scope: Fact[str] = field(default_factory=Fact)
    classes: Fact[int] = field(default_factory=Fact)
    loaded_images: Fact[int] = field(default_factory=Fact)
    epoch_length: Fact[int] = field(default_factory=Fact)


@dataclass(frozen=True)
class Segment:
    """One start of the training program: a fresh start, a resumption, or a test.

    name: its time stamp. resumed_at: iterations already done when it started.
    curves: as logged, not cut where a later segment repeats them.
    """

    name: str
    environment: Mapping[str, Fact[str]]
    config: Config | None
    curves: Mapping[str, Curve]
    evaluations: tuple[Evaluation, ...]
    weights: tuple[WeightLoad, ...]
    messages: tuple[Message, ...]
    notices: Mapping[str, Source]
    resumed_at: Fact[int] = field(default_factory=Fact)

    @property
    def steps(self) -> tuple[int, int] | None:
        """First and last logged iteration; None when it logged no training."""
        ends = [(int(c.steps[0]), int(c.steps[-1])) for c in self.curves.values() if len(c)]
        return (min(a for a, _ in ends), max(b for _, b in ends)) if ends else None


@dataclass(frozen=True)
class Run:
    """One training run, as its files tell it; nothing is guessed.

    path: what was read. timestamps: of its segments, in time order. curves,
    evaluations: of all segments, joined; where a resumed segment repeats
    iterations, the later one counts. consoles: captured output that was read.
    console: known failure lines. unread: everything that could not be read, or not to its end.
    """

    path: Path
    name: str
    segments: tuple[Segment, ...]
    config: Config | None
    settings: Settings
    environment: Mapping[str, Fact[str]]
    curves: Mapping[str, Curve]
    evaluations: tuple[Evaluation, ...]
    weights: tuple[WeightLoad, ...]
    messages: tuple[Message, ...]
    console: tuple[Message, ...]
    checkpoints: tuple[CheckpointFile, ...]
    files: tuple[str, ...]
    unread: tuple[Unread, ...]
    notes: tuple[str, ...] = ()
    consoles: tuple[str, ...] = ()

    @property
    def timestamps(self) -> tuple[str, ...]:
        """Names of the segments, in time order."""
        return tuple(segment.name for segment in self.segments)

    @property
    def scores(self) -> tuple[Score, ...]:
        """Every mIoU, in the order of evaluation."""
        signature = self.settings.signature.value or f"{MIOU}|?"
        return tuple(
            Score(item.metrics[MIOU], item.step, item.split, signature, item.source)
            for item in self.evaluations
            if MIOU in item.metrics
        )

    @property
    def last(self) -> Score | None:
        """The last validation score; the last test score where nothing was validated."""
        return _validated(self.scores)[-1] if self.scores else None

    @property
    def best(self) -> Score | None:
        """The highest validation score (a maximum over several, unlike `last`)."""
        finite = [score for score in _validated(self.scores) if np.isfinite(score.value)]
        return max(finite, key=lambda score: score.value) if finite else None


def _validated(scores: tuple[Score, ...]) -> tuple[Score, ...]:
    return tuple(score for score in scores if score.split == "val") or scores
