"""What the curves show by themselves: a training that broke down says so in numbers."""

import math

import numpy as np
from numpy.typing import NDArray

from parity.causes.cause import (
    Cause,
    Effect,
    Evidence,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.facts import dataset
from parity.runs.counts import scored_images
from parity.runs.datasets import KNOWN, planned_validation
from parity.runs.record import Curve, Evaluation, Run

# Fewer equal values may be chance, or rounding.
FEW, MANY = 4, 10
NO_CURVE = Unchecked("no loss is logged", "the log of the training")


@Cause(
    id="diverged",
    seen="the logged losses: the first that is not finite, with no finite one after it",
    title="The training diverged",
    mechanism="From a loss that is not finite on, nothing is learnt; what was is lost.",
    fix="Lower the learning rate, lengthen the warm-up, clip gradients, or leave mixed "
    "precision; start from the last checkpoint before that iteration.",
    kind="broken",
    test="train again from the last checkpoint before the loss was lost, at half the rate",
)
def _diverged(context: RunContext) -> Verdict:
    curve = _loss(context.run)
    if curve is None:
        return NO_CURVE
    finite = np.isfinite(curve.values)
    if finite.all():
        return RuledOut(f"the loss is finite at all {len(curve)} logged iterations")
    at = int(np.argmin(finite))
    evidence = context.evidence(curve.source(at), f"loss {curve.values[at]:g}")
    shown, step = f"{curve.values[at]:g}", int(curve.steps[at])
    if finite[-1]:
        detail = f"the loss is {shown} at iteration {step}, and finite again at the end"
        return Found(evidence, "possible", "the loss is logged", detail, kind="marker")
    planned = context.run.settings.max_iters.value
    of = f" of {planned}" if planned else ""
    detail = f"{curve.name} is {shown} from iteration {step}{of} on"
    if context.run.last is not None and (context.run.last.step or step) >= step:
        detail += "; the last score is of a diverged model"
    return Found(evidence, "certain", "the loss is logged", detail, 1.0)


def _loss(run: Run) -> Curve | None:
    """The whole loss, else the first part of it that is not finite, else the first part."""
    whole = run.curves.get("loss")
    if whole is not None and len(whole):
        return whole
    parts = [c for name, c in run.curves.items() if "loss" in name and len(c)]
    odd = [curve for curve in parts if not np.isfinite(curve.values).all()]
    return next(iter(odd or parts), None)


@Cause(
    id="loss-lost",
    seen="the logged losses: exactly 0, or one value, to the end",
    title="Labels do not reach the loss",
    mechanism="A loss that is 0 or never moves has no gradient: every label is ignored, or "
    "none is where the loss looks.",
    fix="Look at one label map as the training gets it: its ids, reduce_zero_label, the "
    "number of classes, and whether files are found at all.",
    kind="broken",
    test="print the ids of one label map as the loss gets it (minutes)",
)
def _loss_lost(context: RunContext) -> Verdict:
    curve = context.run.curves.get("loss")
    if curve is None or not len(curve):
        return NO_CURVE
    same = _trailing(curve.values)
    few = FEW if curve.values[-1] == 0 else MANY  # a small loss is one number in four decimals
    shown = f"{curve.values[-1]:g}"
    lost = curve.values[-1] == 0 or _measured(context)
    if same < min(few, len(curve)) or 2 * same < len(curve) or not lost:
        return RuledOut("the loss moves, and is not 0")
    at = len(curve) - same
    since = f"from iteration {curve.steps[at]} on" if at else "throughout"
    detail = f"the loss is exactly {shown} {since} ({same} of {len(curve)} logged iterations)"
    evidence = context.evidence(curve.source(at), f"loss {shown}")
    never = _never(context.run.evaluations)
    if never:
        detail += f"; {_classes_text(never, context.run.evaluations[-1])}"
        evidence += context.evidence(context.run.evaluations[-1].source)
    why = "the loss is logged; a loss over labels that are all ignored is 0"
    return Found(evidence, "certain", why, detail, 1.0)


def _trailing(values: NDArray[np.float64]) -> int:
    """How many values at the end are the same finite one."""
    other = np.flatnonzero(values != values[-1])
    same = len(values) if not other.size else len(values) - 1 - int(other[-1])
    return same if math.isfinite(values[-1]) else 0


def _measured(context: RunContext) -> bool:
    """Whether a program measured what was logged: then times do not stand still."""
    time = context.run.curves.get("time")
    return time is not None and len(time) >= FEW and bool(np.ptp(time.values) > 0)


@Cause(
    id="gradient-lost",
    seen="grad_norm in the log",
    title="Gradients are 0 or not finite",
    mechanism="A step with such a gradient is skipped, or changes nothing.",
    fix="Look for the first parameter without a finite gradient in one iteration.",
    kind="broken",
)
def _gradient(context: RunContext) -> Verdict:
    curve = context.run.curves.get("grad_norm")
    if curve is None or not len(curve):
        return Unchecked("no gradient norm is logged", "a log with clip_grad set, which logs it")
    odd = (curve.values == 0) | ~np.isfinite(curve.values)
    if not odd.any():
        return RuledOut(f"finite and not 0 at all {len(curve)} logged iterations")
    at = int(np.argmax(odd))
    evidence = context.evidence(curve.source(at), f"grad_norm {curve.values[at]:g}")
    detail = (
        f"{curve.values[at]:g} at iteration {curve.steps[at]}, "
        f"0 or not finite at {int(odd.sum())} of {len(curve)} logged iterations"
    )
    if odd.sum() < len(curve) / 2:  # a loss scale that is being found overflows now and then
        return Found(evidence, "possible", "the norm is logged", detail, kind="marker")
    return Found(evidence, "certain", "the norm is logged", detail, 0.9)


def _never(evaluations: tuple[Evaluation, ...]) -> list[str]:
    """Classes whose IoU or accuracy is NaN in every validation that lists classes."""
    tables = [item.classes for item in evaluations if item.classes]
    if not tables:
        return []
    odd = [{c.name for c in table if math.isnan(c.iou) or math.isnan(c.acc)} for table in tables]
    return [row.name for row in tables[-1] if all(row.name in names for names in odd)]


def _classes_text(names: list[str], last: Evaluation) -> str:
    few = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} of {len(last.classes)} classes are NaN in every validation ({few})"


