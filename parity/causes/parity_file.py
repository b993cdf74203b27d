"""What a parity check said, as far as causes need it: which steps differ, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.errors import InputError
from parity.report.json import read_report
from parity.report.text import visible


@dataclass(frozen=True)
class StepOutcome:
    """One step. verdict: in the words of the report. diagnosis: which mistake it looks like."""

    step: str
    verdict: str
    first: str
    diagnosis: str = ""

    @property
    def differs(self) -> bool:
        """Whether any case differed."""
        return self.verdict == "different"

    @property
    def compared(self) -> bool:
        """Whether any case was compared."""
        return self.verdict != "not compared"


@dataclass(frozen=True)
class ParityResults:
    """All steps of one report."""

    file: str
    steps: Mapping[str, tuple[StepOutcome, ...]]

    def of(self, step: str) -> tuple[StepOutcome, ...]:
        """The outcomes of `step` in every pipeline."""
        return self.steps.get(step, ())


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
