"""Run one step of a candidate and see what it does besides its result."""

import copy
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from parity.candidate.manners import view_note
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState, record_global_draws
from parity.compare.trace import StepFunction, StepRecord, run_step
from parity.compare.tree import compare_tree, insist_on_leaves
from parity.errors import InputError

NOTHING = "returns None"
UNUSABLE = "returns what cannot be compared"


def run_guarded(
    name: str, function: StepFunction, value: Any, state: GeneratorState
) -> tuple[StepRecord, str, str]:
    """Run `function` on a copy of `value`: its record, and what it must not do, or "".

    Last comes what is odd about its manner and not wrong, or "". What the candidate
    raises is in the record, ``sys.exit`` too. For its random streams see
    `parity.candidate.guard`.
    """
    given = copy.deepcopy(value)
    record = run_step(name, _contained(function), given, state)
    misuse = "" if record.error else find_misuse(value, given, record.output)
    alone = bool(record.error) or misuse.startswith((NOTHING, UNUSABLE))
    told = "" if alone else (getattr(record.output, "manner", ""), view_note(given, record.output))
    # The record keeps the input as it was given, not as the candidate left it.
    return replace(record, input=value), misuse, "; ".join(filter(None, told))


def find_misuse(before: Any, given: Any, output: Any) -> str:
    """What is wrong besides the values of an answer: None, a changed input, an odd type.

    before, given: the input as it was, and as it is now.
    """
    if output is None:
        return f"{NOTHING}; return the result"
    found = []
    try:
        insist_on_leaves(output)
    except InputError as error:
        return f"{UNUSABLE}: {error}"
    changed = [
        path or "the input"
        for path, leaf in compare_tree(given, before).items()
        if leaf.verdict is Verdict.DIFFERENT
    ]
    if changed:
        found.append(f"changes its input ({', '.join(changed)}); copy it first")
    return "; ".join(found)


def _contained(function: StepFunction) -> StepFunction:
    def call(value: Any, rng: Any) -> Any:
        try:
            with candidate_streams(rng):
                return function(value, rng)
        except SystemExit as error:
            raise RuntimeError(f"calls sys.exit({error.code!r})") from error
        except MemoryError as error:  # it asked for too much, which is a finding
            raise RuntimeError(f"{type(error).__name__}: {error}") from error

    return call


@contextmanager
def candidate_streams(rng: RecordingRandomState) -> Iterator[None]:
    """Let the global ``np.random`` continue `rng` inside, as mmseg's own code draws.

    A candidate that draws from ``np.random`` and not from `rng` moves `rng` all
    the same. The generators of random and torch are seeded from `rng`, so that
    code which draws from them gives the same twice. All are as before afterwards.
    """
    before = GeneratorState.of(rng)
    kept = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    random.seed(before.seed)
    torch.manual_seed(before.seed)
    np.random.set_state(rng.get_state())
    try:
        with ExitStack() as patches:
            record_global_draws(rng, patches)
            yield
        if GeneratorState.of(rng) == before:
            rng.set_state(np.random.get_state())
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.random.set_rng_state(kept[2])
