"""What came of a training, of one side or of both."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from parity.errors import InputError
from parity.live import reference_module
from parity.train.asked import BOTH, CANDIDATE, REFERENCE, TrainOptions, asked_for, insist_on_same
from parity.train.checkpoint import kept_iterations, meta_of, read_checkpoint
from parity.train.data import InfiniteOrder
from parity.train.journal import Journal
from parity.train.judge import Float32Draws, Float64Judge, RepeatJudge, judge_of
from parity.train.lockstep import lockstep
from parity.train.loop import Loop, Model
from parity.train.losses import own_losses
from parity.train.observe import Observer
from parity.train.operations import OperationParting
from parity.train.plan import TrainingPlan, plan_of
from parity.train.ported import PortedModel
from parity.train.settings import TrainingSettings
from parity.train.sides import Train, TrainingSide, run_alone
from parity.train.tally import LockstepTally
from parity.train.traces import INTERRUPTED, TrainingTrace
from parity.train.validation import own_predictions

Progress = Callable[[int], None]


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
        if self.tally is None or self.interrupted:
            return False
        return self.tally.first is None and self.tally.iterations > 0

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        reasons = [trace.broken for trace in self.traces.values()]
        return INTERRUPTED in (*reasons, "" if self.tally is None else self.tally.stopped)


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
    made = Training(
        settings.name, options, settings.changes, classes=sides.classes, begun=sides.begun
    )
    made = _trained(made, sides, progress)
    tally = made.tally
    first = None if tally is None or made.interrupted else tally.first
    if options.ops and tally is not None and first is not None and first.iteration:
        tally.operations = _operations(settings, options, first.iteration)
    return replace(made, notes=() if sides.ported is None else tuple(sides.ported.notes))


def _trained(made: Training, sides: _Sides, progress: Progress) -> Training:
    """`made` with what came of the sides that its options ask for."""
    options = made.options
    if options.side == BOTH:
        return _compared(made, sides, progress)
    ours, tally = options.side == CANDIDATE, None
    one = sides.candidate() if ours else sides.reference()
    if options.repeat:
        tally = lockstep(sides.again() if ours else sides.third(), one, progress=progress)
    else:
        run_alone(one, progress)
    not_ours = _not_ours(one.model, sides.plan) if ours else ()
    return replace(made, not_ours=not_ours, tally=tally, traces={options.side: one.trace})


def _compared(made: Training, sides: _Sides, progress: Progress) -> Training:
    options, candidate, reference = made.options, sides.candidate(), sides.reference()
    judge = judge_of(precise=options.precise, repeat=options.repeat)
    tally = lockstep(
        candidate,
        reference,
        teacher=options.teacher or options.precise,
        third=sides.third() if judge is not None else None,
        judge=judge,
        progress=progress,
    )
    not_ours = _not_ours(candidate.model, sides.plan)
    traces = {CANDIDATE: candidate.trace, REFERENCE: reference.trace}
    return replace(made, not_ours=not_ours, tally=tally, judge=judge, traces=traces)


def _operations(
    settings: TrainingSettings, options: TrainOptions, iteration: int
) -> OperationParting | None:
    """Those that part when both sides train once more, up to `iteration`."""
    with tempfile.TemporaryDirectory(prefix="parity-ops-") as folder:
        once = replace(options, ops=False, log_at=iteration, keep=False, work_dir=Path(folder))
        tally = train(settings, once).tally
    return None if tally is None else tally.operations


class _Sides:
    """How each side trains, from its beginning or from a checkpoint of iteration `begun`."""

    def __init__(self, settings: TrainingSettings, options: TrainOptions, plan: TrainingPlan):
        self.settings, self.options, self.plan = settings, options, plan
        self.live = reference_module("training_loop")
        model = self.live.ReferenceModel(settings, options.device)
        self.classes: tuple[str, ...] = model.classes()
        self.ported = None if options.port is None else _ported(model, options, plan)
        self.model: Model = model if self.ported is None else self.ported
        self.begun = _begun(options)
        self.asked = asked_for(settings, options)
        self._insist()
        resumed = _checkpoint(options, CANDIDATE, self.begun)
        self.kept = None if resumed is None else read_checkpoint(resumed, options.device)
        self.common: dict[str, Any] = {"seed": options.seed, "iters": options.iters}
        self.common["device"] = options.device

    def _insist(self) -> None:
        """Raises InputError where a checkpoint to go on from is of another training.

        Or of one whose order of the data begins anew: the Runner does not go on within it.
        """
        if self.begun and self.plan.order is not InfiniteOrder:
            raise InputError(
                f"{self.options.work_dir}: only with InfiniteSampler a training is gone on with; "
                "remove this folder, and it is trained from its beginning"
            )
        for side in (REFERENCE, CANDIDATE):
            file = _checkpoint(self.options, side, self.begun)
            if file is not None:
                with self.live.mmengine_checkpoints():
                    insist_on_same(file, meta_of(file).get("asked"), self.asked)

    def candidate(self) -> TrainingSide:
        """Our loop, with a work directory where it is to be kept."""
        return _side("our side", self._ours, self.options, self.begun)

    def again(self) -> TrainingSide:
        """Our loop once more, without one."""
        alone = partial(self._ours, keep=False)
        return _side("our side, again", alone, self.options, self.begun)

    def reference(self) -> TrainingSide:
        """mmengine's Runner."""
        return self._showing(_side("the reference", self._theirs, self.options, self.begun))

    def third(self) -> TrainingSide:
        """mmengine's Runner once more, in float64 where that is what judges."""
        side = _side("the reference, again", self._theirs_again, self.options, self.begun)
        return self._showing(side)

    def _showing(self, side: TrainingSide) -> TrainingSide:
        ported = self.ported
        if ported is not None:
            side.shows = lambda name: name in ported.shown
        return side

    def _ours(self, observe: Observer, *, keep: bool = True) -> None:
        saving: dict[str, Any] = {"every": self.options.interval}
        if self.options.keep and keep:
            journal = Journal(
                observe,
                self.options.work_dir / CANDIDATE,
                self.settings,
                seed=self.options.seed,
                iters=self.options.iters,
                begun=self.begun,
                classes=self.classes,
                asked=self.asked,
            )
            observe = journal
            saving["save"] = journal.save
        given = {"observe": observe, "resumed": self.kept, **saving, **self.common}
        Loop(self.plan, self.model, **given).train()

    def _theirs(self, observe: Observer, *, folder: str = REFERENCE, **options: Any) -> None:
        """Resumed, it is given the generators, which mmengine does not keep."""
        self.live.train(
            self.settings,
            work_dir=self.options.work_dir / folder,
            observe=observe,
            resumed=_checkpoint(self.options, REFERENCE, self.begun),
            states=None if self.kept is None else self.kept.generators,
            asked=self.asked,
            **options,
            **self.common,
        )

    def _theirs_again(self, observe: Observer) -> None:
        wide = self.options.precise
        with Float32Draws() if wide else contextlib.nullcontext():  # type: ignore[no-untyped-call]
            self._theirs(observe, folder="third", double=wide)


def _ported(model: Model, options: TrainOptions, plan: TrainingPlan) -> PortedModel:
    assert options.port is not None
    size = plan.collate.get("size") or (64, 64)
    return PortedModel(model, options.port, size=size, device=options.device)


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


def _side(name: str, training: Train, options: TrainOptions, begun: int) -> TrainingSide:
    return TrainingSide(
        name,
        training,
        fully=options.lockstep if options.side == BOTH or options.repeat else 0,
        last=options.iters,
        device=options.device,
        threads=options.threads,
        begun=begun,
        log_at=options.log_at,
    )
