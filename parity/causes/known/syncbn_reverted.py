"""SyncBN silently turned into BN."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, walk

_NOTICE = "sync_bn"


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    said = [s.notices[_NOTICE] for s in context.run.segments if _NOTICE in s.notices]
    if config is None:
        return NO_CONFIG
    used = any(
        str(item.get("type", "")).endswith("SyncBN") for item, _ in walk(config.get("model"))
    )
    if not used:
        return RuledOut("no SyncBN is in the model's config")
    if said:
        samples = context.run.settings.samples_per_gpu.value
        detail = f"statistics over {samples} images" if samples else ""
        why = "SyncBN is in the config, and the log says that it was reverted"
        return Found(context.evidence(said[0]), "certain", why, detail)
    if context.run.settings.world_size.value:
        return RuledOut("the log has no line that SyncBN was reverted")
    return Unchecked("no log of the start is in the run", "the .log of the run")


CAUSE = Cause(
    id="syncbn-reverted",
    title="SyncBN was reverted to BN",
    mechanism=(
        "A run that is not distributed turns every SyncBN into BN, whose statistics then come "
        "from the few images of one GPU."
    ),
    effects=(
        Effect(
            "Swin-T UPerNet 30.91 instead of 44.51, together with effective-batch",
            "SwinTransformer/Swin-Transformer-Semantic-Segmentation#17",
            low=-13.6,
            high=-13.6,
        ),
        Effect("PSPNet 69.13 instead of 79.76", "M#179", low=-10.63, high=-10.63),
    ),
    fix="Use a larger batch per GPU, or start a distributed run.",
    detect=_detect,
    kind="broken",
)
