"""Gradients clipped otherwise than by the zoo's config."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, RunContext, Verdict
from parity.causes.options import differs, setting


def _detect(context: RunContext) -> Verdict:
    return differs(context, setting("optim_wrapper", "clip_grad"), "gradient clipping")


CAUSE = Cause(
    id="grad-clip",
    title="Gradient clipping differs",
    mechanism=(
        "Mask2Former clips the whole model's gradient norm to 0.01; without it, or with "
        "another limit, every step differs."
    ),
    effects=(UNMEASURED,),
    fix="Copy clip_grad from the zoo's config.",
    detect=_detect,
    step="optim_clip",
)
