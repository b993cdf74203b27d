"""Another crop size than the zoo row's."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.options import differs, transform_option


def _detect(context: RunContext) -> Verdict:
    return differs(
        context,
        transform_option("train", ("RandomCrop",), "crop_size"),
        "size of the training crop",
    )


CAUSE = Cause(
    id="crop-size",
    title="Crop size differs",
    mechanism=(
        "A larger crop shows more context per step; zoo rows of 512 and 640 are different results."
    ),
    effects=(
        Effect("K-Net 640 for 512: +0.16", "zoo", low=-0.16, high=0.16),
        Effect("SegFormer-B5 640 for 512: +0.49", "zoo", low=-0.49, high=0.49),
    ),
    fix="Compare with the row of the same crop, or train with its crop.",
    detect=_detect,
)
