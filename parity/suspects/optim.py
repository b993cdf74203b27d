"""What people get wrong in clipping, accumulating and applying gradients.

What concerns parameter groups is in ``groups.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from parity.steps.optim import accumulate, clip, training
from parity.steps.optim.clip import Clipped
from parity.suspects.mistake import Function, made_in, mistake

Gradients = Sequence[Tensor | None]

_CLIPPED = "gradients above max_norm"
_ROUNDS = "several batches per update"
_SHORT = "a last round with fewer batches"

clip_mistake = made_in(clip.clip_gradients, training.train)
norm_mistake = made_in(clip.clip_gradients)
round_mistake = made_in(accumulate.accumulation_plan, training.train)
train_mistake = made_in(training.train)


@clip_mistake(clip.clip_gradients, needs=_CLIPPED)
def gradients_not_clipped(clip_gradients: Function, gradients: Gradients, *, clip_grad: Any) -> Any:
    """Gradients are not clipped, though their norm is logged; the reference clips as configured."""
    norm = clip_gradients(gradients, clip_grad=clip_grad).norm
    return Clipped(clip_gradients(gradients, clip_grad=None).gradients, norm)


@clip_mistake(clip.clip_gradients, needs=f"several parameters with {_CLIPPED}")
def clip_per_parameter(clip_gradients: Function, gradients: Gradients, *, clip_grad: Any) -> Any:
    """Each parameter is clipped by its own norm; the reference takes the norm of all together."""
    alone = [clip_gradients([one], clip_grad=clip_grad).gradients[0] for one in gradients]
    return Clipped(alone, clip_gradients(gradients, clip_grad=clip_grad).norm)


@clip_mistake(clip.clip_gradients, needs=_CLIPPED)
def clip_by_value(clip_gradients: Function, gradients: Gradients, *, clip_grad: Any) -> Any:
    """Each element is clipped to max_norm; the reference scales all by their common norm."""
    norm = clip_gradients(gradients, clip_grad=clip_grad).norm
    if norm is None:
        return clip_gradients(gradients, clip_grad=clip_grad)
    bounded = {"type": "value", "clip_value": clip_grad["max_norm"]}
    return Clipped(clip_gradients(gradients, clip_grad=bounded).gradients, norm)


@clip_mistake(clip.clip_gradients, needs="gradients below max_norm")
def clip_enlarges(clip_gradients: Function, gradients: Gradients, *, clip_grad: Any) -> Any:
    """Gradients below max_norm are enlarged to it; the reference leaves them as they are."""
    norm = clip_gradients(gradients, clip_grad=clip_grad).norm
    if norm is None:
        return clip_gradients(gradients, clip_grad=clip_grad)
    return Clipped(_scaled(gradients, clip_grad["max_norm"] / (norm + 1e-6)), norm)


@clip_mistake(clip.clip_gradients, needs=_CLIPPED)
def clip_without_eps(clip_gradients: Function, gradients: Gradients, *, clip_grad: Any) -> Any:
    """Gradients are scaled by max_norm / norm; the reference adds 1e-6 to the norm."""
    good = clip_gradients(gradients, clip_grad=clip_grad)
    if good.norm is None or good.norm <= clip_grad["max_norm"]:
        return good
    return Clipped(_scaled(gradients, clip_grad["max_norm"] / good.norm), good.norm)


@norm_mistake(clip.total_norm, needs="a norm_type other than 2", norm_type=2.0)
def norm_always_2() -> None:
    """The norm is Euclidean; the reference takes norm_type."""


@norm_mistake(clip.total_norm, needs="several parameters")
def norm_of_elements(norm: Function, gradients: Sequence[Tensor], *, norm_type: float = 2.0) -> Any:
    """The norm is that of all elements, rounded differently; the reference's is one of norms."""
    return norm([torch.cat([one.flatten() for one in gradients])], norm_type=norm_type)


@round_mistake(accumulate.loss_factor, needs=_ROUNDS)
def loss_not_divided(loss_factor: Function, **counts: int) -> Any:
    """Losses are added up over a round; the reference divides each by the number of batches."""
    return 1


@round_mistake(accumulate.loss_factor, needs=_SHORT)
def short_round_ignored(loss_factor: Function, **counts: int) -> Any:
    """Losses of a short last round are divided as if it were full."""
    return counts["accumulative_counts"]


@round_mistake(accumulate.should_update, needs=_SHORT, max_counts=accumulate.UNKNOWN)
def short_round_dropped() -> None:
    """A short last round updates nothing; the reference updates after the last batch."""


@round_mistake(accumulate.should_update, needs=_ROUNDS)
def updated_one_early(should_update: Function, *, inner_count: int, **counts: int) -> Any:
    """Batches count from 0, so the first one is followed by an update of its own."""
    return should_update(inner_count=inner_count - 1, **counts)


@round_mistake(accumulate.should_update, needs=_ROUNDS)
def updated_every_batch(should_update: Function, **counts: int) -> Any:
    """Parameters are updated after every batch; the reference waits for the round to end."""
    return True


@mistake(accumulate.accumulation_plan, needs="training resumed within a round")
def rounds_restart_on_resume(plan: Function, *, init_counts: int = 0, **counts: int) -> Any:
    """Batches count from 0 after resuming; the reference goes on from the iteration it stopped."""
    return plan(**counts)[: counts["max_counts"] - init_counts]


@train_mistake(training.build_optimizer, needs="AdamW")
def adam_for_adamw(build: Function, *given: Any, optimizer: Mapping[str, Any]) -> Any:
    """Adam takes weight decay into the gradient; AdamW, which configs name, decays apart."""
    kind = {"AdamW": "Adam"}.get(optimizer["type"], optimizer["type"])
    return build(*given, optimizer={**optimizer, "type": kind})


@train_mistake(training.build_optimizer, needs="SGD with momentum")
def momentum_missing(build: Function, *given: Any, optimizer: Mapping[str, Any]) -> Any:
    """Momentum is left out, 0 by default; configs set 0.9."""
    bare = {key: optimizer[key] for key in optimizer if key != "momentum"}
    return build(*given, optimizer=bare)


@train_mistake(training.build_optimizer)
def gradients_never_cleared(build_optimizer: Function, *arguments: Any, **options: Any) -> Any:
    """Gradients are never set to zero and pile up; the reference clears them after each update."""
    built = build_optimizer(*arguments, **options)
    built.zero_grad = lambda set_to_none=True: None
    return built


@train_mistake(training.record, needs=_ROUNDS)
def gradients_cleared_each_batch(record: Function, model: nn.Module) -> Any:
    """Gradients are set to zero after every batch; the reference keeps them within a round."""
    found = record(model)
    model.zero_grad()
    return found


def _scaled(gradients: Gradients, factor: float) -> list[Tensor | None]:
    return [None if one is None else one * factor for one in gradients]
