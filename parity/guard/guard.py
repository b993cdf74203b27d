"""Alarms told by one process, and a training that then ends in all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

from torch import distributed

from parity.errors import ParityError
from parity.guard.monitor import Alarm, Monitor


class BrokenTraining(ParityError):
    """A training was found broken, and was asked to stop then."""


class Guard(ABC):
    """Tells the first process's alarms; with ``on_error="stop"``, ends the training.

    Of several processes, none may end alone: the others would wait for it. They end at the next
    iteration that all of them look at. zero, every: see `Monitor`.
    """

    def __init__(
        self, on_error: Literal["stop", "warn"] = "warn", zero: int = 10, every: int = 50
    ) -> None:
        if on_error not in ("stop", "warn"):
            raise ValueError(f"on_error is {on_error!r}; give 'stop' or 'warn'")
        self.on_error = on_error
        self.alarms: list[Alarm] = []
        self.monitor = Monitor(self.tell, zero=zero, every=every)
        self._stopped = ""

    @abstractmethod
    def say(self, text: str) -> None:
        """One line to whoever reads the log."""

    def tell(self, alarm: Alarm) -> None:
        """Tell one alarm; in a single process, raises BrokenTraining where it is to end."""
        if not _is_first():
            return
        self.alarms.append(alarm)
        self.say(f"parity: {alarm.id}: {alarm.text}")
        if alarm.broken and self.on_error == "stop":
            self._stopped = self._stopped or f"{alarm.id}: {alarm.text}"
            if not _are_several():
                raise BrokenTraining(self._stopped)

    def after(self, loss: Any = None) -> None:
        """The end of an iteration in every process. loss: see `Monitor.after`."""
        looked = self.monitor.looks
        self.monitor.after(loss)
        if looked:
            self.together()

    def together(self) -> None:
        """Where every process comes by: ends them all, the first with BrokenTraining."""
        if self.on_error != "stop" or not _are_several():
            return
        given = [self._stopped]
        distributed.broadcast_object_list(given, src=0)
        if given[0]:
            raise BrokenTraining(given[0]) if _is_first() else SystemExit(1)


def _are_several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and _size() > 1


def _size() -> int:
    return int(distributed.get_world_size())


def _is_first() -> bool:
    return not _are_several() or distributed.get_rank() == 0
