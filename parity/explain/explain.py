"""Why a run scores lower: every cause tried, what was found ranked, the gap judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from parity.causes.catalogue import all_causes
from parity.causes.cause import (
    Cause,
    Confidence,
    Effect,
    Evidence,
    Found,
    Kind,
    RuledOut,
    RunContext,
    Unchecked,
)
from parity.causes.examine import examine
from parity.causes.parity_results import ParityResults
from parity.compare.exhibit.records import Curve
from parity.errors import InputError
from parity.explain.advice import Inseparable, inseparable, next_test
from parity.explain.compare_runs import RunComparison, compare_runs
from parity.explain.noise import NoiseVerdict, judge
from parity.explain.row import Choice, choose
from parity.explain.scored import notes_of, score_curve
from parity.runs.facts import Unread
from parity.runs.record import Run, Score
from parity.zoo.rows import ScoreRow

FORMAT = 1
Status = Literal["within noise", "explained", "unexplained", "no gap"]
_CONFIDENCE: dict[Confidence, int] = {"certain": 0, "likely": 1, "possible": 2}
_KIND: dict[Kind, int] = {"broken": 0, "different": 1, "marker": 2}


@dataclass(frozen=True)
class Finding:
    """One cause that is in the run. evidence: where it was seen.

    part_of: the finding that it is one side of. effects: as published.
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


@dataclass(frozen=True)
class Cleared:
    """One cause that is not in the run, and by what that is known."""

    id: str
    title: str
    by: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Open:
    """One cause that the files do not decide. needs: what would."""

    id: str
    title: str
    why: str
    needs: str


@dataclass(frozen=True)
class Explanation:
    """The answer. gap: points of mIoU, the run's last score minus the row's or other run's.

    findings: most certain and most severe first. inseparable: findings whose
    shares of the gap the files do not tell apart. curve: the score over the
    training, beside the row's.
    """

    run: str
    path: str
    status: Status
    last: Score | None
    best: Score | None
    row: ScoreRow | None
    row_reason: str
    near: tuple[ScoreRow, ...]
    gap: float | None
    noise: NoiseVerdict | None
    findings: tuple[Finding, ...]
    ruled_out: tuple[Cleared, ...]
    unchecked: tuple[Open, ...]
    inseparable: tuple[Inseparable, ...]
    next_test: str
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    comparison: RunComparison | None = None
    curve: Curve | None = None
    format: int = FORMAT

    @property
    def cause_ids(self) -> tuple[str, ...]:
        """The findings that count as causes, in order: neither markers nor parts."""
        return causes_among(self.findings, self.gap)

    @property
    def verdict(self) -> str:
        """In a few words, e.g. ``explained: dead-kernel, effective-batch``."""
        listed = ", ".join(self.cause_ids)
        if self.status == "explained" or (self.status == "no gap" and listed):
            return f"{self.status}: {listed}"
        return self.status


def explain(
    run: Run,
    *,
    against: str | Run = "",
    parity: ParityResults | None = None,
    extensions: Sequence[Path] = (),
) -> Explanation:
    """Try every cause on `run`. against: a zoo result's name, another run, or "" to find the row.

    Raises InputError for an unknown name, or a run that holds nothing to explain.
    """
    if not run.segments and not run.scores and not run.checkpoints and not run.console:
        raise InputError(
            f"{run.path}: holds no log, score, checkpoint or console of a training run"
        )
    if isinstance(against, Run):
        choice = Choice(None, f"the run {against.name}{_last(against)}")
        context = _against_run(run, against)
    else:
        choice = choose(run, against)
        context = _against_row(run, choice)
    context = replace(context, parity=parity, extensions=tuple(extensions))
    return _answer(context, choice)


def _last(run: Run) -> str:
    """The last score with its iteration, where there is one."""
    if run.last is None:
        return ", which has no score"
    at = "" if run.last.step is None else f" at iteration {run.last.step}"
    return f", last score {run.last.value:.2f} mIoU{at}"


