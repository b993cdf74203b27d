"""Windows for whole images, or other windows."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.options import differs, setting


def _detect(context: RunContext) -> Verdict:
    return differs(context, setting("model", "test_cfg", default={}), "test_cfg")


CAUSE = Cause(
    id="slide-whole",
    title="Sliding window or whole image",
    mechanism="Scores of sliding windows and of whole images are not directly comparable.",
    effects=(
        Effect(
            "called not directly comparable, without a figure",
            "facebookresearch/ConvNeXt#1",
            "unmeasured",
        ),
    ),
    fix="Use the zoo's test_cfg.",
    detect=_detect,
    step="infer_slide*",
)
