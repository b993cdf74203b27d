"""A time limit for code in this process.

The alarm signal ends Python code and every call that comes back to Python now
and then. A single call of compiled code that never comes back cannot be ended
in this way; ``parity check --candidate`` therefore runs candidates in a process
of their own (`parity.candidate.worker`), which is killed.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# A candidate may swallow the first exception; it is raised again this often, in seconds.
REPEAT = 0.5


class TimeLimit(BaseException):
    """The limit has passed; not an Exception, so that ``except Exception`` does not catch it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimit inside once `seconds` have passed.

    Without effect off the main thread and where there is no alarm signal
    (Windows). A timer that was running goes on afterwards.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def passed(number: int, frame: FrameType | None) -> None:
        raise TimeLimit(f"ran longer than {seconds:g} s and was ended")

    handler = signal.signal(signal.SIGALRM, passed)
    before, interval = signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
    started = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if before:
            left = max(before - (time.monotonic() - started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, interval)
