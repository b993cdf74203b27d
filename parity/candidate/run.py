"""A whole check of a candidate: cases, reference, comparison, distributions, report."""

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from parity.candidate.accepted import Accepted
from parity.candidate.distribution.rows import distribution_rows, power_note
from parity.candidate.engine import Engine
from parity.candidate.example import write_example, write_examples
from parity.candidate.judge import mistake_of
from parity.candidate.load import split_name
from parity.candidate.runner import DEFAULT_LIMIT, Description, Runner
from parity.candidate.sides import live_oracle, own_oracle
from parity.candidate.steps import PIPELINE, candidate_from
from parity.candidate.unexercised import unexercised
from parity.candidate.whole import whole_step
from parity.candidate.worker import WorkerProcess
from parity.check.cases import Case, all_steps, only_needed
from parity.check.exhibit.classes import ClassNames
from parity.check.exhibit.collect import CASES_PER_STEP
from parity.check.exhibit.records import Exhibit
from parity.check.plan import Plan, live_plan, recorded_plan, stand_in_plan
from parity.check.progress import Progress
from parity.check.summary import CheckReport, IsolatedRun, summarise
from parity.compare.rounding import Rounding
from parity.errors import InputError
from parity.suspects.failures import Diagnose, with_diagnoses

# Enough to see a rate near 0.5 move by 0.17.
DEFAULT_SAMPLES = 500


@dataclass(frozen=True)
class CheckOptions:
    """What to check, and how. text: ``module:object`` or ``file.py:object``, "" for neither.

    stand_in: without the live reference, our own steps take its place on every case, not a
    recording on its few.

    only: names of steps, none meaning all. limit: seconds per call. samples: per
    side of the distribution test; None for `DEFAULT_SAMPLES` where a pipeline
    draws for itself, else none. examples: the folder for minimal examples.
    class_names: of the data's label maps, for exhibits. rounding: what it counts as.
    accepted: differences that pass. called: what `only` were asked for as, if it is one word.
    """

    text: str
    seeds: range = range(40)
    data: Path | None = None
    only: frozenset[str] = frozenset()
    live: bool = True
    replay: bool = False
    limit: float = DEFAULT_LIMIT
    samples: int | None = None
    examples: Path | None = None
    class_names: ClassNames = ()
    rounding: Rounding = Rounding.PASS
    accepted: tuple[Accepted, ...] = ()
    stand_in: bool = False
    called: str = ""

    @property
    def counted(self) -> frozenset[str]:
        """Names of the steps whose rows count, a whole pipeline among them; none meaning all."""
        return self.only | {PIPELINE} if self.only else self.only


UNSEEN = Progress()


def check_candidate(
    options: CheckOptions,
    *,
    diagnose: Diagnose | None = mistake_of,
    progress: Progress = UNSEEN,
    exhibits: list[Exhibit] | None = None,
) -> CheckReport:
    """Run the candidate named in `options` beside the reference.

    diagnose: gets ``(step, expected, actual)`` of the first failures of a step, then
    of a few cases in which it is right, and says which mistake they look like.
    exhibits: takes what is to be seen of the first failures of each step. progress: may
    stop the check, which then says how far it came.

    Raises InputError when the candidate cannot be loaded, or gives none of the
    steps asked for.
    """
    make = partial(candidate_from, asked=options.only, called=options.called)
    with closing(WorkerProcess(options.text, limit=options.limit, make=make)) as runner:
        return check_with(runner, options, diagnose=diagnose, progress=progress, exhibits=exhibits)


def check_with(
    runner: Runner,
    options: CheckOptions,
    *,
    diagnose: Diagnose | None = mistake_of,
    progress: Progress = UNSEEN,
    exhibits: list[Exhibit] | None = None,
    plan: Plan | None = None,
) -> CheckReport:
    """As `check_candidate`, with a candidate that is loaded already.

    plan: what it is run on, the cases of its steps by default.
    """
    shown = 0 if exhibits is None else CASES_PER_STEP
    check = Engine(
        runner,
        replay=options.replay,
        shown=shown,
        class_names=options.class_names,
        rounding=options.rounding,
        accepted=options.accepted,
    )
    if plan is None:
        plan = _plan(check, options, _given_steps(check, options.only))
    results = progress.results(check.run(plan.references()), _most(plan))
    report = summarise(results, only=options.counted, **plan.header())
    if exhibits is not None:
        exhibits += check.shown()
    notes = [*report.notes, *_description_notes(runner.description, options)]
    notes += [f"No picture of {name}: {why}." for (_, name), why in check.unshown.items()]
    report = replace(report, notes=tuple(notes))
    if not progress.stopped:
        left = unexercised(
            report.summaries, runner.description, only=options.only, replay=options.replay
        )
        report = replace(report, unexercised=left)
        with progress.phase("while distributions and mistakes were looked at"):
            report = _looked_into(report, check, options, diagnose)
    return replace(report, incomplete=progress.stopped)


