"""What a check tells of itself while it runs, and how it is told to end early."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from parity.check.summary import CaseResult

# Passes results on, and notes them down.
Watch = Callable[[Iterable[CaseResult]], Iterable[CaseResult]]


class Progress:
    """Tells nothing, and ends nothing early.

    watch: is passed every result. stopped: why the check was ended before its end, in
    words; "" while it goes on.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        self.watch = watch
        self.stopped = ""

    def results(self, results: Iterable[CaseResult], total: int) -> Iterable[CaseResult]:
        """The same results, told on the way; fewer when the check is `stopped`. total: of all."""
        return results if self.watch is None else self.watch(results)

    def phase(self, doing: str) -> AbstractContextManager[None]:
        """What comes after the results: a block that is left where the check is stopped."""
        return nullcontext()
