"""A candidate in a process of its own: whatever it does, the check goes on.

A call that takes longer than the limit is ended by killing the process, which
ends everything, compiled code too. A crash (a segmentation fault, ``os._exit``) is told
apart from it. Either way the next call gets a fresh process. A process that somebody
else ends, by ``kill`` or for want of memory, says nothing about the candidate.
"""

import multiprocessing
import pickle
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from parity.candidate import runner
from parity.candidate.guard import UNUSABLE
from parity.candidate.load import load_candidate
from parity.candidate.steps import candidate_from
from parity.check.candidate import Candidate
from parity.check.workers import deaf
from parity.compare.rng import GeneratorState
from parity.compare.trace import StepRecord
from parity.errors import InputError, WorkerLost
from parity.pipeline import Step

# Importing torch on a loaded machine takes seconds; a user's own imports may take more.
LOAD_LIMIT = 180.0
# (object, its name in messages) -> what it gives
Make = Callable[[Any, str], Candidate]


class WorkerProcess:
    """The candidate named `text`, loaded and run in a child process.

    limit: seconds per call. make: sorts what was loaded; it is pickled. Raises
    InputError when it cannot be loaded.
    """

    def __init__(
        self, text: str, *, limit: float = runner.DEFAULT_LIMIT, make: Make = candidate_from
    ) -> None:
        self._text = text
        self._make = make
        self._limit = limit
        self._start()

    def run(self, part: str, step: Step, value: Any, state: GeneratorState) -> runner.Outcome:
        """See `parity.candidate.runner.Runner`."""
        if not self._process.is_alive():
            self._start()
        try:
            self._connection.send_bytes(pickle.dumps((part, step, value, state)))
            answered = self._connection.poll(self._limit)
        except (BrokenPipeError, ConnectionResetError):
            answered = True  # the process is gone, as the receiving below finds out
        if not answered:
            self._kill()
            reason = f"TimeLimit: ran longer than {self._limit:g} s; its process was killed"
            return runner.ended(step, value, state, reason)
        try:
            content = self._connection.recv_bytes()
        except (EOFError, OSError):
            return runner.ended(step, value, state, self._obituary())
        try:
            _, answer = pickle.loads(content)
        except Exception:  # a class of the candidate, which this process does not know
            kept = StepRecord(step.name, value, state, None, state)
            return runner.Outcome(kept, f"{UNUSABLE}: an object of a class of its own")
        # The input was left out of the answer to keep it small.
        outcome: runner.Outcome = answer
        return replace(outcome, record=replace(outcome.record, input=value))

    def close(self) -> None:
        """End the process."""
        if self._process.is_alive():
            self._kill()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._text, self._make), daemon=True
        )
        with deaf():
            self._process.start()
        theirs.close()
        if not self._connection.poll(LOAD_LIMIT):
            self._kill()
            raise InputError(f"{self._text}: was not imported within {LOAD_LIMIT:g} s")
        try:
            kind, answer = pickle.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise InputError(f"{self._text}: while it was imported, {self._obituary()}") from None
        if kind == "error":
            raise InputError(answer)
        self.description: runner.Description = answer

    def _kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _obituary(self) -> str:
        self._process.join(5)
        code = self._process.exitcode
        self._kill()
        if code in (-signal.SIGKILL, -signal.SIGTERM):
            raise WorkerLost(
                f"{self._text}: its process was ended by {signal.Signals(-code).name} from "
                "outside, perhaps for want of memory; free some and check again"
            )
        if code is not None and code < 0:
            return f"Crash: its process ended by {signal.Signals(-code).name}"
        return f"Crash: its process ended with exit code {code}"


def _serve(connection: Connection, text: str, make: Make) -> None:
    """The child's side: load, describe, then answer calls until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be made deaf
    try:
        candidate = make(load_candidate(text), text)
    except InputError as error:
        connection.send_bytes(pickle.dumps(("error", str(error))))
        return
    connection.send_bytes(pickle.dumps(("ready", runner.Description.of(candidate))))
    while True:
        try:
            request = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(_answer(candidate, request))


def _answer(candidate: Candidate, request: bytes) -> bytes:
    part, step, value, state = pickle.loads(request)
    outcome = runner.call_part(candidate, part, step, value, state)
    try:
        return pickle.dumps(("done", runner.without_input(outcome)))
    except Exception as error:  # what a candidate returns may refuse to be pickled in any way
        kept = replace(outcome.record, input=None, output=None)
        misuse = outcome.misuse or f"{UNUSABLE}: {type(error).__name__}: {error}"
        return pickle.dumps(("done", runner.Outcome(kept, misuse)))