def _looked_into(
    report: CheckReport, check: Engine, options: CheckOptions, diagnose: Diagnose | None
) -> CheckReport:
    """`report` with distributions, what is accepted, minimal examples and diagnoses."""
    counted = options.counted
    samples = _samples(check.runner.description, options)
    tests = distribution_rows(check.runner, samples) if samples else []
    tests = check.acceptance.judge_rows(tests)
    rows = [*report.summaries, *tests]
    further = [*tests, *check.acceptance.unneeded(rows)]
    minimal, without = write_examples(
        options.examples,
        {key: held for key, held in check.failures.items() if not counted or key[1] in counted},
        partial(_write_example, check=check, options=options, versions=report.versions),
    )
    notes = [*report.notes, *([power_note(samples)] if tests else [])]
    notes += check.acceptance.untested(rows, options.only)
    if diagnose is not None:
        report = with_diagnoses(report, check.records(), diagnose)
    return replace(
        report,
        summaries=(*report.summaries, *further),
        notes=(*notes, *without),
        cases=report.cases + len(further),
        failed=report.failed + sum(row.failed > 0 for row in further),
        minimal=minimal,
        draft=check.acceptance.draft(rows),
    )


def _plan(check: Engine, options: CheckOptions, given: frozenset[str]) -> Plan:
    """The cases that hold a given step, each cut off after the last one."""
    data = options.data
    if options.live:
        plan = live_plan(data, options.seeds)
    else:
        plan = stand_in_plan(data, options.seeds) if options.stand_in else recorded_plan(data)
    return replace(plan, cases=[c for case in plan.cases for c in _needed(check, case, given)])


def _needed(check: Engine, case: Case, given: frozenset[str]) -> list[Case]:
    whole = whole_step(case.steps)
    names = set(given)
    if whole is not None and check.part(whole):
        names |= {step.name for step in whole.options["steps"]}
    return only_needed([case], frozenset(names or {PIPELINE}))


def _most(plan: Plan) -> int:
    """Results that a check can give: a case may give one for a whole pipeline besides."""
    return sum(1 + (whole_step(case.steps) is not None) for case in plan.cases)


def _given_steps(check: Engine, only: frozenset[str]) -> frozenset[str]:
    """Names of the known steps that the candidate gives, among those asked for."""
    description = check.runner.description
    given = {step.name for step in all_steps() if check.part(step)}
    given = given & only if only else given
    if not given and not description.has_pipeline:
        raise InputError(
            f"{description.name}: gives none of {', '.join(sorted(only))}; it gives "
            f"{', '.join([*description.steps, *description.applies])}"
        )
    return frozenset(given)


def _samples(description: Description, options: CheckOptions) -> int:
    if options.samples is not None:
        return options.samples
    return DEFAULT_SAMPLES if description.has_pipeline and not description.shares_stream else 0


def _description_notes(description: Description, options: CheckOptions) -> list[str]:
    """What the candidate gives, and in which form."""
    parts = [f"{name} (a step)" for name in description.steps]
    parts += [f"{name} (applied to the reference's draws)" for name in description.applies]
    parts += ["a whole pipeline"] if description.has_pipeline else []
    return [f"Candidate {description.name} gives: {', '.join(parts)}.", *description.notes]


def _write_example(
    folder: Path,
    failure: IsolatedRun,
    check: Engine,
    options: CheckOptions,
    versions: dict[str, str],
) -> Path:
    # Without mmsegmentation, what smaller inputs give is what our own steps give.
    origin = versions if options.live else {"mmseg-parity": versions["mmseg-parity"]}
    return write_example(
        folder,
        check.runner,
        failure,
        part=check.part(failure[0]),
        oracle=live_oracle if options.live else own_oracle,
        title=check.runner.description.name,
        loadable=_loadable(options.text),
        versions=origin,
    )


def _loadable(text: str) -> str:
    """A path that holds from the example's folder, too."""
    where, colon, name = split_name(text)
    path = Path(where)
    return f"{path.resolve()}{colon}{name}" if path.suffix == ".py" and path.is_file() else text
