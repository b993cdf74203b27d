"""Two trainings in one process, of which one runs at a time, up to its next observation.

Each trains in a thread of its own and waits wherever something is seen, so that both
are held beside each other tensor by tensor, as they are at that moment: nothing is
copied or kept, and what parts is there on both sides. Two processes would have to send
every tensor, or digests, which cannot tell what a difference was. While a side waits,
the states of the generators are its own: it trains as if it were alone.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch._C import _error_if_any_worker_fails

from parity.errors import InputError, ParityError
from parity.train.observe import LEFT_BEHIND, START, Observer, Values, generators, set_generators
from parity.train.operations import OperationLog, TorchOperation
from parity.train.traces import INTERRUPTED, TrainingTrace

Train = Callable[[Observer], object]
# A side that waits for a killed worker finds out within 5 s, unless half a batch came of it.
CHECK_SECONDS = 10.0


@dataclass(frozen=True)
class Observation:
    """What a side shows. iteration: from 1; 0 before the first."""

    iteration: int
    quantity: str
    values: Values


class _Stopped(BaseException):
    """Ends a training that is no longer looked at; no handler of errors catches it."""


class TrainingSide(Observer):
    """A training that goes on when it is asked for its next observation.

    name: in messages. fully: the last iteration of which everything is shown; of later ones
    generators and losses are, and of the `last` its parameters and what goes with them.
    threads: that torch computes with; the same number on both sides, for sums depend on it.
    shows: of which modules the activations are shown. log_at: the iteration whose operations
    are logged; `operations` are then those since the observation before.
    begun: iterations that were made before. trace: its losses and scores so far.
    """

    def __init__(
        self,
        name: str,
        train: Train,
        *,
        fully: int | None = None,
        last: int | None = None,
        device: str = "cpu",
        threads: int = 1,
        shows: Callable[[str], bool] = lambda name: True,
        log_at: int | None = None,
        begun: int = 0,
    ) -> None:
        self.name, self.fully, self.last = name, fully, last
        self.iteration, self.trace = begun, TrainingTrace()
        self.at: Observation | None = None
        self.device, self.threads, self.shows = device, threads, shows
        self.log_at, self.log = log_at, OperationLog()
        self.operations: list[TorchOperation] = []
        self.states = generators(device)
        self.error: BaseException | None = None
        self._stopping = self._lost = False
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(train,), daemon=True)

    def __call__(self, quantity: str, values: Values) -> None:
        """Wait until the next observation is asked for."""
        if threading.current_thread() is not self._thread:
            return  # what is computed a second time in the backward pass of a GPU
        self.iteration += quantity == START
        self.trace.see(self.iteration, quantity, values)
        if not self._wanted(quantity, values):
            return
        self.at = Observation(self.iteration, quantity, values)
        self.operations = self.log.take()
        if quantity == START and self.iteration == self.log_at:
            self.log.name(self.model)
            self.log.on = True
        self._theirs.release()
        self._mine.acquire()
        if self._stopping:
            raise _Stopped

    def _wanted(self, quantity: str, values: Values) -> bool:
        if quantity.startswith("activations") and not self.shows(next(iter(values))):
            return False
        if self.fully is None or self.iteration <= self.fully:
            return True
        left = self.iteration == self.last and quantity in ("parameters", *LEFT_BEHIND)
        return left or quantity in (START, "losses", "scores")

    def next(self) -> Observation | None:
        """The next observation; None at the end. Raises InputError for what the training raised."""
        apart = generators(self.device)
        set_generators(self.states)
        self.at = None
        self._go_on()
        self.states = generators(self.device)
        set_generators(apart)
        if self.error is not None:
            raise _told(self) from self.error
        return self.at

    def stop(self, *, waiting: bool = True) -> None:
        """End the training where it waits; without `waiting` at the next place by itself."""
        self._stopping = True
        if self._lost or not waiting:
            self._mine.release()
        elif self._thread.is_alive():
            self._go_on()
            self._thread.join()

    def _go_on(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._mine.release()
        try:  # torch asks after its workers when a process ends, too, wherever the main thread is
            while not self._theirs.acquire(timeout=CHECK_SECONDS):
                _error_if_any_worker_fails()  # of either side: the other may wait for ever
        except RuntimeError as error:
            self._lost = True
            raise InputError(f"iteration {self.iteration}: {error}") from error

    def _run(self, train: Train) -> None:
        torch.set_num_threads(self.threads)
        try:
            with contextlib.nullcontext() if self.log_at is None else self.log:
                train(self)
        except _Stopped:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self._theirs.release()


def run_alone(side: TrainingSide, progress: Callable[[int], None]) -> None:
    """Train one side; Ctrl-C ends it. Raises InputError for a loss that is not finite."""
    try:
        while (at := side.next()) is not None:
            if side.trace.broken:
                raise InputError(f"{side.name}, {side.trace.broken}; earlier checkpoints stay")
            progress(at.iteration)
    except KeyboardInterrupt:
        side.trace.broken = INTERRUPTED
        if not side.trace.steps:
            raise
    finally:
        side.stop(waiting=side.trace.broken != INTERRUPTED)


def _told(side: TrainingSide) -> InputError:
    error = side.error
    named = [] if isinstance(error, ParityError) else [type(error).__name__]
    text = ": ".join([*named, *filter(None, [" ".join(str(error).split())])])
    return InputError(f"{side.name}, iteration {side.iteration}: {text:.400}")
