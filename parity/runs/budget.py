"""How much work configs may cause, counted over all files that one run reads."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_STEPS = 1_000_000
# A config of the zoo takes under 5,000 copies.
MAX_COPIES = 500_000


class Budget:
    """Steps of work that may still be done."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Take `steps`; whether there were so many."""
        self.left -= steps
        return self.left >= 0


@dataclass
class Work:
    """steps: of interpreting expressions. copies: of values, from base to child and result."""

    steps: Budget = field(default_factory=lambda: Budget(MAX_STEPS))
    copies: Budget = field(default_factory=lambda: Budget(MAX_COPIES))
