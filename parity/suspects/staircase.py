"""Rates that change once in several iterations, in a schedule that changes at each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parity.compare.rounding import bound, roundings_of
from parity.compare.trace import StepRecord


def staircase(wrong: Sequence[tuple[StepRecord, StepRecord]]) -> str:
    """What is said where, in every record, the rate is that of the last multiple of some length."""
    if not all(isinstance(one.input, dict) and "base_lrs" in one.input for one, _ in wrong):
        return ""
    lengths = sorted({_length(expected, actual) for expected, actual in wrong})
    if not lengths or lengths[0] == 0:
        return ""
    told = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    return (
        f"Each rate is kept for {told} iterations, as if the scheduler were stepped once an epoch; "
        f"the reference changes it at every iteration."
    )


def _length(expected: StepRecord, actual: StepRecord) -> int:
    """How many iterations each rate is kept for; 0 where they are no such steps."""
    mine, theirs = actual.output, expected.output
    if not (_is_table(mine) and _is_table(theirs)) or mine.shape != theirs.shape:
        return 0
    slack = bound("float64", float(theirs.max()), roundings_of(expected.input))
    changed = np.flatnonzero((mine != mine[0]).any(axis=1))
    longest = int(changed[0]) if len(changed) else 0
    at = np.arange(len(mine))
    fitting = (
        length
        for length in range(longest, 1, -1)
        if bool((np.abs(mine - theirs[at // length * length]) <= slack).all())
    )
    return next(fitting, 0)


def _is_table(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and len(value) > 1
