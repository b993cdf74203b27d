"""A whole check of one fixed recipe beside the config that it is meant to follow."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from numpy.random import RandomState

from parity.candidate.fixed.config import ConfigRecipe, config_recipe
from parity.candidate.fixed.given import OPTIONS, SCHEDULE, deciding, fixed_candidate
from parity.candidate.fixed.named import GROUPS, by_name, named_groups, named_suspects, probed
from parity.candidate.fixed.words import difference_in_words
from parity.candidate.run import UNSEEN, CheckOptions, check_with
from parity.candidate.runner import Runner
from parity.candidate.worker import WorkerProcess
from parity.check.cases import Case
from parity.check.exhibit.records import Exhibit
from parity.check.plan import Plan
from parity.check.progress import Progress
from parity.check.summary import CheckReport, IsolatedRun, Likeness, Unexercised, reference_steps
from parity.compare.trace import StepFunction, Trace, run_trace
from parity.environment import environment
from parity.errors import InputError
from parity.live import optimizer_options, reference_header
from parity.pipeline import Step
from parity.probes import Probe
from parity.suspects.failures import Siblings, known_mistake

# A whole schedule is one call.
SECONDS = 600.0
_KNOWN = {SCHEDULE: (SCHEDULE,), GROUPS: (GROUPS, OPTIONS)}


def check_fixed(
    options: CheckOptions,
    config: str,
    *,
    progress: Progress,
    exhibits: list[Exhibit] | None = None,
) -> CheckReport:
    """Hold the recipe named in `options` against the config called `config`.

    Raises InputError for a config or a recipe that cannot be used, ReferenceUnavailable
    without mmsegmentation: rates and groups are those of its own schedulers and constructors.
    """
    if not options.live:
        raise InputError("--config needs live mmsegmentation; leave --recorded out")
    asked = config_recipe(config)
    make = partial(fixed_candidate, asked=asked)
    limit = max(options.limit, SECONDS)
    with closing(WorkerProcess(options.text, limit=limit, make=make)) as runner:
        return check_recipe(runner, options, asked, progress=progress, exhibits=exhibits)


def check_recipe(
    runner: Runner,
    options: CheckOptions,
    asked: ConfigRecipe,
    *,
    progress: Progress = UNSEEN,
    exhibits: list[Exhibit] | None = None,
) -> CheckReport:
    """As `check_fixed`, with a recipe that is loaded already."""
    wanted = _wanted(options.only)
    versions, notes = reference_header()
    given = [step for step in wanted if step in runner.description.steps]
    if not given:
        raise InputError(f"{options.text}: makes no optimizer of a model; name a function (model)")
    cases, absent = _cases(asked, given, GROUPS in runner.description.steps)
    plan = Plan(
        "live",
        [case for case, _ in cases],
        {**versions, **environment()},
        (*notes, f"Config {asked.name}: {asked}."),
        None,
        {case.name: trace for case, trace in cases},
    )
    return _checked(runner, options, plan, absent, progress, exhibits)


def _wanted(only: frozenset[str]) -> tuple[str, ...]:
    found = [step for name, steps in _KNOWN.items() if name in only or not only for step in steps]
    if not found:
        raise InputError("--config is about the steps schedule and optim; name one, or both")
    return tuple(found)


def _cases(
    asked: ConfigRecipe, given: Sequence[str], of_model: bool
) -> tuple[list[tuple[Case, Trace]], tuple[Unexercised, ...]]:
    """What is compared, with the reference's traces, and what cannot be, with the reason."""
    cases, absent = [], []
    rates = [float(asked.optimizer["lr"])]
    if of_model:
        try:
            groups = _case(asked, GROUPS, asked.groups)
        except InputError as error:
            what = f"the model of {asked.name} cannot be built: {error}"
            absent = [Unexercised((step,), what) for step in given if step == GROUPS]
        else:
            cases += [groups] if GROUPS in given else []
            found = {one["lr"] for one in groups[1].steps[0].output.values()}
            rates += [lr for lr in sorted({min(found), max(found)}) if lr not in rates and lr > 0]
            rates = [lr for lr in rates if lr in found] or rates
    if OPTIONS in given:
        cases.append(_case(asked, OPTIONS, dict(asked.optimizer)))
    if SCHEDULE in given:
        cases.append(_case(asked, SCHEDULE, asked.schedule(rates)))
    return cases, tuple(absent)


def _case(asked: ConfigRecipe, name: str, value: Any) -> tuple[Case, Trace]:
    """One case, and what the reference makes of it. Raises InputError where it makes nothing."""
    step, live = _sides(name)
    probe = Probe(step, lambda seed: value)
    case = Case("config", f"{name} of {asked.name}", 0, (step,), probe=probe)
    trace = run_trace([(name, live)], case.start(), 0)
    if trace.steps[0].error:
        raise InputError(trace.steps[0].error.removeprefix("InputError: "))
    return case, trace


def _sides(name: str) -> tuple[Step, StepFunction]:
    """Our own step, and the live one."""
    if name == OPTIONS:
        return Step(OPTIONS, _options), _options
    [(_, live)] = reference_steps([probed(name)])
    if name == SCHEDULE:
        return probed(SCHEDULE), live
    return Step(GROUPS, named_groups), lambda value, rng: by_name(live(value, rng))


def _options(value: Any, rng: RandomState) -> dict[str, Any]:
    """Type and deciding options of the optimizer that mmengine makes."""
    found = optimizer_options(value)
    return {"type": found["type"], **deciding(found)}


def _checked(
    runner: Runner,
    options: CheckOptions,
    plan: Plan,
    absent: tuple[Unexercised, ...],
    progress: Progress,
    exhibits: list[Exhibit] | None,
) -> CheckReport:
    """The report, in which what differs is told by iteration and by parameter."""
    words: dict[str, str] = {}

    def diagnose(records: Sequence[IsolatedRun], siblings: Siblings) -> Likeness:
        words[records[0][0].name] = difference_in_words(records[0])
        suspects = named_suspects() if records[0][0].name == GROUPS else None
        return known_mistake(records, siblings, pairs=False, suspects=suspects)

    alone = replace(options, only=frozenset(), samples=0, examples=None)
    report = check_with(
        runner, alone, diagnose=diagnose, progress=progress, exhibits=exhibits, plan=plan
    )
    rows = [
        replace(row, first=words[row.step]) if row.failed and words.get(row.step) else row
        for row in report.summaries
    ]
    left = [
        Unexercised((row.step,), row.why_skipped.partition(": ")[2]) for row in rows if row.skipped
    ]
    return replace(report, summaries=tuple(rows), unexercised=(*absent, *left))
