"""How much work a config may cause, counted over the file and all its bases."""

from __future__ import annotations

MAX_STEPS = 1_000_000


class Budget:
    """Steps of work that may still be done."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Take `steps`; whether there were so many."""
        self.left -= steps
        return self.left >= 0
