"""A user's training run as a row of the score table, with its explanation."""

import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from parity.errors import ParityError
from parity.explain.explain import Judgement, explain
from parity.files import write_atomically
from parity.report.explained import report_of_explanation
from parity.report.html import render_html
from parity.runs.record import Run, Score
from parity.zoo.configs import refined_signature, schedule_text
from parity.zoo.readme import Skipped
from parity.zoo.rows import VALIDATION_SIZES, ScoreRow, dataset_key, may_be

_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_MAX_NAME = 80
EXPLAINED = "explained"
_WITH_CAUSES = (EXPLAINED, "not settled")
NO_ROW, NO_SCORE = "no zoo row", "no score"


@dataclass(frozen=True)
class RunVerdict:
    """verdict: the status of the explanation, or why there is none.

    causes: ids, the worst first; not those of a gap within noise. gap:
    points of mIoU, run minus zoo row. zoo_row: name of the result the run was
    compared with. link: path or address of the whole explanation.
    """

    verdict: str
    causes: tuple[str, ...] = ()
    gap: float | None = None
    zoo_row: str | None = None
    link: str | None = None

    def __str__(self) -> str:
        return f"{self.verdict}: {', '.join(self.causes)}" if self.causes else self.verdict


class Explain(Protocol):
    """Says why a run's score differs from the zoo's. Raises ParityError when it cannot look."""

    def __call__(self, run: Run, /) -> RunVerdict:
        """The verdict on one run."""


@dataclass
class Explainer:
    """`parity.explain` as an `Explain`.

    folder: where each run's page goes; None for no pages. start: the folder
    that links are relative to. write: False only computes the links.
    """

    folder: Path | None = None
    start: Path = field(default_factory=Path)
    write: bool = True
    _taken: set[str] = field(default_factory=set)

    def __call__(self, run: Run, /) -> RunVerdict:
        """The verdict on `run`, its page written first, so that no link leads nowhere."""
        answer = explain(run)
        status, compared = str(answer.status), answer.gap is not None
        if not compared and not answer.reasons:
            status = NO_ROW if answer.row is None else NO_SCORE
        return RunVerdict(
            verdict=status,
            causes=answer.cause_ids if status in _WITH_CAUSES or not compared else (),
            gap=answer.gap,
            zoo_row=answer.row.name if answer.row is not None else None,
            link=self._page(answer, run.name),
        )

    def _page(self, answer: Judgement, name: str) -> str | None:
        if self.folder is None:
            return None
        path = self.folder / f"{self._file_name(name)}.html"
        if self.write:
            write_atomically(path, render_html(report_of_explanation(answer)).encode())
        return Path(os.path.relpath(path, self.start)).as_posix()

    def _file_name(self, name: str) -> str:
        """`name` without what file systems or links could misread, and not taken yet."""
        plain = _UNSAFE.sub("_", name)[:_MAX_NAME].strip(".") or "run"
        chosen, count = plain, 1
        while chosen.lower() in self._taken:
            count += 1
            chosen = f"{plain}-{count}"
        self._taken.add(chosen.lower())
        return chosen


MEGABYTES = 1024.0  # of a gigabyte, as the zoo's metafiles convert mmengine's "memory"
_DIGITS = 4  # mmengine logs float32, whose 51.24 is 51.2400016784668


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
        notes.append("no score yet")
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
    evaluations = [item for item in run.evaluations if last and item.source == last.source]
    samples = evaluations[-1].samples if evaluations else None
    if samples is None or world is None:
        return None
    stated: Any = run.config.get("val_dataloader", "batch_size") if run.config else None
    return samples * world * (stated if isinstance(stated, int) and stated > 0 else 1)
