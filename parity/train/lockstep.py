"""Both trainings step by step, each observation of one held beside that of the other."""

from __future__ import annotations

from collections.abc import Callable

import torch

from parity.train.observe import START
from parity.train.sides import Observation, Side
from parity.train.tally import Tally


def lockstep(
    candidate: Side,
    reference: Side,
    *,
    teacher: bool = False,
    progress: Callable[[int], None] = lambda iteration: None,
) -> Tally:
    """Run both sides to their ends, and compare everything that they show.

    teacher: before each iteration our side gets the weights, buffers, optimizer state,
    gradients and generators of the reference, so that each iteration is judged alone.
    progress: is told each iteration that begins.
    """
    tally = Tally()
    try:
        actual, expected = candidate.next(), reference.next()
        while actual is not None or expected is not None:
            if _place(actual) != _place(expected):
                tally.apart(actual, expected)
                actual, expected = _together(candidate, reference)
                continue
            assert actual is not None
            assert expected is not None
            if expected.quantity == START:
                progress(expected.iteration)
                if teacher and expected.iteration > 1:
                    tally.hold(actual, expected)
                    teach(candidate, reference)
                    actual, expected = candidate.next(), reference.next()
                    continue
            tally.hold(actual, expected)
            actual, expected = candidate.next(), reference.next()
    finally:
        candidate.stop()
        reference.stop()
    return tally


def _place(at: Observation | None) -> tuple[int, str, tuple[str, ...]] | None:
    """What is shown; of activations, of which module."""
    if at is None:
        return None
    names = tuple(at.values) if at.quantity in ("activations", "logits") else ()
    return at.iteration, at.quantity, names


def _together(*sides: Side) -> tuple[Observation | None, ...]:
    """Go on to the beginning of the next iteration on both sides."""
    last = max(side.iteration for side in sides)
    return tuple(_begun(side, last + 1) for side in sides)


def _begun(side: Side, iteration: int) -> Observation | None:
    while side.at is not None and side.iteration < iteration:
        side.next()
    return side.at


@torch.no_grad()
def teach(candidate: Side, reference: Side) -> None:
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
