"""Trainings side by side as JSON, for programs, with a format number and a schema."""

import json
from dataclasses import asdict, dataclass
from typing import Final, Literal

from parity import __version__
from parity.report.json import plain, schema_of
from parity.report.training import score_verdict, verdict
from parity.train.asked import BOTH
from parity.train.equivalence import ClassEquivalence, Equivalence
from parity.train.operations import OperationParting
from parity.train.record import Training
from parity.train.seeds import Trainings
from parity.train.tally import Count, LockstepTally, Parting
from parity.train.traces import TrainingTrace

# Raised whenever a field changes its name, type or meaning, or is taken away.
FORMAT: Final = 3


@dataclass(frozen=True)
class AskedEntry:
    """How both sides trained; see the options of the command. model: of --model."""

    side: Literal["both", "reference", "candidate"]
    lockstep: int
    iters: int
    interval: int
    device: str
    threads: int
    teacher: bool
    repeat: bool
    precise: bool
    ops: bool
    resume: bool
    model: str | None


@dataclass(frozen=True)
class TraceEntry:
    """What one side made. losses: by term, at `iterations`. scores: by iteration and name."""

    iterations: tuple[int, ...]
    losses: dict[str, tuple[float, ...]]
    scores: dict[str, dict[str, float]]


@dataclass(frozen=True)
class TrainingEntry:
    """The training with one seed. begun: iterations that were made before it was gone on with.

    From `equal` on: what came of the comparison, with "not compared" as its verdict and
    nothing else where there was none. counts: by quantity. first: the first value that
    differs. operations: the first that part. ratios: largest distance to float64 over the
    reference's own, by quantity. stopped: why it ended early.
    """

    seed: int
    begun: int
    sides: dict[str, TraceEntry]
    verdict: str
    equal: bool | None
    iterations: int
    counts: dict[str, Count]
    first: Parting | None
    operations: OperationParting | None
    ratios: dict[str, float]
    stopped: str


@dataclass(frozen=True)
class ScoresEntry(Equivalence):
    """The last mIoU of both sides, seed by seed. told: the verdict in words."""

    told: str


@dataclass(frozen=True)
class TrainingDocument:
    """What training.json holds. equal, scores: None where one side trained alone."""

    format: Literal[3]
    parity: str
    config: str
    options: AskedEntry
    changes: tuple[str, ...]
    not_ours: tuple[str, ...]
    notes: tuple[str, ...]
    trainings: tuple[TrainingEntry, ...]
    equal: bool | None
    scores: ScoresEntry | None
    classes: tuple[ClassEquivalence, ...]


def render_training_json(found: Trainings) -> str:
    """Every field; numbers that JSON lacks are the strings nan, inf and -inf."""
    return json.dumps(plain(_document(found)), indent=2, allow_nan=False) + "\n"


def render_training_schema() -> str:
    """The JSON schema, as published in ``training_schema.json``."""
    return schema_of(TrainingDocument, f"mmseg-parity-training-{FORMAT}")


def _document(found: Trainings) -> TrainingDocument:
    first = found.each[0]
    both, scores = first.options.side == BOTH, found.scores
    told = {} if scores is None else {**asdict(scores), "told": score_verdict(scores)}
    return TrainingDocument(
        format=FORMAT,
        parity=__version__,
        config=first.name,
        options=_asked(first),
        changes=first.changes,
        not_ours=first.not_ours,
        notes=first.notes,
        trainings=tuple(map(_entry, found.each)),
        equal=found.equal if both else None,
        scores=ScoresEntry(**told) if told else None,
        classes=found.classes,
    )


def _asked(training: Training) -> AskedEntry:
    options, port = training.options, training.options.port
    same = {key: getattr(options, key) for key in AskedEntry.__annotations__ if key != "model"}
    return AskedEntry(**same, model=None if port is None else port.text)


def _entry(training: Training) -> TrainingEntry:
    compared, judge = training.tally is not None, training.judge
    return TrainingEntry(
        seed=training.options.seed,
        begun=training.begun,
        sides={side: _trace(trace) for side, trace in training.traces.items()},
        verdict=verdict(training),
        equal=training.equal if compared else None,
        ratios={} if judge is None else dict(judge.largest),
        **vars(training.tally or LockstepTally()),
    )


def _trace(trace: TrainingTrace) -> TraceEntry:
    return TraceEntry(
        tuple(trace.steps),
        {name: tuple(line) for name, line in trace.losses.items()},
        {
            str(at): {name: value for name, value in scores.items() if name != "areas"}
            for at, scores in trace.scores.items()
        },
    )
