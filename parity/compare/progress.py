"""What a check tells of itself while it runs, and how it is told to end early."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from parity.compare.check import CaseResult


class Progress:
    """Tells nothing, and ends nothing early.

    stopped: why the check was ended before its end, in words; "" while it goes on.
    """

    stopped = ""

    def results(self, results: Iterable[CaseResult], total: int) -> Iterable[CaseResult]:
        """The same results, told on the way; fewer when the check is `stopped`. total: of all."""
        return results

    def phase(self, doing: str) -> AbstractContextManager[None]:
        """What comes after the results: a block that is left where the check is stopped."""
        return nullcontext()
