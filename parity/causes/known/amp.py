"""Another precision than the zoo's."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.options import Path, differs, kind_of
from parity.runs.facts import Config


def _read(config: Config) -> tuple[Any, Path]:
    kind = kind_of({"type": config.get("optim_wrapper", "type") or "OptimWrapper"})
    dtype = config.get("optim_wrapper", "dtype") if kind == "AmpOptimWrapper" else None
    return (kind, dtype), ("optim_wrapper", "type")


def _detect(context: RunContext) -> Verdict:
    return differs(context, _read, "precision")


CAUSE = Cause(
    id="amp",
    title="Precision differs",
    mechanism=(
        "Mixed precision rounds activations and gradients to 16 bits and scales the loss; "
        "the zoo's figure was made with another setting."
    ),
    effects=(
        Effect(
            "HRNet + OCR: a difference called significant, without a figure", "M#1584", "unmeasured"
        ),
    ),
    fix="Use the optim_wrapper type, dtype and loss_scale of the zoo's config.",
    detect=_detect,
)
