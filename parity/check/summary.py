"""What came of the cases of a check, summed up per step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from parity.compare.compare import Verdict, worst_verdict
from parity.compare.trace import StepFunction, StepRecord, StepResult, TraceComparison
from parity.live import reference_module
from parity.pipeline import Step
from parity.text import count, names

StepKey = tuple[str, str]  # pipeline, step
# The pipeline of rows that are tests over many results, and of no single case.
DISTRIBUTION = "distribution"
# That of rows about accepted differences that nothing needs; also the word for accepted steps.
ACCEPTED = "accepted"
# (step, expected, actual) of an isolated run
IsolatedRun = tuple[Step, StepRecord, StepRecord]
# Failures kept with all details; the rest are counted.
MAX_FAILURES = 100


@dataclass(frozen=True)
class Unexercised:
    """Steps that were asked for and could not be compared, and why. names: of steps or files.

    cases: how many; 0 for all of them.
    """

    names: tuple[str, ...]
    reason: str
    cases: int = 0

    def __str__(self) -> str:
        amount = f" in {count(self.cases, 'case')}" if self.cases else ""
        return f"{names(list(self.names), limit=14)}{amount} ({self.reason})"


@dataclass(frozen=True)
class CaseResult:
    """What came of a case. broken: why its input cannot be used, else "".

    file: whether it starts from an image file, not from a seeded input.
    unstable: steps whose reference differs between two runs, with the difference;
    only looked for on devices that have nondeterministic kernels.
    """

    case: str
    pipeline: str
    comparison: TraceComparison | None
    broken: str = ""
    file: bool = False
    unstable: dict[str, StepResult] = field(default_factory=dict)


@dataclass(frozen=True)
class Likeness:
    """Which mistake a difference looks like; text "" when that is not known.

    sure: whether that mistake gives all that differs, in every case looked at.
    """

    text: str = ""
    evidence: tuple[str, ...] = ()
    sure: bool = True

    def __str__(self) -> str:
        return " ".join((self.text, *(f"[{line}]" for line in self.evidence))).strip()


@dataclass(frozen=True)
class StepSummary:
    """One step of one pipeline over all cases.

    cases: how many were compared; failed: how many of these differ; skipped: how
    many were not compared; unstable: how many differ between two runs of the
    reference itself; rounded: how many differ by rounding alone, counted in failed
    where that is no pass; accepted: how many differ only as somebody has accepted. first,
    why_skipped, why_unstable, why_rounded, why_accepted explain the first of each.
    diagnosis: of all that failed. is_minor: whether `first` is about 0.0 beside -0.0
    only; a larger difference takes its place. manner: what is odd about the first output
    that is so, and makes no difference.
    """

    pipeline: str
    step: str
    cases: int = 0
    isolated: Verdict = Verdict.NOT_COMPARED
    chained: Verdict = Verdict.NOT_COMPARED
    failed: int = 0
    max_abs: float = 0.0
    max_ulp: int = 0
    first: str = ""
    skipped: int = 0
    why_skipped: str = ""
    unstable: int = 0
    why_unstable: str = ""
    rounded: int = 0
    why_rounded: str = ""
    diagnosis: Likeness = Likeness()
    is_minor: bool = False
    manner: str = ""
    accepted: int = 0
    why_accepted: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether something differs, and nothing beyond what is accepted."""
        return self.accepted > 0 and not self.failed

    @property
    def is_rounding(self) -> bool:
        """Whether something differs, and all of it by rounding."""
        return self.rounded > 0 and self.failed in (0, self.rounded)

    def add(self, case: str, isolated: StepResult, chained: StepResult) -> StepSummary:
        """This summary with one more case."""
        results = (isolated, chained)
        compared = worst_verdict(result.verdict for result in results)
        failed = compared is Verdict.DIFFERENT
        rounded = _rounded(results)
        accepted = not failed and any(result.accepted for result in results)
        skipped = compared is Verdict.NOT_COMPARED
        leaves = [leaf for result in results for leaf in result.leaves.values()]
        worse = isolated if isolated.verdict is Verdict.DIFFERENT else chained
        # A difference that enters here says more than one that was passed on.
        enters = isolated.verdict is Verdict.DIFFERENT and self.isolated is not Verdict.DIFFERENT
        told = f"{case}: {worse.explain()}" if failed else ""
        # Nor does rounding lead where something differs by more, nor 0.0 beside -0.0.
        weak = self.first == self.why_rounded and not rounded
        leads = enters or weak or not self.first or (self.is_minor and not worse.is_minor)
        first = told if failed and leads else self.first
        return replace(
            self,
            cases=self.cases + (not skipped),
            isolated=worst_verdict((self.isolated, isolated.verdict)),
            chained=worst_verdict((self.chained, chained.verdict)),
            failed=self.failed + failed,
            max_abs=max([self.max_abs, *(leaf.max_abs for leaf in leaves)]),
            max_ulp=max([self.max_ulp, *(leaf.max_ulp or 0 for leaf in leaves)]),
            first=first,
            is_minor=worse.is_minor if failed and leads else self.is_minor,
            manner=self.manner or isolated.manner,
            skipped=self.skipped + skipped,
            why_skipped=self.why_skipped or (f"{case}: {isolated.error}" if skipped else ""),
            rounded=self.rounded + rounded,
            why_rounded=self.why_rounded or (f"{case}: {worse.explain()}" if rounded else ""),
            accepted=self.accepted + accepted,
            why_accepted=self.why_accepted or (_why_accepted(case, results) if accepted else ""),
        )

    def add_unstable(self, case: str, difference: StepResult) -> StepSummary:
        """This summary with a case in which the reference differs from itself."""
        why = self.why_unstable or f"{case}: {difference.explain()}"
        return replace(self, unstable=self.unstable + 1, why_unstable=why)


