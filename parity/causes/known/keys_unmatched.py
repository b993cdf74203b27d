"""Weights whose names or shapes did not match: only warned about."""

from __future__ import annotations

import re

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.runs.record import WeightLoad

# What Swin's and classifiers' files rightly hold more or less (M#2509), and a bookkeeping tensor.
_MISSING_ALLOWED = re.compile(r"(?:.*\.)?norm[0-3]\.(?:weight|bias)|.*num_batches_tracked")
_SURPLUS_ALLOWED = re.compile(r".*attn_mask|.*relative_position_index|(?:head|fc|norm)\..*")
# The heads of a segmentor are new when a file of a backbone initialises it.
_HEADS = re.compile(r"(?:decode_head|auxiliary_head|neck|conv_seg)\b.*")


def _detect(context: RunContext) -> Verdict:
    loads = context.run.weights
    if not loads:
        return Unchecked("the log loads no weights", "the .log of the start; see pretrain-absent")
    for load in loads:
        found = _mismatch(context, load)
        if found is not None:
            return found
    listed = [load for load in loads if load.listed is not None]
    what = "all keys matched" if not listed else "only keys that may differ did not match"
    return RuledOut(what, tuple(e for load in loads for e in context.evidence(load.source)))


def _mismatch(context: RunContext, load: WeightLoad) -> Found | None:
    missing = [key for key in load.missing if not _MISSING_ALLOWED.fullmatch(key)]
    surplus = [key for key in load.unexpected if not _SURPLUS_ALLOWED.fullmatch(key)]
    backbone = [key for key in missing if not _HEADS.fullmatch(key)]
    if not load.mismatched and not backbone and not (missing and surplus):
        return None
    detail = (
        f"{len(missing)} missing, {len(surplus)} unexpected, {len(load.mismatched)} of another "
        f"shape; first missing: {(missing or ['none'])[0]}; "
        f"first unexpected: {(surplus or ['none'])[0]}"
    )
    sure = bool(load.mismatched or (missing and surplus))
    evidence = (*context.evidence(load.listed), *context.evidence(load.source))
    why = "the loader lists what did not match, and goes on"
    return Found(evidence, "certain" if sure else "likely", why, detail)


CAUSE = Cause(
    id="keys-unmatched",
    title="Weights were loaded whose names did not match",
    mechanism="Loading is not strict: what does not match is warned about once and stays random.",
    effects=(UNMEASURED,),
    fix="Convert the keys to the names of the model; the log must list none that matter.",
    detect=_detect,
    kind="broken",
)
