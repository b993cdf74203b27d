"""Samples per step, and what follows from their number: passes over the data, and the rate."""

from parity.causes.cause import (
    NO_CONFIG,
    NO_ROW,
    UNMEASURED,
    Cause,
    Effect,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.facts import dataset, intended_accumulation, intended_batch, known
from parity.runs.datasets import KNOWN, TRAIN
from parity.settings.terms import Terms

_SCALED = "lr_scaled"
BATCH = "effective-batch"
# This share of what is meant counts as all of it: logs and epochs round.
ENOUGH = 0.95


@Cause(
    id=BATCH,
    seen="processes x samples x accumulation by the log and config, against "
    "the zoo's batch or the config's name",
    title="Fewer samples per step than the zoo's",
    mechanism="A config for 8 GPUs started on fewer keeps its iterations and learning rate, so "
    "each step sees fewer samples, gradients are noisier, and fewer images are seen in all.",
    effects=(
        Effect.of(-4.74, "BEiT-B 48.87 instead of 53.61", "microsoft/unilm#443"),
        Effect.of(-7.0, "SegFormer-B1 about -7", "NVlabs/SegFormer#82"),
        Effect.of(-22.41, 'SegFormer-B0 "about 15" instead of 37.41', "M#1569"),
        Effect("SegMAN-L ended at 23.99", "yunxiangfu2001/SegMAN#23"),
    ),
    fix="Use more GPUs, or accumulate gradients, until the product is the zoo's batch size.",
    paths=("train_dataloader.batch_size", "optim_wrapper.accumulative_counts"),
    test="retrain with accumulative_counts such that the product is the intended batch, and "
    "max_iters and the schedule lengthened by the same factor",
)
def _effective_batch(context: RunContext) -> Verdict:
    settings = context.run.settings
    missing = known(
        settings.effective_batch, "the effective batch", "the log, whose start gives the GPU number"
    )
    if missing:
        return missing
    intended, says = intended_batch(context)
    if intended is None:
        why = "neither the config's name nor a zoo row says which batch it is meant for"
        return Unchecked(why, "the name of the zoo's config (--against NAME)")
    batch = settings.effective_batch.value or 0
    parts = (settings.world_size, settings.samples_per_gpu, settings.accumulation)
    evidence = context.of_facts(*parts[:2])
    if not all(part.known for part in parts[:2]):
        evidence, made = context.of_fact(settings.effective_batch), str(batch)
    else:
        made = " x ".join(str(part.value if part.known else 1) for part in parts)
    if batch == intended:
        return RuledOut(f"{made} = {batch} samples per step, as asked by {says}", evidence)
    detail = f"{made} (GPUs x samples x accumulation) = {batch}, not {intended} as asked by {says}"
    if batch < intended:
        return Found(evidence, "certain", "the log states both numbers", detail)
    return Found(
        evidence,
        "certain",
        "the log states both numbers",
        detail,
        title="More samples per step than the zoo's",
        mechanism="Each step averages over more samples at a rate that was set for fewer; "
        "gradients are less noisy, and the same iterations see more images.",
        effects=(UNMEASURED,),
        fix="Use fewer GPUs, samples or accumulated steps, until the product is the zoo's batch.",
        test="retrain with the intended batch: fewer GPUs, samples or accumulated steps",
    )


@Cause(
    id="fewer-epochs",
    seen="iterations x batch by log and config, against the zoo's",
    title="Fewer passes over the data",
    mechanism="Fewer images are seen: fewer iterations, or fewer samples in each.",
    effects=(
        Effect.of(
            -7.0,
            "PSPNet on Cityscapes, 1 GPU, scaled rate, 4 to 8 times the iterations: "
            "about 73 instead of 80",
            "M#179",
        ),
    ),
    fix="Lengthen max_iters and the schedule's end to as many samples as the zoo's.",
    paths=("train_cfg.max_iters", "train_cfg.max_epochs", "param_scheduler.*.end"),
    test="train for as many iterations as the zoo's config, the schedule's end with them",
)
def _fewer_epochs(context: RunContext) -> Verdict:
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
    alone = context.expected is None and context.other is None
    if intended is None or planned is None or (alone and settings.accumulation.value != 1):
        return Unchecked("what the training is meant to be is not known", "the zoo's config")
    # What an early stop took away is truncated-run's.
    # Iterations are micro-batches, so accumulation adds no samples.
    batch = (settings.effective_batch.value or 0) // (settings.accumulation.value or 1)
    theirs = intended // (intended_accumulation(context) or 1)
    done, meant = (settings.max_iters.value or 0) * batch, planned * theirs
    detail = f"{done} samples planned, {meant} as meant by {says}" + _passes(context, done, meant)
    if done >= ENOUGH * meant:
        return RuledOut(detail)
    mine = settings.max_iters.value or 0
    evidence = context.of_facts(settings.max_iters, settings.world_size)
    if mine < ENOUGH * planned:
        detail = f"{mine} iterations of {planned}; {detail}"
    part = BATCH if mine >= ENOUGH * planned else ""
    why = "iterations and batch are in its files"
    return Found(evidence, "certain", why, detail, 1 - done / meant if not part else 0.5, part)


def _planned(context: RunContext) -> int | None:
    """Iterations of the zoo's config or the other run, else of the run's own."""
    if context.other is not None:
        return context.other.settings.max_iters.value
    if context.expected is not None:
        value = context.expected.number("train_cfg", "max_iters")
        if isinstance(value, int):
            return value
    return context.run.settings.max_iters.value


def _passes(context: RunContext, done: int, meant: int) -> str:
    size = context.run.settings.dataset_size.value
    if size is None and context.mine is not None and context.row is not None:
        info = KNOWN.get(dataset(context.mine, "train").kind)
        size = info.whole(TRAIN) if info is not None else None
    if not size:
        return ""
    return f": {done / size:.1f} passes over {size} images instead of {meant / size:.1f}"


@Cause(
    id="lr-unscaled",
    seen="no log line 'LR is set based on batch size of' while the batch is another",
    title="Learning rate not scaled to the batch",
    mechanism="auto_scale_lr.enable is False by default, so another batch keeps the same rate.",
    fix="Sweep the rate; for AdamW there is no settled rule.",
)
def _lr_unscaled(context: RunContext) -> Verdict:
    settings = context.run.settings
    missing = known(settings.effective_batch, "the effective batch", "the log")
    if missing:
        return missing
    intended, _ = intended_batch(context)
    if intended is None:
        return Unchecked("which batch the rate is meant for is not known", "the zoo's config")
    if settings.effective_batch.value == intended:
        return RuledOut("the batch is the one that the learning rate is meant for")
    said = [s.notices[_SCALED] for s in context.run.segments if _SCALED in s.notices]
    if said:
        return RuledOut("the log says that the rate was scaled", context.evidence(said[0]))
    if context.mine is None:
        return NO_CONFIG
    rate = context.mine.get("optim_wrapper", "optimizer", "lr")
    changed = context.differing("optim_wrapper.optimizer.lr")
    if changed:
        return RuledOut(f"the rate was changed by hand: {changed[0].text}")
    evidence = (*context.of_setting("auto_scale_lr"), *context.of_fact(settings.world_size))
    why = "no line 'LR is set based on batch size of' is in the log"
    return Found(evidence, "certain", why, f"lr {rate} as configured", part_of=BATCH)


@Cause(
    id="accumulation-trap",
    seen="accumulative_counts beside max_iters or auto_scale_lr",
    title="Accumulated gradients, but too few iterations or a wrongly scaled rate",
    mechanism="scale_lr ignores accumulative_counts, and max_iters counts micro-batches.",
    fix="Multiply max_iters and the schedule by accumulative_counts, and set lr by hand.",
    step="optim_accumulate",
    needs_config=True,
)
def _accumulation_trap(context: RunContext, terms: Terms) -> Verdict:
    count = terms.number("optim_wrapper", "accumulative_counts") or 1
    if count == 1:
        return RuledOut("no gradients are accumulated")
    place = context.of_setting("optim_wrapper", "accumulative_counts")
    if terms.get("auto_scale_lr", "enable") is True:
        detail = f"auto_scale_lr is on and does not count the {count} accumulated steps"
        return Found(place, "certain", "the config states both", detail)
    if context.expected is None:
        return NO_ROW
    mine = context.run.settings.max_iters.value
    theirs = context.expected.number("train_cfg", "max_iters")
    their_count = context.expected.number("optim_wrapper", "accumulative_counts") or 1
    if mine is None or theirs is None or mine * their_count >= ENOUGH * theirs * count:
        return RuledOut(f"max_iters {mine} counts the {count} micro-batches of each step", place)
    detail = (
        f"max_iters {mine} are micro-batches: {mine // count} steps, "
        f"{theirs // their_count} in {context.expected_name}"
    )
    return Found(place, "certain", "the config states both", detail)
