"""Labels resized by interpolation."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, transforms

_NAMES = """
    LoadImageFromFile LoadAnnotations Resize RandomResize RandomChoiceResize RandomCrop
    RandomFlip PhotoMetricDistortion PackSegInputs ResizeShortestEdge ResizeToMultiple Pad
    TestTimeAug RandomCutOut CLAHE Rerange RandomRotate RandomMosaic AdjustGamma RGB2Gray
    SegRescale GenerateEdge Normalize DefaultFormatBundle Collect ImageToTensor
    MultiScaleFlipAug
"""
_STANDARD = frozenset(_NAMES.split())


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    used = [str(item.get("type", "")).rpartition(".")[2] for item, _ in transforms(config, "train")]
    own = [name for name in used if name not in _STANDARD]
    if used and not own:
        return RuledOut("every transform is mmseg's own, and these resize labels to the nearest")
    return Unchecked(
        f"the pipeline uses {own[0]}" if own else "the config has no training pipeline",
        "the code of that transform, or parity check of it (--parity FILE)",
    )


CAUSE = Cause(
    id="label-interpolated",
    title="Labels resized by interpolation",
    mechanism="Bilinear resizing of a label map invents ids between neighbours.",
    effects=(UNMEASURED,),
    fix="Resize labels to the nearest neighbour.",
    detect=_detect,
    kind="broken",
    step="resize",
    words=("label", "nearest", "ids"),
)
