"""The pretrained weights were never loaded."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, place_evidence

_PLACES: tuple[tuple[str, ...], ...] = (
    ("model", "backbone", "init_cfg", "checkpoint"),
    ("model", "pretrained"),
    ("model", "init_cfg", "checkpoint"),
    ("load_from",),
)
_NO_PRETRAINED = "no_pretrained"


def _detect(context: RunContext) -> Verdict:
    config, run = context.run.config, context.run
    said = [s.notices[_NO_PRETRAINED] for s in run.segments if _NO_PRETRAINED in s.notices]
    if run.weights:
        source = run.weights[0].source
        return RuledOut(f"weights were loaded from {run.weights[0].path}", context.evidence(source))
    if config is None:
        return NO_CONFIG
    named = [path for path in _PLACES if isinstance(config.get(*path), str)]
    if said:
        return Found(context.evidence(said[0]), "certain", "the log says so")
    if not named:
        return _not_named(context)
    if not run.segments or not any(segment.environment for segment in run.segments):
        return Unchecked("the log of the start is not in the run", "the .log of the run")
    evidence = place_evidence(context, *named[0])
    return Found(evidence, "likely", "the config names weights, and the log loads none")


def _not_named(context: RunContext) -> Verdict:
    expected = context.expected
    if expected is None:
        return Unchecked(
            "the config names no weights; whether it should is not known",
            "the name of the zoo's config (--against NAME)",
        )
    wanted = [path for path in _PLACES if isinstance(expected.get(*path), str)]
    if not wanted:
        return RuledOut("the zoo's config names no weights either")
    evidence = place_evidence(context, "model", "backbone")
    detail = f"the zoo's config starts from {expected.get(*wanted[0])}"
    return Found(evidence, "certain", "the config names no weights and the log loads none", detail)


CAUSE = Cause(
    id="pretrain-absent",
    title="No pretrained weights were loaded",
    mechanism="The backbone starts from random numbers; the early loss is high.",
    effects=(
        Effect(
            "SeMask-T 11.88, 30 or more expected",
            "Picsart-AI-Research/SeMask-Segmentation#15",
            low=-18.12,
            high=-18.12,
        ),
    ),
    fix="Pass the pretrained weights, and look for the line that loads them.",
    detect=_detect,
    kind="broken",
)
