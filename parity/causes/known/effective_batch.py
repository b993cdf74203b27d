"""Fewer samples per step than the config is meant for."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import facts_evidence, intended_batch, known


def _detect(context: RunContext) -> Verdict:
    settings = context.run.settings
    missing = known(
        settings.effective_batch, "the effective batch", "the log, whose start gives the GPU number"
    )
    if missing:
        return missing
    intended, says = intended_batch(context)
    if intended is None:
        return Unchecked(
            "neither the config's name nor a zoo row says which batch it is meant for",
            "the name of the zoo's config (--against NAME)",
        )
    batch = settings.effective_batch.value
    parts = (settings.world_size, settings.samples_per_gpu, settings.accumulation)
    evidence = facts_evidence(context, *parts[:2])
    made = " x ".join(str(part.value if part.known else 1) for part in parts)
    if batch == intended:
        return RuledOut(f"{made} = {batch} samples per step, as asked by {says}", evidence)
    detail = f"{made} (GPUs x samples x accumulation) = {batch}, not {intended} as asked by {says}"
    return Found(evidence, "certain", "the log states both numbers", detail)


CAUSE = Cause(
    id="effective-batch",
    title="Another number of samples per step than the zoo's",
    mechanism=(
        "A config for 8 GPUs started on fewer keeps its iterations and learning rate, so each "
        "step sees fewer samples, gradients are noisier, and fewer images are seen in all."
    ),
    effects=(
        Effect("BEiT-B 48.87 instead of 53.61", "microsoft/unilm#443", low=-4.74, high=-4.74),
        Effect("SegFormer-B1 about -7", "NVlabs/SegFormer#82", low=-7.0, high=-7.0),
        Effect('SegFormer-B0 "about 15" instead of 37.41', "M#1569", low=-22.41, high=-22.41),
        Effect("SegMAN-L ended at 23.99", "yunxiangfu2001/SegMAN#23"),
    ),
    fix="Use more GPUs, or accumulate gradients, until the product is the zoo's batch size.",
    detect=_detect,
    test=(
        "retrain with accumulative_counts such that the product is the intended batch, and "
        "max_iters and the schedule lengthened by the same factor"
    ),
)
