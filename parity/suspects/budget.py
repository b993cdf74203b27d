"""Time that a diagnosis may take: 20 seconds a step, unless somebody waits for longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from parity.suspects.lineup import Made

Found = TypeVar("Found")

# Seconds per step of a report.
SECONDS = 20.0


class _Spent(Exception):
    """The time is over."""


class Clock:
    """Counts what is tried, and stops between two suspects when the time is over.

    seconds: in all, from now; a call of one suspect is not interrupted.
    """

    def __init__(self, seconds: float) -> None:
        self._start = time.monotonic()
        self._seconds = seconds
        self._until = self._start + seconds
        self.tried = ""

    def within(self, share: float, search: Callable[[], tuple[Found, ...]]) -> tuple[Found, ...]:
        """What `search` finds until `share` of the time is over; nothing where it is cut off."""
        self._until = self._start + share * self._seconds
        try:
            return search()
        except _Spent:
            return ()

    def watch(self, choice: Sequence[Made]) -> Iterator[Made]:
        """The suspects in `choice`, one after the other, while there is time."""
        for count, made in enumerate(choice):
            if time.monotonic() > self._until:
                what = "pairs of known mistakes" if len(made) > 1 else "known mistakes"
                self.tried = self.tried or f"{count} of {len(choice)} {what}"
                raise _Spent
            yield made
