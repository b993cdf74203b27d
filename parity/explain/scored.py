"""The scores an explanation compares: as a curve, and what to keep in mind about them."""

from __future__ import annotations

import numpy as np

from parity.causes.cause import RunContext
from parity.causes.facts import dataset
from parity.check.exhibit.curves import curve
from parity.check.exhibit.records import Series
from parity.runs.record import Run
from parity.settings.items import plain
from parity.settings.terms import Terms
from parity.zoo.models import crop_text
from parity.zoo.rows import ScoreRow


def score_curve(run: Run, row: ScoreRow | None) -> Series | None:
    """Every score beside the final one of `row`; None where that would be no curve."""
    scores = [score for score in run.scores if score.step is not None]
    if row is None or len(scores) < 2:
        return None
    steps = np.array([score.step for score in scores])
    values = np.array([score.value for score in scores])
    return curve("mIoU", "iteration", steps, values, np.full(len(steps), row.miou))


def notes_of(context: RunContext) -> tuple[str, ...]:
    """What to keep in mind about the scores that are compared."""
    run = context.run
    notes = list(run.notes)
    if run.last is not None and run.best is not None and run.best.value > run.last.value:
        notes.append(
            f"the gap is of the last score, {run.last.value:.2f}; the best is "
            f"{run.best.value:.2f} at iteration {run.best.step}, a maximum over several"
        )
    if run.last is None:
        notes.append("the run has no score")
    notes += _other_length(context)
    if context.row is not None:
        notes += [f"zoo row: {note}" for note in context.row.notes]
        notes += _row_crop(context.row, context.expected)
    return tuple(notes)


def _other_length(context: RunContext) -> list[str]:
    """Scores of trainings of unequal length are no like for like."""
    here, there = context.run.last, context.other.last if context.other else None
    if here is None or there is None or None in (here.step, there.step) or here.step == there.step:
        return []
    return [f"the scores compared are of iteration {here.step} here and {there.step} there"]


def _row_crop(row: ScoreRow, terms: Terms | None) -> list[str]:
    """Where a released config crops otherwise than its name says (K-Net Swin-L 640 does)."""
    crop = ""
    if terms is not None:
        size = dataset(terms, "train").get("pipeline", "RandomCrop", "crop_size")
        crop = crop_text(plain(size))
    if not crop or not row.crop or crop == row.crop:
        return []
    return [f"zoo row: {row.config} as released crops {crop}, not {row.crop} as its name says"]