def _against_row(run: Run, choice: Choice) -> RunContext:
    gap = None
    if choice.row is not None and run.last is not None:
        gap = run.last.value - choice.row.miou
    return RunContext(run, choice.row, choice.config, gap, choice.own)


def _against_run(run: Run, other: Run) -> RunContext:
    gap = None
    if run.last is not None and other.last is not None:
        gap = run.last.value - other.last.value
    name = "the other run's config"
    return RunContext(run, None, other.config, gap, other=other, expected_name=name)


def _answer(context: RunContext, choice: Choice) -> Explanation:
    run = context.run
    gap = context.gap if context.gap == context.gap else None  # a score of NaN has no gap
    context = replace(context, gap=gap)
    verdicts = [(cause, examine(cause, context)) for cause in all_causes()]
    findings = rank([_finding(c, v) for c, v in verdicts if isinstance(v, Found)])
    noise = None if gap is None else judge(gap)
    opened = tuple(
        Open(c.id, c.title, v.why, v.needs) for c, v in verdicts if isinstance(v, Unchecked)
    )
    ids = causes_among(findings, gap)
    by_checkpoint = any(e.tensor for f in findings if f.id == "dead-kernel" for e in f.evidence)
    unchecked_ids = tuple(item.id for item in opened)
    return Explanation(
        run=run.name,
        path=str(run.path),
        status=_status(noise, ids),
        last=run.last,
        best=run.best,
        row=choice.row,
        row_reason=choice.reason,
        near=choice.near,
        gap=gap,
        noise=noise,
        findings=findings,
        ruled_out=tuple(
            Cleared(c.id, c.title, v.by, v.evidence) for c, v in verdicts if isinstance(v, RuledOut)
        ),
        unchecked=opened,
        inseparable=inseparable(ids, unchecked_ids, by_checkpoint=by_checkpoint),
        next_test=next_test(
            ids,
            unchecked_ids,
            by_checkpoint=by_checkpoint,
            row=choice.row,
            beside_run=context.other is not None,
        ),
        unread=run.unread,
        notes=notes_of(context),
        comparison=compare_runs(run, context.other) if context.other is not None else None,
        curve=score_curve(run, choice.row),
    )


def rank(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Most certain first; then what broke before what was set; then by documented effect."""

    def key(item: Finding) -> tuple[bool, bool, int, int, float, str]:
        size = max(map(abs, item.effect_range)) if item.effect_range else 0.0
        confidence, kind = _CONFIDENCE[item.confidence], _KIND[item.kind]
        return item.kind == "marker", bool(item.part_of), confidence, kind, -size, item.id

    return tuple(sorted(findings, key=key))


def _finding(cause: Cause, found: Found) -> Finding:
    known = [
        e for e in cause.effects if e.metric == "mIoU" and e.low is not None and e.high is not None
    ]
    span = None
    if known:
        span = (
            min(e.low for e in known if e.low is not None),
            max(e.high for e in known if e.high is not None),
        )
    return Finding(
        cause.id,
        cause.title,
        cause.mechanism,
        cause.kind,
        found.confidence,
        found.why,
        found.detail,
        found.evidence,
        cause.effects,
        span,
        cause.fix,
        cause.part_of,
    )


def causes_among(findings: Sequence[Finding], gap: float | None) -> tuple[str, ...]:
    """Findings that may explain `gap`: no markers, no parts; of a run above, only what raises."""
    above = gap is not None and gap > 0
    return tuple(
        f.id
        for f in findings
        if f.kind != "marker"
        and not f.part_of
        and (not above or (f.effect_range is not None and f.effect_range[1] > 0))
    )


def _status(noise: NoiseVerdict | None, ids: tuple[str, ...]) -> Status:
    if noise is None:
        return "no gap"
    if not noise.outside:
        return "within noise"
    return "explained" if ids else "unexplained"
