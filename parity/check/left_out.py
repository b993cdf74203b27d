"""What a check was asked for and did not exercise."""

from __future__ import annotations

from dataclasses import dataclass

from parity.text import count, names


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
