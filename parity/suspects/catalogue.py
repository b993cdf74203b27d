"""All suspects of all steps."""

from __future__ import annotations

from functools import cache

from parity.pipeline import Step
from parity.suspects import (
    added,
    collate,
    crop,
    deform_attn,
    flip,
    infer,
    iou,
    load,
    logits,
    loss,
    mask,
    optim,
    photometric,
    resize,
    schedule,
)
from parity.suspects.suspect import Suspect

_MODULES = (
    *(load, resize, crop, flip, photometric),
    *(collate, logits, infer, loss, mask, iou),
    *(schedule, optim, deform_attn),
)
FAMILIES = tuple(module.__name__.rpartition(".")[2] for module in _MODULES)


@cache
def all_suspects() -> tuple[Suspect, ...]:
    """Every suspect of the steps of a default check, in their order."""
    return tuple(suspect for module in _MODULES for suspect in module.SUSPECTS)


def suspects_of(step: Step) -> tuple[Suspect, ...]:
    """The suspects that can take the place of the step's own function."""
    key = (step.module, step.function.__name__)
    return tuple(
        one for one in (*all_suspects(), *added.SUSPECTS) if (one.step, one.replaces) == key
    )
