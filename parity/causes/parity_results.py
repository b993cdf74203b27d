"""What a parity check said, as far as causes need it: which steps differ, and why."""

from collections.abc import Mapping
from dataclasses import dataclass


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
