"""The report of a check, read back for the causes of a run's score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parity.causes.parity_results import ParityResults, StepOutcome
from parity.errors import InputError
from parity.report.json import read_report
from parity.text import visible


def read_parity(path: Path) -> ParityResults:
    """What ``parity check --json`` wrote. Raises InputError."""
    report = read_report(path)
    if not report.steps:
        raise InputError(f"{path}: this report compared no step; run parity check again")
    steps: dict[str, tuple[StepOutcome, ...]] = {}
    for entry in report.steps:
        outcome = StepOutcome(entry.step, _verdict(entry), entry.first, _diagnosis(entry))
        steps[entry.step] = (*steps.get(entry.step, ()), outcome)
    return ParityResults(path.name, steps)


def _verdict(entry: Any) -> str:
    """Isolated counts: a chained difference may have entered in an earlier step."""
    return str(entry.isolated)


def _diagnosis(entry: Any) -> str:
    return visible(" ".join((entry.diagnosis.text, *entry.diagnosis.evidence)).strip())
