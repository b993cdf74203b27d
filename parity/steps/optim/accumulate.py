"""Gradient accumulation: what each loss is divided by, and when parameters are updated.

Reproduces ``OptimWrapper.scale_loss``, ``should_update`` and
``initialize_count_status`` (mmengine 0.10.7 mmengine/optim/optimizer/optimizer_wrapper.py).
"""

from typing import NamedTuple

import torch

from parity.errors import InputError

# As in OptimWrapper: the length of training is not known.
UNKNOWN = -1


class Accumulation(NamedTuple):
    """What happens to one batch: its loss is divided, its parameters are updated or not."""

    loss_factor: int
    updates: bool


def scale_loss(
    loss: torch.Tensor, *, inner_count: int, accumulative_counts: int, max_counts: int = UNKNOWN
) -> torch.Tensor:
    """`loss` divided by the number of batches that share its update.

    inner_count: batches already backpropagated. Raises InputError past the end.
    """
    return loss / loss_factor(
        inner_count=inner_count, accumulative_counts=accumulative_counts, max_counts=max_counts
    )


def loss_factor(*, inner_count: int, accumulative_counts: int, max_counts: int = UNKNOWN) -> int:
    """What `scale_loss` divides by: less in a last round that is not full."""
    _check_counts(accumulative_counts)
    if accumulative_counts == 1 or max_counts == UNKNOWN:
        return accumulative_counts
    remainder = max_counts % accumulative_counts
    if inner_count < max_counts - remainder:
        return accumulative_counts
    if remainder == 0:
        raise InputError(f"batch {inner_count} lies past the end of training, {max_counts}")
    return remainder


def should_update(*, inner_count: int, accumulative_counts: int, max_counts: int = UNKNOWN) -> bool:
    """Whether parameters are updated after `inner_count` batches, this one included."""
    _check_counts(accumulative_counts)
    return inner_count % accumulative_counts == 0 or inner_count == max_counts


def accumulation_plan(
    *, accumulative_counts: int, max_counts: int, init_counts: int = 0
) -> tuple[Accumulation, ...]:
    """One entry per batch from `init_counts` (where training resumes) to `max_counts`."""
    counts = {"accumulative_counts": accumulative_counts, "max_counts": max_counts}
    return tuple(
        Accumulation(
            loss_factor(inner_count=done, **counts), should_update(inner_count=done + 1, **counts)
        )
        for done in range(init_counts, max_counts)
    )


def _check_counts(accumulative_counts: int) -> None:
    if accumulative_counts < 1:
        raise InputError(f"accumulative_counts must be positive, got {accumulative_counts}")
