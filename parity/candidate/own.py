"""A whole check of our own steps: cases, comparison, pictures, diagnoses, examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from parity.candidate.example import importable_name, single_step, write_example, write_examples
from parity.candidate.oracle import live_oracle
from parity.candidate.runner import InProcess
from parity.compare.check import CheckReport, Held, summarise, with_rounding_accepted
from parity.compare.exhibit.collect import Collector, ExhibitMaker
from parity.compare.plan import Plan
from parity.compare.progress import Progress
from parity.compare.rounding import Rounding
from parity.suspects.failures import entering, own_failures, with_diagnoses


def check_own(
    plan: Plan,
    collector: Collector,
    progress: Progress,
    only: frozenset[str] = frozenset(),
    jobs: int = 1,
    *,
    make: ExhibitMaker | None = None,
    examples: Path | None = None,
    rounding: Rounding = Rounding.FAIL,
) -> CheckReport:
    """Run `plan` and name the mistakes of what differs.

    collector: notes every case, with the exhibits that `make` gives. only: names of
    the steps that count, none meaning all. examples: the folder for minimal
    examples; a recording has none, for it cannot answer for smaller inputs.
    rounding: what it counts as. progress: may stop the check, which then says how far it
    came.
    """
    done = plan.results(jobs)
    done = map(with_rounding_accepted, done) if rounding is Rounding.PASS else done
    results = collector.watch(done, make)
    counted = progress.results(results, len(plan.cases))
    report = summarise(counted, only=only, **plan.header())
    if not progress.stopped:
        with progress.phase("while mistakes were looked for"):
            records = own_failures(plan, collector.outcomes, entering(report))
            report = with_diagnoses(report, records)
            folder = examples if plan.mode == "live" else None
            write = partial(_write, versions=plan.versions)
            minimal, missing = write_examples(folder, records, write)
            report = replace(report, minimal=minimal, notes=(*report.notes, *missing))
    return replace(report, incomplete=progress.stopped)


def _write(folder: Path, failure: Held, versions: Mapping[str, str]) -> Path:
    step = failure[0]
    runner = InProcess(single_step(step, "", step.function))
    return write_example(
        folder,
        runner,
        failure,
        part=runner.description.part(step, replay=False),
        oracle=live_oracle,
        title=importable_name(step.function),
        versions=versions,
    )
