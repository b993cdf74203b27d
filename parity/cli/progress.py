"""How far a check or a training is: a bar on a terminal, elsewhere a line a minute; and Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from parity.check.progress import Progress, Watch
from parity.check.summary import CaseResult
from parity.cli.console import complain, plain
from parity.errors import WorkerLost

MINUTE = 60.0


class Telling(Progress):
    """Tells on stderr how far a check or a training is, and ends it early where it is told to.

    Used as a context. watch: is passed every result. seconds: between two lines where
    there is no terminal. unit: what is counted.
    interrupted: whether Ctrl-C was pressed; lost: the worker that went, which the
    caller raises once the report of what was done is written.
    """

    def __init__(
        self, watch: Watch | None = None, *, seconds: float = MINUTE, unit: str = "cases"
    ) -> None:
        super().__init__(watch)
        self.interrupted = False
        self.lost: WorkerLost | None = None
        self._seconds, self._unit = seconds, unit
        self._done, self._total = 0, 0
        self._doing, self._verb = "loading", "checking"
        self._started = time.monotonic()
        self._over = threading.Event()
        self._console = plain(stderr=True)
        self._quiet = not (self._console.is_terminal and not self._console.is_dumb_terminal)
        self._may_raise = True

    def __enter__(self) -> Telling:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._hear)
        if self._quiet:
            threading.Thread(target=self._speak, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)

    def results(self, results: Iterable[CaseResult], total: int) -> Iterator[CaseResult]:
        """The same results until the check is stopped."""
        results = super().results(results, total)
        self._total, self._doing, self._started = total, "checking", time.monotonic()
        with self._bar() as bar:
            task = bar.add_task("checking", total=total)
            for result in self._until_stopped(iter(results)):
                self._done += 1
                bar.update(task, advance=1)
                yield result
        if self.stopped:
            self.stopped += f" after {self._done:,} of {total:,} {self._unit}"

    @contextmanager
    def counting(self, doing: str, total: int) -> Iterator[Callable[[int], None]]:
        """A block that says how much of `total` is done, and that Ctrl-C ends at once."""
        self._total, self._doing, self._verb = total, doing, doing
        self._started = time.monotonic()
        with self._bar() as bar, self.phase(""):
            task = bar.add_task(doing, total=total)

            def count(done: int) -> None:
                if self.interrupted:  # and what was running then has caught it
                    raise KeyboardInterrupt
                self._done = done
                bar.update(task, completed=done)

            yield count

    def _until_stopped(self, results: Iterator[CaseResult]) -> Iterator[CaseResult]:
        with self.phase(""):
            for result in results:
                self._may_raise = False  # whoever takes the result is not to be torn from it
                yield result
                self._may_raise = True
                if self.interrupted:
                    raise KeyboardInterrupt

    @contextmanager
    def phase(self, doing: str) -> Iterator[None]:
        """A block that Ctrl-C and the loss of a worker end at once."""
        self._doing = doing or self._doing
        self._may_raise = True
        try:
            if self.interrupted:
                raise KeyboardInterrupt
            yield
        except KeyboardInterrupt:
            self.stopped = f"interrupted {doing}".strip()
        except WorkerLost as error:
            self.stopped, self.lost = f"a worker process was lost {doing}".strip(), error
        finally:
            self._may_raise = False

    def _hear(self, number: int, frame: FrameType | None) -> Any:
        """Ctrl-C: once where it does no harm; twice at once, without a report."""
        if self.interrupted or self._may_raise:
            self.interrupted = True
            raise KeyboardInterrupt
        self.interrupted = True

    def _bar(self) -> Bar:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate()
        return Bar(
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=self._quiet,
        )

    def _speak(self) -> None:
        while not self._over.wait(self._seconds):
            complain(self.line())

    def line(self) -> str:
        """Where the check is, with its rate and the time left."""
        if self._doing != self._verb or not self._done:
            done = f"{self._done:,} of {self._total:,} {self._unit} done"
            return f"{done}; {self._doing.removeprefix('while ').replace(' were ', ' are being ')}"
        spent = time.monotonic() - self._started
        left = duration((self._total - self._done) * spent / self._done)
        return (
            f"{self._verb}: {self._done:,} of {self._total:,} {self._unit}, "
            f"{_rate(self._done / spent)}, about {left} left"
        )


class _Rate(ProgressColumn):
    """How many a second or a minute."""

    def render(self, task: Task) -> Text:
        """Nothing until there is a rate."""
        return Text("" if not task.speed else _rate(task.speed))


def _rate(per_second: float) -> str:
    return f"{per_second:.3g} a second" if per_second >= 1 else f"{60 * per_second:.2g} a minute"


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 05 min``."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
