"""Labels mapped before label 0 was taken out."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import environment, facts_evidence
from parity.causes.options import NO_CONFIG, dataset, place_evidence

_FIXED = (1, 2, 2)  # reads reduce before map in mmseg/datasets/transforms/loading.py


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    owner, place = dataset(config, "train")
    chosen = (owner.get("metainfo") or {}).get("classes") or owner.get("classes")
    if not chosen:
        return RuledOut("no classes are chosen, so labels are not mapped")
    version = environment(context, "MMSegmentation")
    number = tuple(
        int(part) for part in (version.value or "").split("+")[0].split(".")[:3] if part.isdigit()
    )
    if not number:
        return Unchecked("the log does not name mmseg's version", "mmseg's version in training")
    if number >= _FIXED:
        return RuledOut(f"mmseg {version.value} reduces first", facts_evidence(context, version))
    evidence = (*place_evidence(context, *place), *facts_evidence(context, version))
    detail = f"mmseg {version.value} with chosen classes"
    return Found(evidence, "possible", "which versions map first is not settled", detail)


CAUSE = Cause(
    id="label-map-order",
    title="Labels mapped before label 0 was taken out",
    mechanism="With chosen classes, older versions map ids before they are lowered by one.",
    effects=(UNMEASURED,),
    fix="Upgrade mmseg to 1.2.2 (M#2500).",
    detect=_detect,
    step="load*",
    words=("label_map", "label map", "mapping"),
)
