"""All suspects of all steps."""

from __future__ import annotations

from functools import cache

from parity.pipeline import Step
from parity.suspects import (
    collate,
    crop,
    deform_attn,
    dino,
    flip,
    infer,
    iou,
    load,
    logits,
    loss,
    maps,
    mask,
    mosaic,
    multiscale,
    optim,
    pad,
    photometric,
    resize,
    schedule,
    tone,
    warp,
)
from parity.suspects.suspect import Suspect, one_a_mistake, replaced_by

_MODULES = (
    *(load, resize, multiscale, crop, flip, photometric, pad, warp, tone, maps, mosaic),
    *(collate, logits, infer, loss, mask, iou),
    *(schedule, optim, deform_attn, dino),
)
FAMILIES = tuple(module.__name__.rpartition(".")[2] for module in _MODULES)


@cache
def all_suspects() -> tuple[Suspect, ...]:
    """Every suspect of the steps of a default check, one a mistake, in their order."""
    return one_a_mistake(suspect for module in _MODULES for suspect in module.SUSPECTS)


def suspects_of(step: Step) -> tuple[Suspect, ...]:
    """The suspects that can take the place of the step's own function."""
    return tuple(one for one in all_suspects() if replaced_by(step) in one.functions)
