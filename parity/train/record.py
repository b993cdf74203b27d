"""What came of a training, of one side or of both."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from parity.errors import InputError
from parity.live import reference_module
from parity.train.checkpoint import kept_iterations, read_checkpoint
from parity.train.journal import Journal
from parity.train.judge import Float32Draws, Float64Judge, RepeatJudge
from parity.train.lockstep import lockstep
from parity.train.loop import Loop
from parity.train.losses import own_losses
from parity.train.observe import Observer
from parity.train.operations import OperationParting
from parity.train.plan import TrainingPlan, plan_of
from parity.train.ported import Port, PortedModel
from parity.train.settings import TrainingSettings
from parity.train.sides import Train, TrainingSide
from parity.train.tally import LockstepTally
from parity.train.traces import TrainingTrace
from parity.train.validation import own_predictions

Progress = Callable[[int], None]
BOTH, REFERENCE, CANDIDATE = "both", "reference", "candidate"


@dataclass(frozen=True)
class TrainOptions:
    """How to train. lockstep: iterations that are compared in everything, of `iters` in all.

    work_dir: holds those of both sides; ours is written only to `keep` it, with a
    checkpoint every `interval` iterations. resume: go on from the checkpoints there.
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
    interval: int = 0
    resume: bool = False
    port: Port | None = None
    repeat: bool = False
    precise: bool = False
    ops: bool = False
    log_at: int | None = None


@dataclass(frozen=True)
class Training:
    """What was trained, how, and what was seen.

    changes: what both sides have otherwise than the config. not_ours: what our side took
    from the reference besides the network. traces: losses and scores of each side that
    trained. classes: names of those that are scored, where they are known. begun: the
    iterations that were made before, of a resumed training. notes: what else there is to say
    of the models. judge: what excused values.
    """

    name: str
    options: TrainOptions
    changes: tuple[str, ...]
    not_ours: tuple[str, ...] = ()
    tally: LockstepTally | None = None
    traces: Mapping[str, TrainingTrace] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    begun: int = 0
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
    plan = plan_of(settings)
    if options.iters > plan.max_iters:
        told = f"{options.iters} iterations are more than the {plan.max_iters} of its schedule"
        raise InputError(f"{settings.name}: {told}; ask for fewer")
    sides = _Sides(settings, options, plan)
    torch.backends.cudnn.deterministic = True
    candidate = _side("our side", sides.candidate, sides)
    reference = _side("the reference", sides.reference, sides)
    classes, tally, judge = sides.live_source.classes(), None, None
    if options.side == BOTH:
        tally, judge = _judged(sides, candidate, reference, progress)
        if options.ops and tally.first is not None and tally.first.iteration:
            tally.operations = _operations(settings, options, tally.first.iteration)
    elif options.repeat:
        first = reference if options.side == REFERENCE else candidate
        again = sides.third if options.side == REFERENCE else sides.candidate
        twice = _side(f"{options.side}, again", again, sides)
        tally = lockstep(twice, first, progress=progress)
    else:
        run_alone(reference if options.side == REFERENCE else candidate, progress)
    named = {CANDIDATE: candidate, REFERENCE: reference}
    traces = {key: one.trace for key, one in named.items() if options.side in (BOTH, key)}
    not_ours = () if options.side == REFERENCE else _not_ours(candidate.model, plan)
    made: dict[str, Any] = {"not_ours": not_ours, "classes": classes, "begun": sides.begun}
    made |= {"judge": judge, "notes": tuple(sides.ported.notes) if sides.ported else ()}
    return Training(settings.name, options, settings.changes, tally=tally, traces=traces, **made)


