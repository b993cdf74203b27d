"""Run one step of a candidate and see what it does besides its result."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from parity.candidate.streams import candidate_streams
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState
from parity.compare.trace import StepFunction, StepRecord, run_step
from parity.compare.tree import children, compare_tree
from parity.errors import InputError

NOTHING = "returns None"
UNUSABLE = "returns what cannot be compared"


def run_guarded(
    name: str, function: StepFunction, value: Any, state: GeneratorState
) -> tuple[StepRecord, str]:
    """Run `function` on a copy of `value`: its record, and what it must not do, or "".

    What the candidate raises is in the record, ``sys.exit`` too. For its random
    streams see `parity.candidate.streams`.
    """
    given = copy.deepcopy(value)
    record = run_step(name, _contained(function), given, state)
    misuse = "" if record.error else find_misuse(value, given, record.output)
    return _with_input(record, value), misuse


def find_misuse(before: Any, given: Any, output: Any) -> str:
    """What is wrong with the manner of an answer: None, a changed input, a view, an odd type.

    before, given: the input as it was, and as it is now. Passing an array on
    untouched is no view.
    """
    if output is None:
        return f"{NOTHING}; return the result"
    found = []
    try:
        compare_tree(output, output)
    except InputError as error:
        return f"{UNUSABLE}: {error}"
    changed = [
        path or "the input"
        for path, leaf in compare_tree(given, before).items()
        if leaf.verdict is Verdict.DIFFERENT
    ]
    if changed:
        found.append(f"changes its input ({', '.join(changed)}); copy it first")
    inputs = [array for _, array in _arrays(given)]
    views = [
        path or "the result"
        for path, array in _arrays(output)
        if any(_is_view(array, source) for source in inputs)
    ]
    if views:
        found.append(f"returns a view of its input ({', '.join(views)}); return a copy")
    return "; ".join(found)


def _is_view(array: np.ndarray[Any, Any], source: np.ndarray[Any, Any]) -> bool:
    if array.size == 0 or not np.may_share_memory(array, source):
        return False
    same = array.__array_interface__["data"] == source.__array_interface__["data"]
    return not (same and array.shape == source.shape and array.strides == source.strides)


def _arrays(value: Any, path: str = "") -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    parts = children(value)
    if parts is not None:
        for name, part in parts.items():
            yield from _arrays(part, f"{path}.{name}" if path else name)
    elif isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, torch.Tensor) and value.device.type == "cpu":
        tensor = value.detach()
        bits = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
        yield path, bits.numpy()


def _contained(function: StepFunction) -> StepFunction:
    def call(value: Any, rng: Any) -> Any:
        try:
            with candidate_streams(rng):
                return function(value, rng)
        except SystemExit as error:
            raise RuntimeError(f"calls sys.exit({error.code!r})") from error

    return call


def _with_input(record: StepRecord, value: Any) -> StepRecord:
    """The record keeps the input as it was given, not as the candidate left it."""
    return StepRecord(
        record.name,
        value,
        record.state_before,
        record.output,
        record.state_after,
        record.draws,
        record.error,
    )
