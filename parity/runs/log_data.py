"""What one log file, or one captured console, said; equal lines take the room of one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from parity.runs.curves import Points
from parity.runs.facts import Config, Fact, Source, Unread
from parity.runs.record import Evaluation, Message, WeightLoad

MAX_GROUPS = 200
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")


@dataclass
class _Group:
    kind: str
    line: int
    text: str
    count: int
    last_line: int


class LineTally:
    """Groups the lines of one file by kind and by text, numbers aside."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._groups: dict[tuple[str, str], _Group] = {}

    def add(self, kind: str, line: int, text: str, *, count: int = 1, last_line: int = 0) -> None:
        """Count `text`, first seen in `line`; beyond MAX_GROUPS texts all join "and others"."""
        key = (kind, _VARIABLE.sub("#", text))
        if key not in self._groups and len(self._groups) >= MAX_GROUPS:
            key, text = (kind, ""), f"{text} (and others)"
        group = self._groups.setdefault(key, _Group(kind, line, text, 0, line))
        group.count += count
        group.last_line = max(group.last_line, last_line or line)

    def messages(self) -> tuple[Message, ...]:
        """One record per group, in order of first appearance."""
        ordered = sorted(self._groups.values(), key=lambda group: group.line)
        return tuple(
            Message(item.kind, Source(self._file, item.line, item.text), item.count, item.last_line)
            for item in ordered
        )


# Keys of LogData.notices.
SYNC_BN, LR_SCALED = "sync_bn", "lr_scaled"
NOTICES = {
    "Distributed training is not used, all SyncBatchNorm": SYNC_BN,
    "LR is set based on batch size of": LR_SCALED,
    "Auto resumed from": "auto_resumed",
    "paramwise_options -- ": "paramwise",
    "No pre-trained weights for": "no_pretrained",
}


MAX_EVALUATIONS = 20_000


@dataclass(frozen=True)
class PrintedConfig:
    """A config as a log prints it. line: its first; own_lines: False where JSON holds it in one."""

    text: str
    line: int
    own_lines: bool = True


@dataclass
class LogData:
    """Collected while a log is read.

    max_iters: as the header of a training line says. loader_length: batches per
    epoch, in runs by epoch. images: of each data set that was loaded, in order.
    exp_name: of the experiment, without its time stamp. notices: the first line
    of each known statement. counts_only: evaluations count batches with no total
    beside them, as mmcv 0.x prints them.
    """

    file: str
    logger: str = ""
    environment: dict[str, Fact[str]] = field(default_factory=dict)
    config: PrintedConfig | None = None
    points: Points = field(init=False)
    evaluations: list[Evaluation] = field(default_factory=list)
    weights: list[WeightLoad] = field(default_factory=list)
    notices: dict[str, Source] = field(default_factory=dict)
    resumed_at: Fact[int] = field(default_factory=Fact)
    max_iters: Fact[int] = field(default_factory=Fact)
    loader_length: Fact[int] = field(default_factory=Fact)
    images: list[Fact[int]] = field(default_factory=list)
    exp_name: Fact[str] = field(default_factory=Fact)
    tally: LineTally = field(init=False)
    unread: list[Unread] = field(default_factory=list)
    more_evaluations: int | None = None
    counts_only: bool = False

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Keep `evaluation`, unless there are absurdly many."""
        if len(self.evaluations) < MAX_EVALUATIONS:
            self.evaluations.append(evaluation)
        elif self.more_evaluations is None:
            self.more_evaluations = evaluation.source.line or 0

    def add_in_percent(self, evaluations: Iterable[Evaluation]) -> None:
        """Keep those of one table, which has one unit: fractions only where no score is larger."""
        found = list(evaluations)
        scale = percent_scale([value for item in found for value in item.metrics.values()])
        for item in found:
            self.add_evaluation(item.times(scale))

    def finish(self) -> LogData:
        """Itself, with what did not fit listed as unread."""
        if self.counts_only:
            self.evaluations = counted(self.evaluations)
        if self.more_evaluations is not None:
            reason = f"more than {MAX_EVALUATIONS} evaluations; the rest is left out"
            self.unread.append(Unread(self.file, reason, self.more_evaluations or None))
        if self.points.overflow:
            self.unread.append(Unread(self.file, "more names or values than are kept of one file"))
        return self

    def __post_init__(self) -> None:
        self.points = Points(self.file)
        self.tally = LineTally(self.file)


def percent_scale(metrics: Iterable[float]) -> float:
    """100 when all `metrics` read as fractions, else 1: mmcv 0.x logs fractions."""
    finite = [value for value in metrics if math.isfinite(value)]
    return 100.0 if finite and max(finite) <= 1.0 else 1.0


def counted(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Evaluations of mmcv 0.x, their counts kept where they can be batches.

    Early versions wrote the iteration trained there: it grows from one
    evaluation to the next, or is the one logged last.
    """
    counts = {item.samples for item in evaluations} - {None}
    if len(counts) > 1:
        return [replace(e, samples=None, step=e.samples or e.step) for e in evaluations]
    if len(evaluations) == 1 and evaluations[0].step in counts:
        return [replace(evaluations[0], samples=None)]
    return list(evaluations)


