"""Both trainings step by step, each observation of one held beside that of the other."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from parity.errors import InputError
from parity.train.observe import START
from parity.train.operations import first_operations
from parity.train.sides import Observation, TrainingSide
from parity.train.tally import Judge, LockstepTally
from parity.train.traces import INTERRUPTED


def lockstep(
    candidate: TrainingSide,
    reference: TrainingSide,
    *,
    teacher: bool = False,
    third: TrainingSide | None = None,
    judge: Judge | None = None,
    progress: Callable[[int], None] = lambda iteration: None,
) -> LockstepTally:
    """Run both sides to their ends, and compare everything that they show.

    teacher: before each iteration our side gets the weights, buffers, optimizer state,
    gradients and generators of the reference, so that each iteration is judged alone; so
    does `third`, by which `judge` excuses what differs. Sides that log operations stop where
    they part. progress: is told each iteration that begins. Ctrl-C ends both at once, with
    what was compared by then. Raises InputError for what a side raised before they part;
    afterwards it is why they stopped.
    """
    tally, sides = LockstepTally(), [candidate, reference, *([] if third is None else [third])]
    printed = contextlib.ExitStack()
    printed.enter_context(contextlib.redirect_stdout(sys.stdout))
    try:
        for met in _meetings(tally, sides, judge):
            if met[1].quantity == START:
                progress(reference.iteration)
                taught = sides[:1] + sides[2:] if teacher and reference.iteration > 1 else []
                for side in taught:
                    teach(side, reference)
    except KeyboardInterrupt:
        tally.stopped = INTERRUPTED
        if not tally.counts:
            raise
    except InputError as error:
        if tally.first is None:
            raise
        tally.stopped = str(error)
    finally:
        for side in sides:
            side.stop(waiting=tally.stopped != INTERRUPTED)
        printed.close()  # two Runners at once restore what they found, in the wrong order
    return tally


def _meetings(
    tally: LockstepTally, sides: Sequence[TrainingSide], judge: Judge | None
) -> Iterator[tuple[Observation, Observation]]:
    """Where both sides show the same, once it is in `tally`; up to where they stop."""
    candidate, reference, *more = sides
    actual, expected = _next(candidate, reference, *more)
    while actual is not None or expected is not None:
        met = _met(actual, expected)
        if met is None:
            tally.apart(actual, expected)
        else:
            tally.hold(*met, more[0].at if more else None, judge)
        tally.stopped = candidate.trace.broken or reference.trace.broken
        if met is not None and tally.stopped:
            return
        if tally.first is not None and reference.log_at is not None:
            tally.operations = first_operations(candidate.operations, reference.operations)
            return
        if met is not None:
            yield met
        further = _together if met is None else _next
        actual, expected = further(candidate, reference, *more)


Pair = tuple[Observation | None, Observation | None]


def _next(candidate: TrainingSide, reference: TrainingSide, *more: TrainingSide) -> Pair:
    """The reference first: what is wrong with a config is then said of the reference."""
    expected = reference.next()
    for side in more:
        side.next()
    return candidate.next(), expected


def _met(
    actual: Observation | None, expected: Observation | None
) -> tuple[Observation, Observation] | None:
    """Both, if they are at the same place."""
    if actual is None or expected is None or _place(actual) != _place(expected):
        return None
    return actual, expected


def _place(at: Observation) -> tuple[int, str, tuple[str, ...]]:
    """What is shown; of activations and logits, of which module."""
    names = tuple(at.values) if at.quantity in ("activations", "logits") else ()
    return at.iteration, at.quantity, names


def _together(candidate: TrainingSide, reference: TrainingSide, *more: TrainingSide) -> Pair:
    """Go on to the beginning of the next iteration on both sides."""
    begun = max(candidate.iteration, reference.iteration) + 1
    for side in (reference, *more, candidate):
        while side.at is not None and side.iteration < begun:
            side.next()
    return candidate.at, reference.at


@torch.no_grad()
def teach(candidate: TrainingSide, reference: TrainingSide) -> None:
    """Give `candidate` the state of `reference`; the options of its groups stay its own."""
    state = candidate.model.state_dict()
    for name, value in reference.model.state_dict().items():
        state[name].copy_(value)
    params = dict(reference.model.named_parameters())
    for name, param in candidate.model.named_parameters():
        if name not in params:
            continue  # of a user's own model, which has it alone
        grad = params[name].grad
        param.grad = None if grad is None else grad.to(param.dtype, copy=True)
        state = reference.optimizer.state.get(params[name], {})
        candidate.optimizer.state[param] = {key: _as(value, param) for key, value in state.items()}
    candidate.states = dict(reference.states)


def _as(value: Any, param: torch.Tensor) -> Any:
    """A copy; of what has the form of `param`, in its precision, too."""
    if not isinstance(value, torch.Tensor):
        return value
    return value.to(param.dtype, copy=True) if value.shape == param.shape else value.clone()
