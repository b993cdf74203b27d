"""Random crops chosen by another rule than the zoo's."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, RunContext, Verdict
from parity.causes.options import differs, transform_option


def _detect(context: RunContext) -> Verdict:
    return differs(
        context,
        transform_option("train", ("RandomCrop",), "cat_max_ratio", default=1.0),
        "cat_max_ratio of the crop",
    )


CAUSE = Cause(
    id="cat-max-ratio",
    title="cat_max_ratio differs",
    mechanism=(
        "mmseg draws a crop again when one class covers more than 0.75 of it; the official "
        "Mask2Former uses 1.0."
    ),
    effects=(UNMEASURED,),
    fix="Set cat_max_ratio as the zoo's config does.",
    detect=_detect,
    step="crop",
    words=("ratio",),
)
