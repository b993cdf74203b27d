"""Both trainings step by step, each observation of one held beside that of the other."""

from __future__ import annotations

from collections.abc import Callable

import torch

from parity.train.observe import START
from parity.train.sides import Observation, TrainingSide
from parity.train.tally import LockstepTally


def lockstep(
    candidate: TrainingSide,
    reference: TrainingSide,
    *,
    teacher: bool = False,
    progress: Callable[[int], None] = lambda iteration: None,
) -> LockstepTally:
    """Run both sides to their ends, and compare everything that they show.

    teacher: before each iteration our side gets the weights, buffers, optimizer state,
    gradients and generators of the reference, so that each iteration is judged alone.
    progress: is told each iteration that begins.
    """
    tally = LockstepTally()
    try:
        actual, expected = _next(candidate, reference)
        while actual is not None or expected is not None:
            if actual is None or expected is None or _place(actual) != _place(expected):
                tally.apart(actual, expected)
                actual, expected = _together(candidate, reference)
                continue
            tally.hold(actual, expected)
            broken = candidate.trace.broken or reference.trace.broken
            if broken:
                tally.stopped = broken
                break
            if expected.quantity == START:
                progress(expected.iteration)
                if teacher and expected.iteration > 1:
                    teach(candidate, reference)
            actual, expected = _next(candidate, reference)
    finally:
        candidate.stop()
        reference.stop()
    return tally


Pair = tuple[Observation | None, Observation | None]


def _next(candidate: TrainingSide, reference: TrainingSide) -> Pair:
    """The reference first: what is wrong with a config is then said of the reference."""
    expected = reference.next()
    return candidate.next(), expected


def _place(at: Observation) -> tuple[int, str, tuple[str, ...]]:
    """What is shown; of activations and logits, of which module."""
    names = tuple(at.values) if at.quantity in ("activations", "logits") else ()
    return at.iteration, at.quantity, names


def _together(candidate: TrainingSide, reference: TrainingSide) -> Pair:
    """Go on to the beginning of the next iteration on both sides."""
    begun = max(candidate.iteration, reference.iteration) + 1
    for side in (reference, candidate):
        while side.at is not None and side.iteration < begun:
            side.next()
    return candidate.at, reference.at


@torch.no_grad()
def teach(candidate: TrainingSide, reference: TrainingSide) -> None:
    """Give `candidate` the state of `reference`; the options of its groups stay its own."""
    for ours, theirs in zip(
        candidate.model.state_dict().values(), reference.model.state_dict().values(), strict=True
    ):
        ours.copy_(theirs)
    params = dict(reference.model.named_parameters())
    for name, param in candidate.model.named_parameters():
        grad = params[name].grad
        param.grad = None if grad is None else grad.clone()
        state = reference.optimizer.state.get(params[name], {})
        candidate.optimizer.state[param] = {
            key: value.clone() if isinstance(value, torch.Tensor) else value
            for key, value in state.items()
        }
    candidate.states = dict(reference.states)
