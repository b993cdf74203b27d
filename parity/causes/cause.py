"""The contracts: what a cause is, what its detector is given, and what it may answer.

A detector answers one of three: found, with evidence; ruled out, by evidence
that could have shown the opposite; or not checked, with the file that would
decide it. It never guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from parity.causes.parity_results import ParityResults
from parity.errors import InputError
from parity.runs.facts import Fact, Source
from parity.runs.record import Run
from parity.runs.text import quoted
from parity.runs.tree import open_regular
from parity.settings import SettingDifference, Terms
from parity.zoo.rows import ScoreRow

Status = Literal["documented", "zoo pairs", "measured here", "unmeasured"]
Confidence = Literal["certain", "likely", "possible"]
# "broken": something failed without an error. "different": a setting. "marker": no cause itself.
Kind = Literal["broken", "different", "marker"]
# A line of evidence is looked up in files up to this many lines in.
MAX_LINES = 5_000_000


@dataclass(frozen=True)
class Effect:
    """What a cause did to somebody's score. source: as in ``M#179``, see docs/causes.md.

    low, high: the change in points of mIoU where the source gives it, else None.
    metric: set where the points are of something else than mIoU.
    """

    text: str
    source: str
    status: Status = "documented"
    low: float | None = None
    high: float | None = None
    metric: str = "mIoU"

    @classmethod
    def of(cls, points: float, text: str, source: str) -> Effect:
        """What a source gives one figure for."""
        return cls(text, source, low=points, high=points)

    @classmethod
    def within(cls, points: float, text: str, source: str) -> Effect:
        """What differs by so much either way, as which side has it."""
        return cls(text, source, low=-points, high=points)


UNMEASURED = Effect("no published figure found", "", "unmeasured")


@dataclass(frozen=True)
class Evidence:
    """Where something was seen. text: the line as it stands; tensor: its key, with `value`."""

    file: str
    line: int | None = None
    text: str = ""
    tensor: str = ""
    value: str = ""


@dataclass(frozen=True)
class Found:
    """The cause is in the run. confidence: that it is there, and why; not what it costs.

    severity: 0 to 1, how much of the training it spoils. part_of: the cause it
    is one side of, where that one is found as well. kind, title, mechanism,
    effects, fix, test: where this finding is other than its cause usually is.
    """

    evidence: tuple[Evidence, ...]
    confidence: Confidence
    why: str
    detail: str = ""
    severity: float = 0.5
    part_of: str = ""
    kind: Kind | None = None
    title: str = ""
    mechanism: str = ""
    effects: tuple[Effect, ...] = ()
    fix: str = ""
    test: str = ""


@dataclass(frozen=True)
class RuledOut:
    """The cause is not in the run. by: what says so, and could have said the opposite."""

    by: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Unchecked:
    """Nothing in the files decides it. needs: what would.

    silent: the run meets what the cause needs, and it would leave no trace in
    these files; so it may explain a gap as well as anything that was found.
    """

    why: str
    needs: str
    silent: bool = False


Verdict = Found | RuledOut | Unchecked
NO_CONFIG = Unchecked(
    "the run's config could not be read", "the config that mmengine dumps into the work directory"
)
NO_ROW = Unchecked(
    "there is nothing to hold the config against",
    "the name of the zoo's config (--against NAME), with mmsegmentation installed",
)


@dataclass(frozen=True, eq=False)
class RunContext:
    """What a detector may look at.

    mine: the run's config in one set of terms. expected: that of the row or
    other run it is compared with, called `expected_name` in sentences.
    differences: between the two. row: the zoo's result; own: the one its config
    is of. other: the run it is compared with instead of a row. gap: points of
    mIoU, run minus row or other. extensions: compiled files of mmcv to read
    architectures from. Each is None or empty where there is none.
    """

    run: Run
    mine: Terms | None = None
    expected: Terms | None = None
    differences: tuple[SettingDifference, ...] = ()
    row: ScoreRow | None = None
    own: ScoreRow | None = None
    other: Run | None = None
    gap: float | None = None
    expected_name: str = "the zoo's config"
    parity: ParityResults | None = None
    extensions: tuple[Path, ...] = ()

    @property
    def row_name(self) -> str:
        """The name of the row; "" without one."""
        return self.row.name if self.row is not None else ""

    def evidence(self, source: Source | None, value: object = "") -> tuple[Evidence, ...]:
        """The place as evidence, with the line's text read from its file where it is missing."""
        if source is None:
            return ()
        text = source.text or self._line(source)
        return (Evidence(source.file, source.line, text, value=str(value)),)

    def of_fact(self, fact: Fact[Any]) -> tuple[Evidence, ...]:
        """Where a fact was read."""
        return self.evidence(fact.source, fact.value)

    def of_facts(self, *facts: Fact[Any]) -> tuple[Evidence, ...]:
        """The places of `facts`, none twice."""
        return tuple(dict.fromkeys(item for fact in facts for item in self.of_fact(fact)))

    def of_setting(self, *path: str | int) -> tuple[Evidence, ...]:
        """Where the run's config writes a setting, or the innermost thing around it."""
        if self.mine is None:
            return ()
        for length in range(len(path), 0, -1):
            item = self.mine.item(*path[:length])
            if item.place is not None:
                return self.evidence(self.mine.source(item))
        return self.evidence(Source(self.run.config.file)) if self.run.config else ()

    def differing(self, *patterns: str) -> tuple[SettingDifference, ...]:
        """The differences whose path one of the shell patterns fits."""
        return tuple(
            item
            for item in self.differences
            if any(fnmatchcase(item.path, pattern) for pattern in patterns)
        )

    def _line(self, source: Source) -> str:
        if not source.line or source.line > MAX_LINES:
            return ""
        root = self.run.path if self.run.path.is_dir() else self.run.path.parent
        try:
            with open_regular(root / source.file, inside=root) as stream:
                found = list(islice(stream, source.line - 1, source.line))
        except InputError:  # outside the run: a config of the zoo, or a console elsewhere
            return ""
        return quoted(found[0]) if found else ""


