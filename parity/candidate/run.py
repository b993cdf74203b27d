"""A whole check of a candidate: cases, reference, comparison, distributions, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from parity.candidate.check import CandidateCheck, Diagnose, Held
from parity.candidate.distribution.rows import distribution_rows, power_note
from parity.candidate.example import write_example
from parity.candidate.load import split_name
from parity.candidate.oracle import live_oracle, own_oracle
from parity.candidate.runner import DEFAULT_LIMIT, Description, Runner
from parity.candidate.steps import PIPELINE
from parity.candidate.whole import whole_step
from parity.candidate.worker import WorkerProcess
from parity.compare.cases import (
    Case,
    all_steps,
    default_cases,
    list_root,
    only_needed,
    recorded_cases,
)
from parity.compare.check import CaseResult, CheckReport, StepSummary, reference_steps, summarise
from parity.compare.exhibit.records import Exhibit
from parity.compare.trace import Trace, run_trace
from parity.environment import environment
from parity.errors import InputError, ReferenceUnavailable
from parity.fixtures import fixtures_root, inputs_root
from parity.live import reference_header

# Enough to see a rate near 0.5 move by 0.17.
DEFAULT_SAMPLES = 500


@dataclass(frozen=True)
class Options:
    """What to check, and how. text: ``module:object`` or ``file.py:object``.

    only: names of steps, none meaning all. limit: seconds per call. samples: per
    side of the distribution test; None for `DEFAULT_SAMPLES` where a pipeline
    draws for itself, else none. examples: the folder for minimal examples.
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


# Cases with the reference's trace where that is recorded.
Pairs = Sequence[tuple[Case, Trace | None]]
# (results, their largest number) -> the same results, shown on the way
Progress = Callable[[Iterable[CaseResult], int], Iterable[CaseResult]]


def _unseen(results: Iterable[CaseResult], total: int) -> Iterable[CaseResult]:
    return results


def check_candidate(
    options: Options,
    *,
    diagnose: Diagnose | None = None,
    progress: Progress = _unseen,
    exhibits: list[Exhibit] | None = None,
) -> CheckReport:
    """Run the candidate named in `options` beside the reference.

    diagnose: gets ``(step, expected, actual)`` of the first failures of a step, then
    of a few cases in which it is right, and says which mistake they look like.
    exhibits: takes what is to be seen of the first failures of each step.

    Raises InputError when the candidate cannot be loaded, or gives none of the
    steps asked for.
    """
    with closing(WorkerProcess(options.text, limit=options.limit)) as runner:
        return check_with(runner, options, diagnose=diagnose, progress=progress, exhibits=exhibits)


def check_with(
    runner: Runner,
    options: Options,
    *,
    diagnose: Diagnose | None = None,
    progress: Progress = _unseen,
    exhibits: list[Exhibit] | None = None,
) -> CheckReport:
    """As `check_candidate`, with a candidate that is loaded already."""
    check = CandidateCheck(runner, replay=options.replay)
    given = _given_steps(check, options.only)
    pairs, header = _live_pairs(options) if options.live else _recorded_pairs(options)
    results = progress(check.run(_chosen(check, pairs, given)), len(pairs))
    shown = options.only and options.only | {PIPELINE}
    report = summarise(results, only=frozenset(shown), **header)
    if exhibits is not None:
        exhibits += check.exhibits
    rows = [_diagnosed(row, check, diagnose) for row in report.summaries]
    samples = _samples(runner.description, options)
    distributions = distribution_rows(runner, samples) if samples else []
    notes = [*report.notes, *_description_notes(runner.description, given, options)]
    notes += [power_note(samples)] if distributions else []
    notes += _examples(check, options, report.versions)
    return replace(
        report,
        summaries=(*rows, *distributions),
        notes=tuple(notes),
        cases=report.cases + len(distributions),
        failed=report.failed + sum(row.failed > 0 for row in distributions),
    )


def _given_steps(check: CandidateCheck, only: frozenset[str]) -> frozenset[str]:
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


def _live_pairs(options: Options) -> tuple[Pairs, dict[str, Any]]:
    versions, notes = reference_header()
    infos = list_root(inputs_root()) + ([] if options.data is None else list_root(options.data))
    cases = default_cases(infos, options.seeds)
    header = {
        "mode": "live",
        "versions": {**versions, **environment()},
        "notes": notes,
        "seeds": (options.seeds.start, options.seeds.stop),
        "inputs": {},
    }
    return [(case, None) for case in cases], header


