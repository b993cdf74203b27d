"""Other pretrained weights than the zoo's."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import Cause, Effect, RuledOut, RunContext, Verdict
from parity.causes.options import Path, differs
from parity.runs.facts import Config


def _read(config: Config) -> tuple[Any, Path]:
    """The name of the file: folders and mirrors differ."""
    for path in _PLACES:
        value = config.get(*path)
        if isinstance(value, str):
            return value.replace("\\", "/").rpartition("/")[2].rpartition("://")[2], path
    return None, ("model", "backbone")


_PLACES: tuple[Path, ...] = (
    ("model", "backbone", "init_cfg", "checkpoint"),
    ("model", "pretrained"),
    ("model", "init_cfg", "checkpoint"),
)


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is not None and context.expected is not None:
        mine, theirs = _read(config)[0], _read(context.expected)[0]
        if mine is None and theirs is not None:
            return RuledOut("the config names no weights at all; see pretrain-absent")
    return differs(context, _read, "pretrained weights")


CAUSE = Cause(
    id="alt-pretrain",
    title="Other pretrained weights",
    mechanism=(
        "Weights pretrained on ImageNet-1k stand in for ImageNet-22k ones, or come from "
        "another training."
    ),
    effects=(
        Effect(
            "Segmenter-L 48.8 -> 51.3, partly the decoder",
            "rstrudel/segmenter#7",
            low=-2.5,
            high=-2.5,
        ),
    ),
    fix="Use the file that the zoo's config names; compare its checksum.",
    detect=_detect,
)