# Between the lines of a block, CUDA code may print its failures (see console.py).
_VALUE = re.compile(r" {0,4}(?! )(?!error in )([A-Za-z_][\w .,/()-]*?): (.*)")


def environment_of(
    text: str, file: str, line: int, *, own_lines: bool = True
) -> dict[str, Fact[str]]:
    """The values in `text`, whose first line is number `line` of `file`.

    own_lines: whether its lines are lines of the file. JSON holds a block in one.
    """
    found: dict[str, Fact[str]] = {}
    name = ""
    for offset, written in enumerate(text.split("\n")):
        if written.startswith("-----") and found:
            break
        match = _VALUE.fullmatch(written)
        if match is not None:
            name = match[1]
            quote = written.strip()[:300]
            source = Source(file, line + offset, quote) if own_lines else Source(file, line)
            found[name] = Fact(match[2].strip(), source)
        elif written.startswith("  - ") and name:  # how torch was built
            found[name] = replace(found[name], value=f"{found[name].value}\n{written.strip()}")
    return found


_GPUS = re.compile(r"GPU (\d{1,3}(?:,\d{1,3})*)")


def processes_of(config: Config | None, environment: Mapping[str, Fact[str]]) -> Fact[int]:
    """As mmengine logs it, as mmseg 0.x writes it into its config, or as follows from the log.

    mmseg 0.x logs no number; its config is printed with ``gpu_ids`` of all processes.
    """
    stated = environment.get("GPU number", Fact[str]())
    if re.fullmatch(r"[0-9]{1,6}", stated.value or ""):
        return Fact(int(stated.value or 0), stated.source)
    gpus = Fact[object]() if config is None else config.fact("gpu_ids")
    if isinstance(gpus.value, (list, tuple, range)) and len(gpus.value):
        return Fact(len(gpus.value), gpus.source, "length of gpu_ids")
    return _by_log(environment)


def _by_log(environment: Mapping[str, Fact[str]]) -> Fact[int]:
    distributed = environment.get("Distributed training", Fact[str]())
    if distributed.value == "False":
        return Fact(1, distributed.source, "the log says that the training was not distributed")
    visible = [match[1] for name in environment if (match := _GPUS.fullmatch(name))]
    if distributed.value == "True" and visible:
        count = sum(len(names.split(",")) for names in visible)
        note = f"{count} GPUs were visible to a distributed training; the log does not say how "
        return Fact(count, environment[f"GPU {visible[0]}"].source, f"{note}many of them took part")
    return Fact(note="neither the log nor a config says how many processes trained")
