"""What findings cannot be told apart, and what to try first."""

from __future__ import annotations

from dataclasses import dataclass

from parity.causes.catalogue import cause
from parity.zoo.rows import ScoreRow

DEAD, BATCH = "dead-kernel", "effective-batch"


@dataclass(frozen=True)
class Inseparable:
    """Causes whose shares of the gap are not known. separable_by: what tells them apart."""

    ids: tuple[str, ...]
    text: str
    separable_by: str


def inseparable(
    found: tuple[str, ...], unchecked: tuple[str, ...], *, by_checkpoint: bool
) -> tuple[Inseparable, ...]:
    """What to say when several causes were found, or one could not be excluded."""
    told: list[Inseparable] = []
    suspects = (*found, *((DEAD,) if DEAD in unchecked and found else ()))
    if len(suspects) < 2:
        return ()
    if DEAD in suspects and not by_checkpoint:
        others = tuple(name for name in suspects if name != DEAD)
        text = f"from the log alone, {DEAD} and {', '.join(others)} cannot be separated"
        decides = (
            "a checkpoint of the run: it shows whether the kernel was dead throughout; "
            "how many points each costs, it does not show"
        )
        told.append(Inseparable((DEAD, *others), text, decides))
    elif len(found) > 1:
        text = f"{', '.join(found)} are all in the run; how many points each costs is in no file"
        if DEAD in found:
            text += "; the checkpoint decides that the kernel was dead"
        decides = f"a training with only {found[0]} put right"
        told.append(Inseparable(found, text, decides))
    return tuple(told)


def next_test(
    found: tuple[str, ...],
    unchecked: tuple[str, ...],
    *,
    by_checkpoint: bool,
    row: ScoreRow | None,
    beside_run: bool = False,
) -> str:
    """The cheapest test that tells most."""
    if (DEAD in found or (DEAD in unchecked and found)) and not by_checkpoint:
        return (
            "put a checkpoint (iter_*.pth) of the run beside its log and explain again: "
            "its tensors show in seconds whether deformable attention ever ran"
        )
    for name in found:
        if cause(name).test:
            return cause(name).test
    if found:
        return f"retrain, or score again, with only {found[0]} put right: {cause(found[0]).fix}"
    if row is not None:
        return (
            f"evaluate the zoo's checkpoint ({row.weights or row.name}) in the same environment: "
            f"if it does not give {row.miou:.2f}, the evaluation or the data differ"
        )
    if beside_run:
        return (
            "train the other run's config again with another seed: the difference between the two "
            "says how much of the gap is chance"
        )
    return "name the zoo's result to compare with (--against NAME)"
