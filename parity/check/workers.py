"""Processes that compute for a check: deaf to Ctrl-C, which their parent hears and ends them by."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from typing import TypeVar

import cv2
import torch

from parity.errors import WorkerLost

Item = TypeVar("Item")
Made = TypeVar("Made")
# Blocks of items handed out per process: one is worked on, the others wait.
AHEAD = 3


def in_processes(
    function: Callable[[Item], Made], items: Iterable[Item], jobs: int, *, block: int = 1
) -> Iterator[Made]:
    """`function` of every item, in order, in `jobs` processes of one thread each.

    Items are taken a few blocks ahead, so that memory stays flat however many there
    are. Raises WorkerLost when a process is ended from outside.
    """
    taken = iter(items)
    waiting: deque[Future[list[Made]]] = deque()
    with _pool(jobs) as pool:
        while some := list(islice(taken, block)):
            with deaf():
                waiting.append(pool.submit(_each, function, some))
            if len(waiting) > AHEAD * jobs:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _each(function: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    return [function(item) for item in items]


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that are killed when the block ends in any other way than by its end."""
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=use_one_thread)
    try:
        yield pool
    except BaseException as error:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise WorkerLost(
                "a worker process was ended from outside, perhaps for want of memory; "
                "free some, or give fewer --jobs"
            ) from error
        raise
    pool.shutdown()


@contextmanager
def deaf() -> Iterator[None]:
    """Processes started in this block never hear Ctrl-C; this one hears it after the block."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it unblocks the signal when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def use_one_thread() -> None:
    """Compute in one thread: sums over threads round differently with their number."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
