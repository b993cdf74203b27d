"""Time that a diagnosis may take: 20 seconds a step, unless somebody waits for longer."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from parity.suspects.trial import Combination

Found = TypeVar("Found")

# Seconds per step of a report.
SECONDS = 20.0


class _Spent(Exception):
    """The time is over."""


class Clock:
    """Counts what is tried, and stops between two calls of suspects when the time is over.

    seconds: in all, from now; a call, which takes as long as the step, is not interrupted.
    """

    def __init__(self, seconds: float) -> None:
        self._start = time.monotonic()
        self._seconds = seconds
        self._until = self._start + seconds
        self._at = ""
        self.tried = ""

    def within(self, share: float, search: Callable[[], tuple[Found, ...]]) -> tuple[Found, ...]:
        """What `search` finds until `share` of the time is over; nothing where it is cut off."""
        self._until = self._start + share * self._seconds
        try:
            return search()
        except _Spent:
            return ()

    def watch(self, choice: Sequence[Combination]) -> Iterator[Combination]:
        """The suspects in `choice`, one after the other, while there is time."""
        for count, made in enumerate(choice):
            what = "pairs of known mistakes" if len(made) > 1 else "known mistakes"
            self._at = f"{count} of {len(choice)} {what}"
            self.check()
            yield made

    def check(self) -> None:
        """End the search where the time is over; for use between the inputs of a suspect."""
        if time.monotonic() > self._until:
            self.tried = self.tried or self._at
            raise _Spent
