"""What one log file, or one captured console, said."""

from __future__ import annotations

from dataclasses import dataclass, field

from parity.runs.curves import Points
from parity.runs.facts import Fact, Source, Unread
from parity.runs.record import Evaluation, WeightLoad
from parity.runs.tally import Tally

# Keys of LogData.notices.
SYNC_BN, LR_SCALED, AUTO_RESUMED, PARAMWISE, NO_PRETRAINED = (
    "sync_bn",
    "lr_scaled",
    "auto_resumed",
    "paramwise",
    "no_pretrained",
)


MAX_EVALUATIONS = 20_000


@dataclass
class LogData:
    """Collected while a log is read.

    config: printed text and the number of its first line. max_iters: as the
    header of a training line says. loader_length: batches per epoch, in runs
    by epoch. images: training images found, where the log says it. exp_name:
    of the experiment, without its time stamp. notices: the first line of each
    known statement.
    """

    file: str
    logger: str = ""
    environment: dict[str, Fact[str]] = field(default_factory=dict)
    config: tuple[str, int] | None = None
    points: Points = field(init=False)
    evaluations: list[Evaluation] = field(default_factory=list)
    weights: list[WeightLoad] = field(default_factory=list)
    notices: dict[str, Source] = field(default_factory=dict)
    resumed_at: Fact[int] = field(default_factory=Fact)
    max_iters: Fact[int] = field(default_factory=Fact)
    loader_length: Fact[int] = field(default_factory=Fact)
    images: Fact[int] = field(default_factory=Fact)
    exp_name: Fact[str] = field(default_factory=Fact)
    tally: Tally = field(init=False)
    unread: list[Unread] = field(default_factory=list)
    more_evaluations: int | None = None

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Keep `evaluation`, unless there are absurdly many."""
        if len(self.evaluations) < MAX_EVALUATIONS:
            self.evaluations.append(evaluation)
        elif self.more_evaluations is None:
            self.more_evaluations = evaluation.source.line or 0

    def finish(self) -> LogData:
        """Itself, with what did not fit listed as unread."""
        if self.more_evaluations is not None:
            reason = f"more than {MAX_EVALUATIONS} evaluations; the rest is left out"
            self.unread.append(Unread(self.file, reason, self.more_evaluations or None))
        if self.points.overflow:
            self.unread.append(Unread(self.file, "more names or values than are kept of one file"))
        return self

    def __post_init__(self) -> None:
        self.points = Points(self.file)
        self.tally = Tally(self.file)