@Cause(
    id="class-never-scored",
    seen="the log's tables per class",
    title="Classes are NaN in every validation",
    mechanism="No label holds these classes: ids are shifted, files are missing, or the "
    "validation set has none of them.",
    fix="Count the ids of the validation labels.",
    kind="broken",
)
def _class_never(context: RunContext) -> Verdict:
    listed = [item for item in context.run.evaluations if item.classes]
    if not listed:
        return Unchecked("no validation lists its classes", "the log, which has a table per class")
    names = _never(context.run.evaluations)
    if not names:
        return RuledOut("no class is NaN in every validation", _of(context, listed[-1]))
    detail = _classes_text(names, listed[-1])
    kind = "" if context.mine is None else dataset(context.mine, "val").kind
    whole = _scored_all(context)
    if kind in KNOWN and not whole:
        why = f"{detail}; the images that were scored are a part of the set, and may lack them"
        return Unchecked(why, "the ids in the labels that were scored")
    why = "a class is NaN where no pixel of the labels is of it"
    where = _of(context, listed[-1])
    return Found(where, "certain", why, detail, kind="broken" if whole else "marker")


def _of(context: RunContext, item: Evaluation) -> tuple[Evidence, ...]:
    return context.evidence(item.source, "classes")


def _scored_all(context: RunContext) -> bool:
    """Whether the whole of a published validation set was scored, in which every class occurs."""
    if context.run.config is None:
        return False
    counted, whole = scored_images(context.run), planned_validation(context.run.config).value
    return bool(counted and whole and counted[0] <= whole <= counted[1])


@Cause(
    id="score-constant",
    seen="mIoU of four or more validations",
    title="The score never moves",
    mechanism="The model is scored on other classes than it learns, or does not learn.",
    effects=(Effect("seen with reduce_zero_label wrong", "M#2050, M#1609", "unmeasured"),),
    fix="Look at one prediction beside its label.",
    kind="broken",
)
def _score_constant(context: RunContext) -> Verdict:
    scores = [score for score in context.run.scores if score.split == "val"]
    if len(scores) < FEW:
        why = f"{len(scores)} validations are too few to tell"
        return Unchecked(why, "the log of more validations")
    values = {round(score.value, 2) for score in scores if math.isfinite(score.value)}
    if len(values) > 1:
        return RuledOut(f"{len(values)} different scores in {len(scores)} validations")
    evidence = tuple(
        e for s in (scores[0], scores[-1]) for e in context.evidence(s.source, s.value)
    )
    detail = f"mIoU is {scores[-1].value:.2f} in all {len(scores)} validations"
    return Found(evidence, "certain", "every validation is logged", detail, 0.9)


@Cause(
    id="evaluation-only",
    seen="the losses and scores of two runs",
    title="Only the evaluation differs",
    mechanism="Both runs trained the same weights; what scores them is not the same.",
    fix="Score one checkpoint with both configs.",
    test="score the last checkpoint of one run with the config of the other",
)
def _evaluation_only(context: RunContext) -> Verdict:
    """Two runs that trained alike to the last digit, and score differently."""
    other = context.other
    if other is None:
        return Unchecked("there is no other run beside this one", "a twin (--against RUN)")
    mine, theirs = context.run.curves.get("loss"), other.curves.get("loss")
    if mine is None or theirs is None:
        return NO_CURVE
    _, left, right = np.intersect1d(mine.steps, theirs.steps, return_indices=True)
    if len(left) < FEW:
        return Unchecked("too few iterations were logged by both", "logs of both trainings")
    equal = np.array_equal(mine.values[left], theirs.values[right], equal_nan=True)
    here = {s.step: s for s in context.run.scores}
    shared = [(s, here[s.step]) for s in other.scores if s.step in here and s.step is not None]
    apart = [(a, b) for a, b in shared if round(a.value, 2) != round(b.value, 2)]
    if not equal or not apart:
        by = "the losses of both runs differ" if not equal else "the scores of both runs are equal"
        return RuledOut(by)
    there, mine_score = apart[-1]
    evidence = context.evidence(mine_score.source, mine_score.value)
    detail = (
        f"the loss is equal at all {len(left)} iterations that both logged, and the score at "
        f"{there.step} is {mine_score.value:.2f} here and {there.value:.2f} there"
    )
    return Found(evidence, "certain", "both runs logged the same losses", detail, 0.9)