def _recorded_pairs(options: Options) -> tuple[Pairs, dict[str, Any]]:
    if options.data is not None:
        raise ReferenceUnavailable(
            f"{options.data}: the recorded reference knows the built-in inputs only"
        )
    pairs, recorded = recorded_cases(fixtures_root() / "recorded", inputs_root())
    versions = {f"recorded {name}": str(text) for name, text in recorded["versions"].items()}
    seeds = [case.seed for case, _ in pairs]
    header = {
        "mode": "recorded",
        "versions": {**versions, **environment()},
        "notes": ("Compared with a recording, not with live mmsegmentation.",),
        "seeds": (min(seeds), max(seeds) + 1),
        "inputs": {},
    }
    return pairs, header


def _chosen(
    check: CandidateCheck, pairs: Pairs, given: frozenset[str]
) -> Iterator[tuple[Case, Trace]]:
    """The cases that hold a given step, cut off after the last one, with the reference's trace."""
    for case, trace in pairs:
        whole = whole_step(case.steps)
        names = set(given)
        if whole is not None and check.part(whole):
            names |= {step.name for step in whole.options["steps"]}
        for needed in only_needed([case], frozenset(names or {PIPELINE})):
            yield needed, _trace(needed) if trace is None else trace


def _trace(case: Case) -> Trace:
    return run_trace(reference_steps(case.steps), case.start(), case.seed)


def _samples(description: Description, options: Options) -> int:
    if options.samples is not None:
        return options.samples
    return DEFAULT_SAMPLES if description.has_pipeline and not description.shares_stream else 0


def _diagnosed(row: StepSummary, check: CandidateCheck, diagnose: Diagnose | None) -> StepSummary:
    key = (row.pipeline, row.step)
    failures = check.failures.get(key, [])
    if diagnose is None or not failures:
        return row
    text = str(diagnose([*failures, *check.equal.get(key, [])]))
    return replace(row, first=f"{text}; {row.first}") if text else row


def _description_notes(
    description: Description, given: frozenset[str], options: Options
) -> list[str]:
    """What the candidate gives, in which form, and what it does not give."""
    parts = [f"{name} (a step)" for name in description.steps]
    parts += [f"{name} (applied to the reference's draws)" for name in description.applies]
    parts += ["a whole pipeline"] if description.has_pipeline else []
    notes = [f"Candidate {description.name} gives: {', '.join(parts)}.", *description.notes]
    absent = _absent(given, options.only)
    if absent and not description.has_pipeline:
        notes.append(f"Not given, and so not compared: {', '.join(absent)}.")
    return notes


def _absent(given: frozenset[str], only: frozenset[str]) -> list[str]:
    """What is not given: the name of a file when none of its steps is, else the steps' names."""
    asked = [step for step in all_steps() if not only or step.name in only]
    partly = {step.module for step in asked if step.name in given}
    names = [
        step.name if step.module in partly else step.module
        for step in asked
        if step.name not in given
    ]
    return list(dict.fromkeys(names))


def _examples(check: CandidateCheck, options: Options, versions: dict[str, str]) -> list[str]:
    """Write a minimal example for the first failure of every step; says where, or why not."""
    if options.examples is None:
        return []
    notes = []
    oracle = live_oracle if options.live else own_oracle
    for (pipeline, name), failures in check.failures.items():
        folder = options.examples / f"{pipeline}-{name}"
        try:
            notes.append(_example(folder, check, failures, options, oracle, versions))
        except InputError as error:
            notes.append(f"No minimal example: {error}.")
    return notes


def _example(
    folder: Path,
    check: CandidateCheck,
    failures: Sequence[Held],
    options: Options,
    oracle: Any,
    versions: dict[str, str],
) -> str:
    step = failures[0][0]
    # Without mmsegmentation, what smaller inputs give is what our own steps give.
    origin = versions if options.live else {"mmseg-parity": versions["mmseg-parity"]}
    page = write_example(
        folder,
        check.runner,
        failures[0],
        part=check.part(step),
        oracle=oracle,
        title=options.text,
        loadable=_loadable(options.text),
        versions=origin,
    )
    return f"Minimal example of {step.name}: {page}."


def _loadable(text: str) -> str:
    """A path that holds from the example's folder, too."""
    where, colon, name = split_name(text)
    path = Path(where)
    return f"{path.resolve()}{colon}{name}" if path.suffix == ".py" and path.is_file() else text
