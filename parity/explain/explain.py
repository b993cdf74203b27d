"""Why a run scores lower: what it may be compared with, every cause tried, the gap judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from parity.causes.cause import Cleared, Examination, Finding, Open, RunContext
from parity.causes.examine import SETTING, examine_all
from parity.causes.parity_results import ParityResults
from parity.check.exhibit.records import Series
from parity.errors import InputError
from parity.explain.advice import (
    Inseparable,
    Status,
    causes_among,
    inseparable,
    judged,
    leading,
    next_test,
)
from parity.explain.comparable import Incomparable, figure, incomparable, notes_of, score_curve
from parity.explain.compare_runs import RunComparison, compare_runs
from parity.explain.row import Choice, alone, beside_row, beside_run, choose, terms_of_run
from parity.runs.facts import Unread
from parity.runs.record import Run, Score
from parity.zoo.noise import NoiseVerdict, judge
from parity.zoo.rows import ScoreRow

FORMAT = 2


@dataclass(frozen=True)
class Judgement:
    """The answer. gap: points of mIoU, the run's last score minus the row's or other run's.

    reasons: why the run is not comparable; then there is no gap. findings: most
    certain and most severe first. beside: what is broken in the other run.
    not_excluded: not checked, and as likely as what was found. inseparable:
    findings whose shares of the gap the files do not tell apart. curve: the
    score over the training, beside the row's. signature: how the score was made.
    """

    run: str
    path: str
    status: Status
    reasons: tuple[str, ...]
    last: Score | None
    best: Score | None
    row: ScoreRow | None
    row_reason: str
    near: tuple[ScoreRow, ...]
    rivals: tuple[ScoreRow, ...]
    gap: float | None
    noise: NoiseVerdict | None
    findings: tuple[Finding, ...]
    beside: tuple[Finding, ...]
    ruled_out: tuple[Cleared, ...]
    unchecked: tuple[Open, ...]
    not_excluded: tuple[str, ...]
    inseparable: tuple[Inseparable, ...]
    next_test: str
    signature: str = ""
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    comparison: RunComparison | None = None
    curve: Series | None = None
    format: int = FORMAT

    @property
    def cause_ids(self) -> tuple[str, ...]:
        """The findings that count as causes, in order: neither markers nor parts."""
        twin = self.comparison is not None
        return causes_among(self.findings, self.gap, twin=twin)

    @property
    def lead(self) -> Finding | None:
        """What is certainly broken, and so leads the answer whatever the gap."""
        return leading(self.findings)

    @property
    def verdict(self) -> str:
        """In a few words, e.g. ``explained: dead-kernel, effective-batch``."""
        there = self.comparison.there if self.comparison is not None else ""
        listed = [*self.cause_ids, *(f"{item.id} in {there}" for item in self.beside)]
        if self.status == "not settled":
            parts = [f"found {', '.join(listed)}"] if listed else []
            parts += [f"not excluded {', '.join(self.not_excluded)}"] if self.not_excluded else []
            return f"{self.status}: {'; '.join(parts)}" if parts else self.status
        if listed and self.status in ("explained", "no gap", "not comparable"):
            return f"{self.status}: {', '.join(listed)}" if self.status == "explained" else (
                f"{self.status}; found {', '.join(listed)}"
            )  # fmt: skip
        return self.status


def explain(
    run: Run,
    *,
    against: str | Run = "",
    parity: ParityResults | None = None,
    extensions: Sequence[Path] = (),
) -> Judgement:
    """Try every cause on `run`. against: a zoo result's name, another run, or "" to find the row.

    Raises InputError for an unknown name, or a run that holds nothing to explain.
    """
    if not run.segments and not run.scores and not run.checkpoints and not run.console:
        raise InputError(
            f"{run.path}: holds no log, score, checkpoint or console of a training run"
        )
    scope = run.settings.scope.value
    if scope is not None and scope != "mmseg":
        return _foreign(run, scope)
    mine = terms_of_run(run)
    if isinstance(against, Run):
        choice = Choice(None, f"the run {against.name}{_last(against)}")
        context = beside_run(run, mine, against)
    else:
        choice = choose(run, against, mine)
        context = beside_row(run, mine, choice)
    context = replace(context, parity=parity, extensions=tuple(extensions))
    return _answer(context, choice, incomparable(context))


def _last(run: Run) -> str:
    """The last score with its iteration, where there is one."""
    if run.last is None:
        return ", which has no score"
    at = "" if run.last.step is None else f" at iteration {run.last.step}"
    return f", last score {run.last.value:.2f} mIoU{at}"


def _foreign(run: Run, scope: str) -> Judgement:
    """A run of another project than mmsegmentation: said, and left."""
    reason = f"a run of {scope}, not of mmsegmentation; its scores are of another kind"
    reasons = (Incomparable(reason),)
    found = _assembled(RunContext(run), Choice(None, reason), reasons, Examination())
    test = f"give a work directory of mmsegmentation; {scope} has its own tools"
    return replace(found, next_test=test)


def _answer(context: RunContext, choice: Choice, reasons: tuple[Incomparable, ...]) -> Judgement:
    context = replace(context, gap=None if reasons else _gap(context))
    if reasons:
        found = _with_reasons(examine_all(alone(context)), examine_all(context), reasons)
    else:
        found = examine_all(context)
    return _assembled(context, choice, reasons, found)


def _gap(context: RunContext) -> float | None:
    """Points of mIoU; None where a side has no score, or one that is no number."""
    last = context.run.last
    theirs = None
    if context.row is not None:
        theirs = figure(context.run, context.row)
    elif context.other is not None and context.other.last is not None:
        theirs = context.other.last.value
    if last is None or theirs is None:
        return None
    gap = last.value - theirs
    return gap if gap == gap else None  # noqa: PLR0124 - a score of NaN has no gap


def _with_reasons(
    found: Examination, compared: Examination, reasons: tuple[Incomparable, ...]
) -> Examination:
    """What shows without a comparison, and the settings that forbid one."""
    paths = {path for item in reasons for path in item.paths}
    named = [
        replace(item, kind="marker")
        for item in compared.findings
        if item.id == "wrong-row"
        or (item.id.startswith(SETTING) and paths.intersection(item.paths))
    ]
    return replace(found, findings=(*found.findings, *named))


def _assembled(
    context: RunContext, choice: Choice, reasons: tuple[Incomparable, ...], found: Examination
) -> Judgement:
    run, gap, twin = context.run, context.gap, context.other is not None
    noise = None if gap is None else judge(gap, zoo=not twin)
    beside = _broken_beside(context) if twin else ()
    # What breaks silently can only lower a score; between two runs either may be the broken.
    lowers = twin or gap is None or gap < 0
    silent = tuple(item for item in found.unchecked if item.silent and lowers)
    ids = causes_among(found.findings, gap, twin=twin)
    status = judged(noise, found.findings, silent, beside, comparable=not reasons, twin=twin)
    silent = () if status in ("within noise", "explained") else silent
    names = tuple(item.id for item in silent)
    return Judgement(
        run=run.name,
        path=str(run.path),
        status=status,
        reasons=tuple(item.reason for item in reasons),
        last=run.last,
        best=run.best,
        row=choice.row,
        row_reason=choice.reason,
        near=choice.near,
        rivals=choice.rivals,
        gap=gap,
        noise=noise,
        findings=found.findings,
        beside=beside,
        ruled_out=found.ruled_out,
        unchecked=found.unchecked,
        not_excluded=names,
        inseparable=() if reasons else inseparable(ids, names, by_checkpoint=_by_checkpoint(found)),
        next_test=_next(status, found, ids, silent, context),
        signature=run.last.signature if run.last is not None else "",
        unread=run.unread,
        notes=notes_of(context),
        comparison=compare_runs(context) if context.other is not None else None,
        curve=score_curve(run, None if reasons else choice.row),
    )


def _by_checkpoint(found: Examination) -> bool:
    """Whether tensors show that the kernel was dead."""
    return any(e.tensor for f in found.findings if f.id == "dead-kernel" for e in f.evidence)


def _next(
    status: Status,
    found: Examination,
    ids: tuple[str, ...],
    silent: tuple[Open, ...],
    context: RunContext,
) -> str:
    if status == "within noise" and leading(found.findings) is None:
        return "none: the run ended where its config does"
    if status == "not comparable" and not ids:
        return (
            "name what the run may be compared with, a row of its own data set and model or a run "
            "like it (--against)"
        )
    return next_test(
        found.findings,
        ids,
        silent,
        by_checkpoint=_by_checkpoint(found),
        row=context.row if status != "not comparable" else None,
        beside_run=context.other is not None,
    )


def _broken_beside(context: RunContext) -> tuple[Finding, ...]:
    """What is broken in the other run by itself, and not in this one."""
    assert context.other is not None
    there = examine_all(RunContext(context.other, context.expected)).findings
    here = {item.id for item in examine_all(alone(context)).findings}
    return tuple(item for item in there if item.kind == "broken" and item.id not in here)
