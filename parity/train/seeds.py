"""Trainings of one config with several seeds, and what their scores say together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parity.errors import InputError
from parity.train.asked import CANDIDATE, REFERENCE, TrainOptions, asked_for, insist_on_same
from parity.train.checkpoint import load_plain, save_whole
from parity.train.equivalence import (
    MARGIN,
    ClassEquivalence,
    Equivalence,
    by_class,
    equivalence,
    mean_iou,
)
from parity.train.judge import Float64Judge, RepeatJudge, judge_of
from parity.train.record import Progress, Training, train
from parity.train.settings import TrainingSettings
from parity.train.tally import LockstepTally
from parity.train.traces import TrainingTrace

_OUTCOME = "outcome.pth"
_TALLY: TypeAdapter[LockstepTally | None] = TypeAdapter(LockstepTally | None)
_TOLD = ("name", "changes", "not_ours", "notes", "begun", "classes")


@dataclass(frozen=True)
class Trainings:
    """One or more of the same config, each with a seed of its own. seeds: that were asked for."""

    each: tuple[Training, ...]
    margin: float = MARGIN
    seeds: tuple[int, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether every one of them is equal in every bit."""
        return not self.missing and all(training.equal for training in self.each)

    @property
    def missing(self) -> tuple[int, ...]:
        """The seeds that were not trained."""
        made = {training.options.seed for training in self.each}
        return tuple(seed for seed in self.seeds if seed not in made)

    @cached_property
    def scores(self) -> Equivalence | None:
        """Of the last mIoU of both sides, not rounded; None where they were not scored."""
        areas = self._areas()
        if areas is None:
            return None
        both = [[mean_iou(one) for one in areas[side]] for side in (CANDIDATE, REFERENCE)]
        return equivalence(*both, margin=self.margin)

    @cached_property
    def classes(self) -> tuple[ClassEquivalence, ...]:
        """Per class, over all seeds; none where they were not scored."""
        areas = self._areas()
        if areas is None:
            return ()
        return by_class(areas[CANDIDATE], areas[REFERENCE], self.each[0].classes)

    def _areas(self) -> Mapping[str, list[Any]] | None:
        found: dict[str, list[Any]] = {CANDIDATE: [], REFERENCE: []}
        for training in self.each:
            for side, kept in found.items():
                trace = training.traces.get(side)
                if trace is None or trace.areas is None:
                    return None
                kept.append(trace.areas.numpy())
        return found


def train_seeds(
    settings: TrainingSettings,
    options: TrainOptions,
    seeds: Sequence[int],
    progress: Progress = lambda _: None,
) -> tuple[Training, ...]:
    """`train` once for each of `seeds`; with several, each in a folder of its own.

    With ``options.resume`` what was over is read, and the next goes on. Ctrl-C ends them
    all, with what was compared by then. Raises InputError.
    """
    found: list[Training] = []
    for index, seed in enumerate(seeds):
        folder = options.work_dir / f"seed-{seed}" if len(seeds) > 1 else options.work_dir
        one = replace(options, seed=seed, work_dir=folder)
        file = folder / _OUTCOME
        if options.resume and file.is_file():
            found.append(_read(file, settings, one))
            continue
        file.unlink(missing_ok=True)
        try:
            found.append(train(settings, one, _from(progress, index * options.iters)))
        except KeyboardInterrupt:
            break
        if found[-1].interrupted:
            break
        if options.keep:
            _write(file, found[-1], settings)
    return tuple(found)


def _from(progress: Progress, before: int) -> Callable[[int], None]:
    return lambda iteration: progress(before + iteration)


def _write(file: Path, training: Training, settings: TrainingSettings) -> None:
    asked = asked_for(settings, training.options, recorded=True)
    traces = {side: asdict(trace) for side, trace in training.traces.items()}
    tally = None if training.tally is None else asdict(training.tally)
    content = {key: getattr(training, key) for key in _TOLD}
    content |= {"traces": traces, "tally": tally}
    content["judged"] = None if training.judge is None else dict(training.judge.largest)
    save_whole(file, {**content, "asked": asked})


def _read(file: Path, settings: TrainingSettings, options: TrainOptions) -> Training:
    kept = load_plain(file)
    try:
        insist_on_same(file, kept["asked"], asked_for(settings, options, recorded=True))
        traces = {side: TrainingTrace(**trace) for side, trace in kept["traces"].items()}
        given = {key: kept[key] for key in _TOLD}
        tally = _TALLY.validate_python(kept["tally"])
        judge = _judge(options, kept["judged"])
        return Training(options=options, tally=tally, traces=traces, judge=judge, **given)
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(f"{file}: is not what a training left: {error!r}") from error


def _judge(options: TrainOptions, kept: Any) -> Float64Judge | RepeatJudge | None:
    if kept is None:
        return None
    judge = judge_of(precise=options.precise, repeat=options.repeat)
    if isinstance(judge, Float64Judge):
        judge.largest.update(kept)
    return judge
