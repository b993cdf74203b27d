"""Batch normalisation over few images."""

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import intended_batch, logged_start
from parity.settings.items import Item, walk
from parity.settings.terms import Terms

_NOTICE = "sync_bn"
_PLAIN = ("BN", "BN2d")
# ImageNet error of BN: 23.7 % over 16 images, 24.8 over 8, 27.3 over 4, 34.7 over 2
# (Group Normalization, arXiv:1803.08494, table 2).
SMALL = 8
# What the zoo's SyncBN averages over: more is no worse.
MANY = 16


def _norms(terms: Terms, *kinds: str) -> list[Item]:
    """The trained norms of these types that the model names."""
    found = [item for _, item in walk(terms.item("model")) if item.kind in kinds]
    return [item for item in found if item.get("requires_grad").value is not False]


@Cause(
    id="bn-split",
    seen="plain BN with few samples per GPU, where the zoo's config has none",
    title="Plain BN over a small batch per GPU",
    mechanism="BN takes its statistics from one GPU's images alone; few images give noisy ones.",
    effects=(Effect.of(-23.56, "DeepLabV3+ 77.29 -> 53.73", "Media-Smart/vedaseg#21"),),
    fix="Use SyncBN.",
    paths=("model.*norm_cfg.type",),
    needs_config=True,
)
def _bn_split(context: RunContext, terms: Terms) -> Verdict:
    plain = [item for item in _norms(terms, *_PLAIN) if item.place is not None]
    if not plain:
        return RuledOut("no trained plain BN is in the model's config")
    samples = context.run.settings.samples_per_gpu
    if samples.value is None:
        return Unchecked("the samples per GPU are not known", "the run's config")
    if samples.value >= SMALL:
        return RuledOut(f"plain BN over {samples.value} images per GPU")
    if context.expected is None:
        return Unchecked(
            f"plain BN over {samples.value} images per GPU; whether what it is compared with has "
            "it too is not known",
            "the name of the zoo's config (--against NAME)",
        )
    if _norms(context.expected, *_PLAIN):
        return RuledOut(f"{context.expected_name} uses plain BN as well")
    where = context.evidence(terms.source(plain[0]))
    evidence = (*where, *context.of_fact(samples))
    return Found(evidence, "certain", "the config states both", f"{samples.value} images per GPU")


@Cause(
    id="syncbn-reverted",
    seen="the log's line that all SyncBN were reverted, SyncBN in the config, few samples",
    title="SyncBN was reverted to BN",
    mechanism="A run that is not distributed turns every SyncBN into BN, whose statistics then "
    "come from the few images of one GPU.",
    effects=(
        Effect.of(
            -13.6,
            "Swin-T UPerNet 30.91 instead of 44.51, together with effective-batch",
            "SwinTransformer/Swin-Transformer-Semantic-Segmentation#17",
        ),
        Effect.of(-10.63, "PSPNet 69.13 instead of 79.76", "M#179"),
    ),
    fix="Use a larger batch per GPU, or start a distributed run.",
    kind="broken",
    needs_config=True,
)
def _syncbn_reverted(context: RunContext, terms: Terms) -> Verdict:
    if not _norms(terms, "SyncBN"):
        return RuledOut("no SyncBN is in the model's config")
    said = [s.notices[_NOTICE] for s in context.run.segments if _NOTICE in s.notices]
    if said:
        samples = context.run.settings.samples_per_gpu.value
        compared = context.row is not None or context.other is not None
        meant = intended_batch(context)[0] if compared else MANY
        if samples and meant and samples >= meant:
            by = f"reverted, but the one process holds all {samples} images of a step"
            return RuledOut(by, context.evidence(said[0]))
        detail = f"statistics over {samples} images" if samples else ""
        why = "SyncBN is in the config, and the log says that it was reverted"
        return Found(context.evidence(said[0]), "certain", why, detail)
    if logged_start(context):
        return RuledOut("the log of the start has no line that SyncBN was reverted")
    return Unchecked("no log of the start is in the run", "the .log of the run")
