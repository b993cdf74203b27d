"""Photometric distortion other than the zoo's."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import UNMEASURED, Cause, RunContext, Verdict
from parity.causes.options import Path, differs, transform
from parity.runs.facts import Config


def _read(config: Config) -> tuple[Any, Path]:
    item, place = transform(config, "train", "PhotoMetricDistortion")
    return None if item is None else {k: v for k, v in item.items() if k != "type"}, place


def _detect(context: RunContext) -> Verdict:
    return differs(context, _read, "PhotoMetricDistortion")


CAUSE = Cause(
    id="photometric",
    title="Photometric distortion differs",
    mechanism=(
        "mmseg turns hue by +-18 of 180 in OpenCV's HSV and draws whether contrast comes "
        "early or late; ports differ in range, order or colour space."
    ),
    effects=(UNMEASURED,),
    fix="Use PhotoMetricDistortion with the zoo's options, or port it literally.",
    detect=_detect,
    step="photometric",
)