def _why_accepted(case: str, results: Sequence[StepResult]) -> str:
    return next(f"{case}: {one.explain()}" for one in results if one.accepted)


def _rounded(results: Sequence[StepResult]) -> bool:
    """Whether some result differs by rounding, and none by more."""
    more = any(one.verdict is Verdict.DIFFERENT and not one.is_rounding for one in results)
    return not more and any(one.is_rounding for one in results)


@dataclass(frozen=True)
class CheckReport:
    """A whole check. mode: "live" or "recorded". failures: the first of them, in case order.

    minimal: folders of minimal examples by ``pipeline/step``. unexercised: what was
    asked for and could not be compared, with the reason. draft: TOML that accepts all
    that differs, reasons left out; "" where nothing does. incomplete: why the check ended
    before its end, or "".
    """

    mode: str
    versions: dict[str, str]
    notes: tuple[str, ...]
    seeds: tuple[int, int] | None
    inputs: dict[str, str]
    summaries: tuple[StepSummary, ...]
    cases: int = 0
    failed: int = 0
    failures: tuple[CaseResult, ...] = ()
    broken: tuple[str, ...] = field(default=())
    minimal: dict[str, str] = field(default_factory=dict)
    unexercised: tuple[Unexercised, ...] = ()
    draft: str = ""
    incomplete: str = ""

    @property
    def verdict(self) -> Verdict:
        """Of all steps together."""
        return worst_verdict(
            verdict for row in self.summaries for verdict in (row.isolated, row.chained)
        )


def reference_steps(steps: Iterable[Step]) -> list[tuple[str, StepFunction]]:
    """`steps` done by live mmsegmentation, by name. Raises ReferenceUnavailable without mmseg."""
    return [(step.name, _live(step)) for step in steps]


def _live(step: Step) -> Step:
    """`step` by the reference's function of its name, or by what its config's entry builds."""
    if step.entry is not None:
        configured = reference_module("configured")
        build = partial(getattr(configured, step.entry.builder), entry=step.entry.values)
        return replace(step.doing(build), options=step.entry.options)
    module = reference_module(step.module)
    return step.doing(getattr(module, step.function.__name__))


def candidate_steps(steps: Iterable[Step]) -> list[tuple[str, StepFunction]]:
    """Our own steps, by name."""
    return [(step.name, step) for step in steps]


def summarise(
    results: Iterable[CaseResult], *, only: frozenset[str] = frozenset(), **header: Any
) -> CheckReport:
    """Sum up `results`; `only` names the steps to count, none meaning all.

    Keeps the first failures whole and counts the rest, so that memory stays flat.
    """
    rows: dict[tuple[str, str], StepSummary] = {}
    failures: list[CaseResult] = []
    broken: dict[str, None] = {}
    cases = failed = 0
    for result in results:
        cases += 1
        if result.comparison is None:
            broken[result.broken] = None
            continue
        before = sum(row.failed for row in rows.values())
        for step in result.comparison.steps:
            if not only or step.name in only:
                key = (result.pipeline, step.name)
                row = rows.get(key, StepSummary(*key))
                if step.name in result.unstable:
                    rows[key] = row.add_unstable(result.case, result.unstable[step.name])
                else:
                    rows[key] = row.add(result.case, step.isolated, step.chained)
        if sum(row.failed for row in rows.values()) > before:
            failed += 1
            failures += [result] if len(failures) < MAX_FAILURES else []
    return CheckReport(
        summaries=tuple(rows.values()),
        cases=cases,
        failed=failed,
        failures=tuple(failures),
        broken=tuple(broken),
        **header,
    )
