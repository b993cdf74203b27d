"""Images resized by another library than OpenCV."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, place_evidence, shown, transforms

_OPTIONS = ("backend", "imdecode_backend")


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    items = [pair for split in ("train", "val") for pair in transforms(config, split)]
    if not items:
        return Unchecked("the config has no pipelines", "a parity check of resize (--parity FILE)")
    for item, place in items:
        for option in _OPTIONS:
            if item.get(option, "cv2") != "cv2":
                evidence = place_evidence(context, *place, option)
                detail = f"{item.get('type')} uses {shown(item[option])}"
                return Found(evidence, "certain", "the config states it", detail)
    return RuledOut("every transform reads and resizes with OpenCV, mmseg's default")


CAUSE = Cause(
    id="resize-backend",
    title="Another library resizes the images",
    mechanism="PIL antialiases when it shrinks, OpenCV does not, tensors vary.",
    effects=(
        Effect(
            "ImageNet ResNet-50: 0.1 to 0.3 points of top-1 accuracy",
            "open-mmlab/mmpretrain#94",
            low=-0.3,
            high=-0.1,
            metric="top-1",
        ),
    ),
    fix="Resize with OpenCV.",
    detect=_detect,
    step="resize",
    words=("pil", "antialias", "backend", "bicubic", "area"),
)
