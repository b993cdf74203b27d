"""A whole check of our own steps: cases, comparison, pictures, diagnoses, examples."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from parity.candidate.engine import Engine
from parity.candidate.example import importable_name, write_example, write_examples
from parity.candidate.judge import not_compared
from parity.candidate.run import UNSEEN, CheckOptions
from parity.candidate.runner import Runner
from parity.candidate.sides import PART, OwnSteps, ReferenceSteps, live_oracle
from parity.check import summary
from parity.check.cases import Case
from parity.check.exhibit.collect import CASES_PER_STEP
from parity.check.exhibit.records import Exhibit
from parity.check.plan import Plan
from parity.check.progress import Progress
from parity.check.workers import in_processes, use_one_thread
from parity.compare.compare import Verdict
from parity.compare.rounding import Rounding
from parity.compare.trace import StepComparison, Trace, TraceComparison, run_trace
from parity.errors import InputError, ReferenceUnavailable
from parity.suspects.failures import KEPT_EQUAL, KEPT_FAILURES, entering_rows, with_diagnoses

# Below this many cases, starting worker processes costs more than it saves.
CASES_WORTH_WORKERS = 100
OWN = CheckOptions("", rounding=Rounding.FAIL)


def check_own(
    plan: Plan,
    options: CheckOptions = OWN,
    progress: Progress = UNSEEN,
    *,
    jobs: int = 1,
    own: OwnSteps | None = None,
    exhibits: list[Exhibit] | None = None,
    shown: int = CASES_PER_STEP,
) -> summary.CheckReport:
    """Run `plan` and name the mistakes of what differs.

    own: our own steps, some perhaps planted. exhibits: takes what is to be seen of the
    first failures of each step, `shown` of each. A recording has no minimal examples, for
    it cannot answer for smaller inputs. progress: may stop the check, which then says how
    far it came.
    """
    own = OwnSteps() if own is None else own
    engine = Engine(
        own,
        shown=0 if exhibits is None else shown,
        class_names=options.class_names,
        rounding=options.rounding,
        only=options.only,
        manners=False,
    )
    results = progress.results(own_results(plan, engine, jobs), len(plan.cases))
    report = summary.summarise(results, only=options.only, **plan.header())
    if exhibits is not None:
        exhibits += engine.shown()
    if not progress.stopped:
        with progress.phase("while mistakes were looked for"):
            report = _looked_into(report, engine, own, options.examples)
    return replace(report, incomplete=progress.stopped, unexercised=plan.unexercised)


def _looked_into(
    report: summary.CheckReport, engine: Engine, own: OwnSteps, examples: Path | None
) -> summary.CheckReport:
    """`report` with diagnoses and minimal examples of where differences enter."""
    entering = entering_rows(report)
    records = {key: held for key, held in engine.records().items() if key in entering}
    report = with_diagnoses(report, records)
    folder = examples if report.mode == "live" else None
    write = partial(_write, own=own, versions=report.versions)
    minimal, missing = write_examples(folder, records, write)
    return replace(report, minimal=minimal, notes=(*report.notes, *missing))


def own_results(plan: Plan, engine: Engine, jobs: int = 1) -> Iterator[summary.CaseResult]:
    """Our own steps beside the reference, case by case; live ones in `jobs` processes.

    The engine keeps what is worth a look; what other processes found so is run again.
    """
    use_one_thread()
    if plan.recorded is not None or jobs < 2 or len(plan.cases) < CASES_WORTH_WORKERS:
        yield from (_checked_here(plan, case, engine) for case in plan.cases)
        return
    again = _Again()
    alone = partial(_check_alone, engine.runner, engine.rounding)
    results = in_processes(alone, plan.cases, jobs, block=8)
    for case, result in zip(plan.cases, results, strict=True):
        plan.note(case)
        again.note(result)
        yield result
    for case in plan.cases:
        if case.name in again.wanted:
            check_case(case, plan.reference(case), engine)


def _checked_here(plan: Plan, case: Case, engine: Engine) -> summary.CaseResult:
    """As `check_case`; a step that the reference has not on a device is not compared."""
    try:
        reference = plan.reference(case)
    except ReferenceUnavailable as error:
        if case.device == "cpu":
            raise
        without = not_compared(f"the reference cannot do it on {case.device}: {error}")
        steps = tuple(StepComparison(step.name, without, without) for step in case.steps)
        return summary.CaseResult(case.name, case.pipeline, TraceComparison(case.seed, steps))
    plan.note(case)
    return check_case(case, reference, engine)


def check_case(case: Case, reference: Trace, engine: Engine) -> summary.CaseResult:
    """Our side of `case` beside `reference`.

    A file that our load step refuses makes the case broken, not different. On devices
    that have nondeterministic kernels, the reference is held against itself, too.
    """
    [result] = engine.run([(case, reference)])
    assert result.comparison is not None  # of a case that is run
    for step in result.comparison.steps:
        kind, _, message = step.isolated.raised.partition(": ")
        if step.name.startswith("load") and kind == InputError.__name__:
            return replace(result, comparison=None, broken=message)
    if case.device == "cpu":
        return result
    [again] = Engine(ReferenceSteps(), rounding=Rounding.FAIL).run([(case, reference)])
    assert again.comparison is not None
    different = [one for one in again.comparison.steps if one.isolated.verdict is Verdict.DIFFERENT]
    return replace(result, unstable={step.name: step.isolated for step in different})


def _check_alone(runner: Runner, rounding: Rounding, case: Case) -> summary.CaseResult:
    """In a process that gives back the result and keeps nothing."""
    reference = run_trace(summary.reference_steps(case.steps), case.start(), case.seed)
    return check_case(case, reference, Engine(runner, rounding=rounding, manners=False))


class _Again:
    """Notes which cases an engine must see itself: some of each step that differs.

    Some in which the same step is equal are among them: these rule suspects out.
    """

    def __init__(self) -> None:
        self._of: dict[tuple[summary.StepKey, Verdict], list[str]] = {}

    def note(self, result: summary.CaseResult) -> None:
        """Take `result` into account."""
        for step in () if result.comparison is None else result.comparison.steps:
            for side in (step.isolated, step.chained):
                names = self._of.setdefault(((result.pipeline, step.name), side.verdict), [])
                most = KEPT_FAILURES if side.verdict is Verdict.DIFFERENT else KEPT_EQUAL
                if len(names) < most and result.case not in names:
                    names.append(result.case)

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the cases."""
        differing = {key for key, verdict in self._of if verdict is Verdict.DIFFERENT}
        kept = (Verdict.DIFFERENT, Verdict.EQUAL)
        found = ((key, v, names) for (key, v), names in self._of.items() if v in kept)
        return frozenset(name for key, _, names in found if key in differing for name in names)


def _write(
    folder: Path, failure: summary.IsolatedRun, own: OwnSteps, versions: Mapping[str, str]
) -> Path:
    return write_example(
        folder,
        own,
        failure,
        part=PART,
        oracle=live_oracle,
        title=importable_name(own.function(failure[0])),
        versions=versions,
    )
