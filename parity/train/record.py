"""What came of a training, of one side or of both."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from parity.errors import InputError
from parity.live import reference_module
from parity.train.journal import Journal
from parity.train.judge import Float32Draws, Float64Judge, RepeatJudge
from parity.train.lockstep import lockstep
from parity.train.loop import Loop, Model
from parity.train.losses import own_losses
from parity.train.observe import START, Observer
from parity.train.operations import OperationParting
from parity.train.plan import plan_of
from parity.train.ported import Port, PortedModel
from parity.train.settings import TrainingSettings
from parity.train.sides import Train, TrainingSide
from parity.train.tally import LockstepTally

Progress = Callable[[int], None]
BOTH, REFERENCE, CANDIDATE = "both", "reference", "candidate"


@dataclass(frozen=True)
class TrainOptions:
    """How to train. lockstep: iterations that are compared in everything, of `iters` in all.

    work_dir: holds those of both sides; ours is written only to `keep` it.
    port: a user's own model for our side. repeat: `side` trains twice, or where both do, the
    reference. precise: what differs is held to the reference in float64; asks for `teacher`.
    ops: once more up to where the sides part, with the operations there; log_at: in this
    iteration, and no further.
    """

    side: str = BOTH
    lockstep: int = 20
    iters: int = 20
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    teacher: bool = False
    work_dir: Path = Path("work_dir")
    keep: bool = False
    port: Port | None = None
    repeat: bool = False
    precise: bool = False
    ops: bool = False
    log_at: int | None = None


@dataclass(frozen=True)
class Training:
    """What was trained, how, and what was seen.

    changes: what both sides have otherwise than the config. not_ours: what our side took
    from the reference besides the network. losses: the last ones of a side that ran alone.
    notes: what else there is to say of the models. judge: what excused values.
    """

    name: str
    options: TrainOptions
    changes: tuple[str, ...]
    not_ours: tuple[str, ...] = ()
    tally: LockstepTally | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    judge: Float64Judge | RepeatJudge | None = None

    @property
    def equal(self) -> bool:
        """Whether both sides trained, and everything that was compared is equal in every bit."""
        return self.tally is not None and self.tally.first is None and self.tally.iterations > 0


def train(
    settings: TrainingSettings, options: TrainOptions, progress: Progress = lambda _: None
) -> Training:
    """Train `settings`. Raises InputError for what cannot be trained, or did not go through."""
    live = reference_module("training_loop")
    plan = plan_of(settings)
    if options.iters > plan.max_iters:
        told = f"{options.iters} iterations are more than the {plan.max_iters} of its schedule"
        raise InputError(f"{settings.name}: {told}; ask for fewer")
    common: dict[str, Any] = {"seed": options.seed, "iters": options.iters}
    common["device"] = options.device

    source: Model = live.ReferenceModel(settings, options.device)
    ported = None
    if options.port is not None:
        size = plan.collate.get("size") or (64, 64)
        source = ported = PortedModel(source, options.port, size=size, device=options.device)

    def ours(observe: Observer) -> None:
        journal = None
        if options.keep:
            folder = options.work_dir / CANDIDATE
            observe = journal = Journal(observe, folder, settings, seed=options.seed)
        Loop(plan, source, observe=observe, **common).train()
        if journal is not None:
            journal.save()

    def theirs(observe: Observer) -> None:
        live.train(settings, work_dir=options.work_dir / REFERENCE, observe=observe, **common)

    torch.backends.cudnn.deterministic = True

    def again(observe: Observer) -> None:
        folder, wide = options.work_dir / "third", options.precise
        with Float32Draws() if wide else contextlib.nullcontext():  # type: ignore[no-untyped-call]
            live.train(settings, work_dir=folder, observe=observe, double=wide, **common)

    sides = _Sides(
        _side("our side", ours, options),
        _side("the reference", theirs, options),
        _side("our side, again", ours, options),
        _side("the reference, again", again, options),
    )
    if ported is not None:
        sides.reference.shows = sides.third.shows = lambda name: name in ported.shown
    made = _trained(Training(settings.name, options, settings.changes), sides, progress)
    tally = made.tally
    if options.ops and tally is not None and tally.first is not None and tally.first.iteration:
        tally.operations = _operations(settings, options, tally.first.iteration)
    return replace(made, notes=tuple(ported.notes) if ported is not None else ())


@dataclass(frozen=True)
class _Sides:
    """Trainings that have not begun. again, third: ours and the reference's once more."""

    candidate: TrainingSide
    reference: TrainingSide
    again: TrainingSide
    third: TrainingSide


def _trained(made: Training, sides: _Sides, progress: Progress) -> Training:
    """`made` with what came of the sides that its options ask for."""
    options = made.options
    if options.side == BOTH:
        tally, judge = _judged(options, sides, progress)
        return replace(made, not_ours=own_losses(sides.candidate.model), tally=tally, judge=judge)
    if options.side == REFERENCE:
        one, twice = sides.reference, sides.third
    else:
        one, twice = sides.candidate, sides.again
    if options.repeat:
        return replace(made, tally=lockstep(twice, one, progress=progress))
    losses = run_alone(one, progress)
    not_ours = own_losses(one.model) if one is sides.candidate else ()
    return replace(made, losses=losses, not_ours=not_ours)


def _judged(
    options: TrainOptions, sides: _Sides, progress: Progress
) -> tuple[LockstepTally, Float64Judge | RepeatJudge | None]:
    judge = Float64Judge() if options.precise else RepeatJudge() if options.repeat else None
    tally = lockstep(
        sides.candidate,
        sides.reference,
        teacher=options.teacher or options.precise,
        third=sides.third if judge is not None else None,
        judge=judge,
        progress=progress,
    )
    return tally, judge


def _operations(
    settings: TrainingSettings, options: TrainOptions, iteration: int
) -> OperationParting | None:
    """Those that part when both sides train once more, up to `iteration`."""
    with tempfile.TemporaryDirectory(prefix="parity-ops-") as folder:
        once = replace(options, ops=False, log_at=iteration, keep=False, work_dir=Path(folder))
        tally = train(settings, once).tally
    return None if tally is None else tally.operations


def _side(name: str, training: Train, options: TrainOptions) -> TrainingSide:
    return TrainingSide(
        name,
        training,
        fully=options.lockstep if options.side == BOTH or options.repeat else 0,
        last=options.iters,
        device=options.device,
        threads=options.threads,
        log_at=options.log_at,
    )


def run_alone(side: TrainingSide, progress: Progress) -> dict[str, float]:
    """Train one side; the losses of its last iteration."""
    losses: dict[str, float] = {}
    try:
        while (at := side.next()) is not None:
            if at.quantity == START:
                progress(at.iteration)
            elif at.quantity == "losses":
                losses = {name: _mean(value) for name, value in at.values.items()}
    finally:
        side.stop()
    return losses


def _mean(value: Any) -> float:
    return float(value.mean()) if isinstance(value, torch.Tensor) else float(sum(map(_mean, value)))
