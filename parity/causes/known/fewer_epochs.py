"""The same iterations with a smaller batch: fewer passes over the data."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import KNOWN_SIZES, facts_evidence, intended_batch, known
from parity.causes.options import dataset, kind_of, setting


def _detect(context: RunContext) -> Verdict:
    settings = context.run.settings
    for fact, what in (
        (settings.max_iters, "the number of iterations planned"),
        (settings.effective_batch, "the effective batch"),
    ):
        missing = known(fact, what, "the log")
        if missing:
            return missing
    intended, says = intended_batch(context)
    planned = _planned(context)
    if intended is None or planned is None:
        return Unchecked("what the training is meant to be is not known", "the zoo's config")
    # What an early stop took away is truncated-run's.
    # Iterations are micro-batches, so accumulation adds no samples.
    batch = (settings.effective_batch.value or 0) // (settings.accumulation.value or 1)
    done = (settings.max_iters.value or 0) * batch
    meant = planned * intended
    detail = f"{done} samples planned, {meant} as meant by {says}" + _passes(context, done, meant)
    if done >= 0.95 * meant:
        return RuledOut(detail)
    evidence = facts_evidence(context, settings.max_iters, settings.world_size)
    return Found(evidence, "certain", "iterations and batch are in its files", detail)


def _planned(context: RunContext) -> int | None:
    """Iterations of the zoo's config, else of the run's own."""
    if context.expected is not None:
        value = setting("train_cfg", "max_iters")(context.expected)[0]
        if isinstance(value, int):
            return value
    return context.run.settings.max_iters.value


def _passes(context: RunContext, done: int, meant: int) -> str:
    size = context.run.settings.dataset_size.value
    if size is None and context.run.config is not None and context.row is not None:
        name = kind_of(dataset(context.run.config, "train")[0])
        size = KNOWN_SIZES.get(name, (None,))[0]
    if not size:
        return ""
    return f": {done / size:.1f} passes over {size} images instead of {meant / size:.1f}"


CAUSE = Cause(
    id="fewer-epochs",
    title="Fewer passes over the data",
    mechanism="The schedule counts iterations; with fewer samples in each, fewer images are seen.",
    effects=(
        Effect(
            "PSPNet on Cityscapes, 1 GPU, scaled rate, 4 to 8 times the iterations: "
            "about 73 instead of 80",
            "M#179",
            low=-7.0,
            high=-7.0,
        ),
    ),
    fix="Lengthen max_iters and the schedule's end by the factor the batch is smaller.",
    detect=_detect,
    part_of="effective-batch",
)
