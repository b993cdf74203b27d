"""Plain BN over a small batch per GPU."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import facts_evidence
from parity.causes.options import NO_CONFIG, place_evidence, walk

# ImageNet error of BN: 23.7 % over 16 images, 24.8 over 8, 27.3 over 4, 34.7 over 2
# (Group Normalization, arXiv:1803.08494, table 2).
SMALL = 8


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    plain = [
        (item, place)
        for item, place in walk(config.get("model"))
        if str(item.get("type", "")) in ("BN", "BN2d") and item.get("requires_grad", True)
    ]
    if not plain:
        return RuledOut("no trained plain BN is in the model's config")
    samples = context.run.settings.samples_per_gpu
    if samples.value is None:
        return Unchecked("the samples per GPU are not known", "the run's config")
    if samples.value >= SMALL:
        return RuledOut(f"plain BN over {samples.value} images per GPU")
    expected = walk(context.expected.get("model")) if context.expected is not None else []
    if any(str(item.get("type", "")) in ("BN", "BN2d") for item, _ in expected):
        return RuledOut("the zoo's config uses plain BN as well")
    evidence = (*place_evidence(context, "model", *plain[0][1]), *facts_evidence(context, samples))
    return Found(evidence, "certain", "the config states both", f"{samples.value} images per GPU")


CAUSE = Cause(
    id="bn-split",
    title="Plain BN over a small batch per GPU",
    mechanism="BN takes its statistics from one GPU's images alone; few images give noisy ones.",
    effects=(
        Effect("DeepLabV3+ 77.29 -> 53.73", "Media-Smart/vedaseg#21", low=-23.56, high=-23.56),
    ),
    fix="Use SyncBN.",
    detect=_detect,
)
