"""Test images aligned to the stride otherwise than by the zoo's config."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.options import Path, differs, kind_of, transforms
from parity.runs.facts import Config

_RESIZES = ("Resize", "ResizeToMultiple", "ResizeShortestEdge", "AlignedResize")


def _read(config: Config) -> tuple[Any, Path]:
    found = [
        ({**item, "type": kind_of(item)}, place)
        for item, place in transforms(config, "val")
        if kind_of(item) in _RESIZES
    ]
    return [item for item, _ in found], found[0][1] if found else ("val_dataloader",)


def _detect(context: RunContext) -> Verdict:
    return differs(context, _read, "resizing before the test")


CAUSE = Cause(
    id="test-align",
    title="Test resizing differs",
    mechanism=(
        "An input that is no multiple of the stride is scored otherwise than one resized "
        "to a multiple."
    ),
    effects=(
        Effect("K-Net Swin-L 52.05 -> 52.61 when aligned", "M#1607", low=-0.56, high=0.56),
        Effect("OCRNet +0.47", "M#1607", low=-0.47, high=0.47),
        Effect("DeepLabV3+ +0.06", "M#1607", low=-0.06, high=0.06),
        Effect("SegFormer AlignedResize +0.64 to +0.96", "M#1607", low=-0.96, high=0.96),
    ),
    fix="Use the zoo's test pipeline.",
    detect=_detect,
    step="resize",
    words=("multiple", "align"),
)