class _Sides:
    """How each side trains, from its beginning or from a checkpoint of iteration `begun`."""

    def __init__(self, settings: TrainingSettings, options: TrainOptions, plan: TrainingPlan):
        self.settings, self.options, self.plan = settings, options, plan
        self.live = reference_module("training_loop")
        self.live_source = self.live.ReferenceModel(settings, options.device)
        self.source, self.ported = self.live_source, None
        if options.port is not None:
            size = plan.collate.get("size") or (64, 64)
            self.ported = self.source = PortedModel(
                self.live_source, options.port, size=size, device=options.device
            )
        self.begun = _begun(options)
        resumed = _checkpoint(options, CANDIDATE, self.begun)
        self.kept = None if resumed is None else read_checkpoint(resumed, options.device)
        self.common: dict[str, Any] = {"seed": options.seed, "iters": options.iters}
        self.common["device"] = options.device

    def candidate(self, observe: Observer) -> None:
        """Our loop, with a work directory where it is to be kept."""
        saving: dict[str, Any] = {"every": self.options.interval}
        if self.options.keep:
            journal = Journal(
                observe,
                self.options.work_dir / CANDIDATE,
                self.settings,
                seed=self.options.seed,
                iters=self.options.iters,
                begun=self.begun,
                classes=self.live_source.classes(),
            )
            observe = journal
            saving["save"] = journal.save
        given = {"observe": observe, "resumed": self.kept, **saving, **self.common}
        Loop(self.plan, self.source, **given).train()

    def reference(self, observe: Observer) -> None:
        """mmengine's Runner; resumed, it is given the generators, which it does not keep."""
        self.live.train(
            self.settings,
            work_dir=self.options.work_dir / REFERENCE,
            observe=observe,
            resumed=_checkpoint(self.options, REFERENCE, self.begun),
            states=None if self.kept is None else self.kept.generators,
            **self.common,
        )

    def third(self, observe: Observer) -> None:
        """The reference again, from the beginning; in float64 where that is asked for."""
        wide = self.options.precise
        with Float32Draws() if wide else contextlib.nullcontext():  # type: ignore[no-untyped-call]
            self.live.train(
                self.settings,
                work_dir=self.options.work_dir / "third",
                observe=observe,
                double=wide,
                **self.common,
            )

    def shows(self, name: str) -> bool:
        """Whether the reference's module `name` has a counterpart in our model."""
        return self.ported is None or name in self.ported.shown


def _judged(
    sides: _Sides, candidate: TrainingSide, reference: TrainingSide, progress: Progress
) -> tuple[LockstepTally, Float64Judge | RepeatJudge | None]:
    options = sides.options
    judge = Float64Judge() if options.precise else RepeatJudge() if options.repeat else None
    third = _side("the reference, again", sides.third, sides) if judge is not None else None
    teacher = options.teacher or options.precise
    tally = lockstep(
        candidate, reference, teacher=teacher, third=third, judge=judge, progress=progress
    )
    return tally, judge


def _operations(
    settings: TrainingSettings, options: TrainOptions, iteration: int
) -> OperationParting | None:
    """Those that part when both sides train once more, up to `iteration`."""
    with tempfile.TemporaryDirectory(prefix="parity-ops-") as folder:
        once = replace(options, ops=False, log_at=iteration, keep=False, work_dir=Path(folder))
        tally = train(settings, replace(once, resume=False)).tally
    return None if tally is None else tally.operations


def _not_ours(model: nn.Module, plan: TrainingPlan) -> tuple[str, ...]:
    return (*own_losses(model), *(own_predictions(model) if plan.validation else ()))


def _begun(options: TrainOptions) -> int:
    """The iteration to go on from: the last of which every side has a checkpoint."""
    if not options.resume:
        return 0
    sides = (REFERENCE, CANDIDATE) if options.side == BOTH else (options.side,)
    found = [kept_iterations(options.work_dir / side) for side in sides]
    return max(set.intersection(*found) & set(range(options.iters + 1)), default=0)


def _checkpoint(options: TrainOptions, side: str, begun: int) -> Path | None:
    wanted = options.side in (BOTH, side) and begun
    return options.work_dir / side / f"iter_{begun}.pth" if wanted else None


def _side(name: str, training: Train, sides: _Sides) -> TrainingSide:
    options = sides.options
    return TrainingSide(
        name,
        training,
        fully=options.lockstep if options.side == BOTH or options.repeat else 0,
        last=options.iters,
        device=options.device,
        threads=options.threads,
        begun=sides.begun,
        shows=sides.shows,
        log_at=options.log_at,
    )


def run_alone(side: TrainingSide, progress: Progress) -> None:
    """Train one side. Raises InputError for a loss that is not finite."""
    try:
        while (at := side.next()) is not None:
            if side.trace.broken:
                raise InputError(f"{side.name}, {side.trace.broken}; earlier checkpoints stay")
            progress(at.iteration)
    finally:
        side.stop()