Detector = Callable[[RunContext], Verdict]
KNOWN: dict[str, Cause] = {}  # by id; filled by the decorators in known/


@dataclass(frozen=True)
class Cause:
    """A known reason for a run's lower score; as a decorator, it makes a function its detector.

    paths: the settings (shell patterns over paths in 1.x terms) whose
    difference is this cause or comes with it; when it is found, it claims them.
    step, words: the parity steps that show it (a shell pattern), and words by which their
    diagnosis names it; no words: any difference there is this cause. on_machine: equal
    steps on one machine say nothing about another. test: the cheapest test that decides.
    is_setting: its whole body is that these settings differ. seen: how it is detected.
    needs_config: its detector is also given the config's terms, and asked only where there are.
    """

    id: str
    title: str
    mechanism: str
    fix: str
    seen: str
    effects: tuple[Effect, ...] = (UNMEASURED,)
    kind: Kind = "different"
    paths: tuple[str, ...] = ()
    step: str = ""
    words: tuple[str, ...] = ()
    on_machine: bool = False
    test: str = ""
    is_setting: bool = False
    needs_config: bool = False
    detect: Detector = lambda _: NO_CONFIG  # until it decorates one

    def __call__(self, detect: Callable[..., Verdict]) -> Callable[..., Verdict]:
        """Know this cause, with its detector."""

        def of_config(context: RunContext) -> Verdict:
            return NO_CONFIG if context.mine is None else detect(context, context.mine)

        KNOWN[self.id] = replace(self, detect=of_config if self.needs_config else detect)
        return detect


@dataclass(frozen=True)
class Finding:
    """One cause, or one setting, that is in the run. evidence: where it was seen.

    part_of: the finding that it is one side of. effects: as published. group:
    what a setting is about. paths: the settings it stands for. test: the cheapest that decides.
    """

    id: str
    title: str
    mechanism: str
    kind: Kind
    confidence: Confidence
    why: str
    detail: str
    evidence: tuple[Evidence, ...]
    effects: tuple[Effect, ...]
    effect_range: tuple[float, float] | None
    fix: str
    part_of: str = ""
    severity: float = 0.5
    group: str = ""
    paths: tuple[str, ...] = ()
    test: str = ""


@dataclass(frozen=True)
class Cleared:
    """One cause that is not in the run, and by what that is known."""

    id: str
    title: str
    by: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Open:
    """One cause that the files do not decide. needs: what would. silent: see `Unchecked`."""

    id: str
    title: str
    why: str
    needs: str
    silent: bool = False


@dataclass(frozen=True)
class Examination:
    """Every cause's answer on one run. findings: most certain and most severe first."""

    findings: tuple[Finding, ...] = ()
    ruled_out: tuple[Cleared, ...] = ()
    unchecked: tuple[Open, ...] = field(default=())
