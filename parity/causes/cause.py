"""The contracts: what a cause is, what its detector is given, and what it may answer.

A detector answers one of three: found, with evidence; ruled out, by what; or
not to be checked, with the file that would decide it. It never guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from parity.causes.parity_results import ParityResults
from parity.errors import InputError
from parity.runs.facts import Config, Fact, Source
from parity.runs.record import Run
from parity.runs.text import quoted
from parity.runs.tree import open_regular
from parity.zoo.rows import ScoreRow

Status = Literal["documented", "measured here", "unmeasured"]
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
    """The cause is in the run. confidence: that it is there, and why; not what it costs."""

    evidence: tuple[Evidence, ...]
    confidence: Confidence
    why: str
    detail: str = ""


@dataclass(frozen=True)
class RuledOut:
    """The cause is not in the run. by: what says so."""

    by: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Unchecked:
    """Nothing in the files decides it. needs: what would."""

    why: str
    needs: str


Verdict = Found | RuledOut | Unchecked


@dataclass(frozen=True, eq=False)
class RunContext:
    """What a detector may look at.

    row: the zoo's result the run is compared with; own: the one its config is
    of. other: the run it is compared with instead. expected: the config of
    either, called `expected_name` in sentences. gap: points of mIoU, run minus
    row or other. extensions: compiled files of mmcv to read architectures from.
    Each is None or empty where there is none.
    """

    run: Run
    row: ScoreRow | None = None
    expected: Config | None = None
    gap: float | None = None
    own: ScoreRow | None = None
    other: Run | None = None
    expected_name: str = "the zoo's config"
    parity: ParityResults | None = None
    extensions: tuple[Path, ...] = ()

    def evidence(self, source: Source | None, value: object = "") -> tuple[Evidence, ...]:
        """The place as evidence, with the line's text read from its file where it is missing."""
        if source is None:
            return ()
        text = source.text or self._line(source)
        return (Evidence(source.file, source.line, text, value=str(value)),)

    def of_fact(self, fact: Fact[Any]) -> tuple[Evidence, ...]:
        """Where a fact was read."""
        return self.evidence(fact.source, fact.value)

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


@dataclass(frozen=True)
class Cause:
    """A known reason for a run's lower score.

    part_of: the cause it is one side of, so that it is not counted twice.
    step, words: the parity steps that show it (a shell pattern), and words by which their
    diagnosis names it; no words: any difference there is this cause. on_machine: equal
    steps on one machine say nothing about another. test: the cheapest test that decides.
    """

    id: str
    title: str
    mechanism: str
    effects: tuple[Effect, ...]
    fix: str
    detect: Callable[[RunContext], Verdict]
    kind: Kind = "different"
    part_of: str = ""
    step: str = ""
    words: tuple[str, ...] = ()
    on_machine: bool = False
    test: str = ""
