"""A user's training run as a row of the score table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from parity.errors import ParityError
from parity.runs.record import Evaluation, Run, Score
from parity.scores.verdict import Explain, RunVerdict
from parity.zoo.configs import schedule_text
from parity.zoo.datasets import VALIDATION_SIZES, dataset_key, may_be
from parity.zoo.readme import Skipped
from parity.zoo.rows import ScoreRow
from parity.zoo.signature import refined_signature

MEGABYTES = 1024.0  # of a gigabyte, as the zoo's metafiles convert mmengine's "memory"
_DIGITS = 4  # mmengine logs float32, whose 51.24 is 51.2400016784668
NO_SCORE = "no score yet"


@dataclass(frozen=True)
class RunRow:
    """row: the run in the zoo's terms; its mIoU is the last score, NaN without any.

    path: as given. best: the highest of several evaluations, so not to be held
    against one. marks: in what its evaluation was unlike a whole one.
    """

    row: ScoreRow
    path: str
    last: Score | None
    best: Score | None
    verdict: RunVerdict
    marks: tuple[str, ...] = ()


def run_rows(
    runs: Iterable[tuple[str, Run]], *, dataset: str, explain: Explain
) -> tuple[list[RunRow], list[Skipped]]:
    """A row for each run on `dataset`, and why the others have none. runs: path and content."""
    rows: list[RunRow] = []
    skipped: list[Skipped] = []
    for path, run in runs:
        trained_on = run.settings.dataset.value
        if trained_on is not None and not may_be(trained_on, dataset):
            skipped.append(Skipped(path, None, f"a run on {trained_on}, not on {dataset}"))
            continue
        try:
            verdict = explain(run)
        except ParityError as error:
            skipped.append(Skipped(path, None, f"cannot be explained: {error}"))
            verdict = RunVerdict("not explained")
        rows.append(run_row(path, run, verdict, dataset=dataset))
    return rows, skipped


def run_row(path: str, run: Run, verdict: RunVerdict, *, dataset: str) -> RunRow:
    """One run. dataset: of the table, for the number of images a whole evaluation has."""
    settings, last = run.settings, run.last
    subset = _subset(run, dataset)
    crop = settings.crop_size.value
    row = ScoreRow(
        name=run.name,
        method=settings.method.value or "",
        backbone=settings.backbone.value or "",
        crop=f"{crop[0]}x{crop[1]}" if crop else "",
        schedule=_schedule(settings.max_iters.value, settings.iterations.value),
        batch=settings.effective_batch.value,
        miou=round(last.value, _DIGITS) if last and math.isfinite(last.value) else math.nan,
        miou_ms=None,
        memory_gb=_memory(run),
        config=settings.config_name.value or "",
        weights="",
        notes=(*_notes(run), *([subset] if subset else [])),
        dataset=settings.dataset.value or dataset,
        device=_device(run),
        signature=refined_signature(settings.signature.value or "", run.config),
        source="run",
    )
    return RunRow(row, path, last, run.best, verdict, ("subset",) if subset else ())


def _schedule(planned: int | None, done: int | None) -> str:
    if planned is None:
        return schedule_text(done) if done else ""
    if done is None or done >= planned:
        return schedule_text(planned)
    return f"{schedule_text(done)} of {schedule_text(planned)}"


def _memory(run: Run) -> float | None:
    """The most memory of one GPU that mmengine logged, in GB."""
    curve = run.curves.get("memory")
    finite = [float(value) for value in curve.values if math.isfinite(value)] if curve else []
    return max(finite) / MEGABYTES if finite else None


def _device(run: Run) -> str:
    names = [fact.value for key, fact in run.environment.items() if key.startswith("GPU ")]
    return next((name for name in names if name and not name.isdigit()), "")


def _notes(run: Run) -> tuple[str, ...]:
    notes = []
    if run.last is None:
        notes.append(NO_SCORE)
    elif not math.isfinite(run.last.value):
        notes.append(f"its last score is {run.last.value}")
    if run.settings.dataset.value is None:
        notes.append("its data set is not known")
    if run.unread:
        notes.append(f"{len(run.unread)} things in its directory could not be read")
    return tuple(notes)


def _subset(run: Run, dataset: str) -> str:
    """What says that not all images were scored; "" when they were, or nothing says."""
    whole = VALIDATION_SIZES.get(dataset_key(dataset))
    seen = _images(run)
    if whole is None or seen is None or seen >= whole:
        return ""
    return f"scored on at most {seen} of {whole} images"


def _images(run: Run) -> int | None:
    """The most images that the evaluation of the last score can have run over."""
    last, world = run.last, run.settings.world_size.value
    evaluations = [item for item in run.evaluations if _is_of(item, last)]
    samples = evaluations[-1].samples if evaluations else None
    if samples is None or world is None:
        return None
    stated: Any = run.config.get("val_dataloader", "batch_size") if run.config else None
    return samples * world * (stated if isinstance(stated, int) and stated > 0 else 1)


def _is_of(evaluation: Evaluation, score: Score | None) -> bool:
    return score is not None and evaluation.source == score.source
