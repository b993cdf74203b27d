"""What came of a training, of one side or of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from parity.live import reference_module
from parity.train.lockstep import lockstep
from parity.train.loop import Loop
from parity.train.losses import own_losses
from parity.train.observe import START, Observer, Values
from parity.train.plan import plan_of
from parity.train.settings import Settings
from parity.train.sides import Side
from parity.train.tally import Tally

Progress = Callable[[int], None]
BOTH, REFERENCE, CANDIDATE = "both", "reference", "candidate"


@dataclass(frozen=True)
class Options:
    """How to train. lockstep: iterations that are compared in everything, of `iters` in all."""

    side: str = BOTH
    lockstep: int = 20
    iters: int = 20
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    teacher: bool = False
    work_dir: Path = Path("work_dir")


@dataclass(frozen=True)
class Training:
    """What was trained, how, and what was seen.

    changes: what both sides have otherwise than the config. not_ours: what our side took
    from the reference besides the network. losses: the last ones of a side that ran alone.
    """

    name: str
    options: Options
    changes: tuple[str, ...]
    not_ours: tuple[str, ...] = ()
    tally: Tally | None = None
    losses: Mapping[str, float] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether both sides trained, and everything that was compared is equal in every bit."""
        return self.tally is not None and self.tally.first is None and self.tally.iterations > 0


def train(settings: Settings, options: Options, progress: Progress = lambda _: None) -> Training:
    """Train `settings`. Raises InputError for what cannot be trained, or did not go through."""
    live = reference_module("training_loop")
    source = live.ReferenceModel(settings, options.device)
    plan = None if options.side == REFERENCE else plan_of(settings)
    common: dict[str, Any] = {
        "seed": options.seed,
        "iters": options.iters,
        "device": options.device,
    }

    def ours(observe: Observer) -> None:
        assert plan is not None
        Loop(plan, source, observe=observe, **common).train()

    def theirs(observe: Observer) -> None:
        live.train(settings, work_dir=options.work_dir, observe=observe, **common)

    if options.device != "cpu":
        torch.backends.cudnn.deterministic = True
    shown: dict[str, Any] = {"device": options.device, "threads": options.threads}
    shown |= {"fully": options.lockstep, "last": options.iters}
    made = Training(settings.name, options, settings.changes)
    if options.side == BOTH:
        candidate, reference = (
            Side("our side", ours, **shown),
            Side("the reference", theirs, **shown),
        )
        tally = lockstep(candidate, reference, teacher=options.teacher, progress=progress)
        return replace(made, not_ours=own_losses(candidate.model), tally=tally)
    alone = Alone(progress)
    torch.set_num_threads(options.threads)
    (ours if options.side == CANDIDATE else theirs)(alone)
    own = own_losses(alone.model) if options.side == CANDIDATE else ()
    return replace(made, not_ours=own, losses=alone.losses)


class Alone(Observer):
    """Keeps the losses of the last iteration."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.iteration = progress, 0
        self.losses: dict[str, float] = {}

    def __call__(self, quantity: str, values: Values) -> None:
        """Count iterations, and note the losses."""
        if quantity == START:
            self.iteration += 1
            self.progress(self.iteration)
        elif quantity == "losses":
            self.losses = {name: _mean(value) for name, value in values.items()}


def _mean(value: Any) -> float:
    return float(value.mean()) if isinstance(value, torch.Tensor) else float(sum(map(_mean, value)))
