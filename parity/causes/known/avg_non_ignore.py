"""The loss averaged over other pixels than the zoo's."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.options import Path, decode_heads, differs, walk
from parity.runs.facts import Config


def _read(config: Config) -> tuple[Any, Path]:
    heads = decode_heads(config)
    losses = [
        (item.get("type"), bool(item.get("avg_non_ignore", False)))
        for head, _ in heads
        for item, _ in walk(head.get("loss_decode"))
        if "type" in item
    ]
    return losses, (*(heads[0][1] if heads else ("model",)), "loss_decode")


def _detect(context: RunContext) -> Verdict:
    return differs(context, _read, "avg_non_ignore of the losses")


CAUSE = Cause(
    id="avg-non-ignore",
    title="Loss averaged over other pixels",
    mechanism=(
        "avg_non_ignore divides by the valid pixels alone (torch's default); mmseg by "
        "default divides by all pixels, ignored ones too."
    ),
    effects=(
        Effect(
            "VOC DeepLabV3+ 75.93 -> 76.92 with avg_non_ignore, one run",
            "M#1057",
            low=-0.99,
            high=0.99,
        ),
    ),
    fix="Set avg_non_ignore as the zoo's config does.",
    detect=_detect,
    step="loss_ce*",
    words=("non-ignore", "avg", "average"),
)
