"""All suspects of all steps."""

from functools import cache

from parity.pipeline import Step
from parity.suspects import (
    added,
    augmentation,
    collate,
    colour,
    crop,
    deform_attn,
    dino,
    flip,
    groups,
    infer,
    interpolation,
    iou,
    load,
    logits,
    loss,
    losses,
    mask,
    mask_costs,
    mask_losses,
    mask_points,
    multiscale,
    normalisation,
    optim,
    overlaps,
    own_losses,
    pad,
    photometric,
    resize,
    schedule,
    scoring,
)
from parity.suspects.mistake import REGISTERED
from parity.suspects.suspect import Suspect, one_a_mistake, replaced_by

# In the order in which suspects are tried.
_MODULES = (
    *(load, interpolation, resize, multiscale, crop, flip, photometric, colour, pad, added),
    *(normalisation, collate, logits, infer, augmentation),
    *(loss, losses, overlaps, own_losses),
    *(mask_costs, mask_points, mask_losses, mask),
    *(iou, scoring, schedule, groups, optim, deform_attn, dino),
)


_ALL = tuple(one for module in _MODULES for one in REGISTERED[module.__name__])
# Files of the steps that have some.
FAMILIES = tuple(dict.fromkeys(file for one in _ALL for file, _ in one.functions))


@cache
def all_suspects() -> tuple[Suspect, ...]:
    """Every suspect of the steps of a default check, one a mistake, in their order."""
    return one_a_mistake(_ALL)


def suspects_of(step: Step) -> tuple[Suspect, ...]:
    """The suspects that can take the place of the step's own function."""
    return tuple(one for one in all_suspects() if replaced_by(step) in one.functions)
