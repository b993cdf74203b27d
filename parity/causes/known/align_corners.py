"""align_corners flipped against the zoo's config."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.options import Path, decode_heads, differs
from parity.runs.facts import Config


def _read(config: Config) -> tuple[Any, Path]:
    heads = decode_heads(config)
    found = [bool(head.get("align_corners", False)) for head, _ in heads]
    return found, (*(heads[0][1] if heads else ("model",)), "align_corners")


def _detect(context: RunContext) -> Verdict:
    return differs(context, _read, "align_corners")


CAUSE = Cause(
    id="align-corners",
    title="align_corners flipped",
    mechanism=(
        "Resizing logits with align_corners the other way shifts every prediction by a "
        "fraction of a cell."
    ),
    effects=(Effect("COCO-Stuff: 0 to 0.2; the thread is not recorded", "", "unmeasured"),),
    fix="Set align_corners of each head as the zoo's config does.",
    detect=_detect,
    step="logits_resize*",
    words=("align",),
)
