"""Padding kept when predictions are resized back."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Verdict
from parity.causes.options import NO_CONFIG, place_evidence, transform


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    item, place = transform(config, "val", "Pad")
    if item is None:
        return RuledOut("the test pipeline does not pad")
    if context.expected is not None and transform(context.expected, "val", "Pad")[0] is not None:
        return RuledOut("the zoo's test pipeline pads as well")
    why = "mmseg removes the padding of its preprocessor, not that of the Pad transform"
    return Found(place_evidence(context, *place), "likely", why)


CAUSE = Cause(
    id="pad-not-removed",
    title="Padding kept in the prediction",
    mechanism="A padded prediction is resized to the image's size, so every pixel is shifted.",
    effects=(Effect('"significant decrease"; no figure', "M#3685, M#2290, M#3421", "unmeasured"),),
    fix="Crop the padding off before resizing, or do not pad in the test pipeline.",
    detect=_detect,
    step="postprocess*",
)
