"""Channels, mean or deviation other than the zoo's."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import UNMEASURED, Cause, RunContext, Verdict
from parity.causes.options import Path, differs
from parity.runs.facts import Config

_KEYS = ("mean", "std", "bgr_to_rgb", "rgb_to_bgr")


def _read(config: Config) -> tuple[Any, Path]:
    place: Path = ("model", "data_preprocessor")
    found = config.get(*place) or {}
    return {key: found.get(key) for key in _KEYS}, place


def _detect(context: RunContext) -> Verdict:
    return differs(context, _read, "normalisation")


CAUSE = Cause(
    id="channel-order",
    title="Channel order or normalisation differs",
    mechanism=(
        "Mean and deviation are in RGB order and images are BGR; without bgr_to_rgb, or "
        "with other numbers, pretrained weights see other inputs."
    ),
    effects=(UNMEASURED,),
    fix="Copy mean, std and bgr_to_rgb of the data_preprocessor.",
    detect=_detect,
    step="collate*",
    words=("bgr", "rgb", "channel", "mean", "std"),
)
