"""Make a failing input small: fewer rows and columns, smaller options, a small seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.candidate.whole import augment
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.pipeline import Step
from parity.sample import Sample

# Whether the candidate still differs from the reference in the same manner.
Differs = Callable[[Step, Any, GeneratorState], bool]
# Seeds tried for each smaller input, besides the one at hand.
SEEDS = 6
_SIZES = ("crop_size", "scale", "size")


@dataclass(frozen=True, eq=False)
class Found:
    """A failing case. seed: of `state`, or None when it is some later state of a stream."""

    step: Step
    value: Any
    state: GeneratorState
    seed: int | None = None


def shrink(found: Found, differs: Differs, *, seconds: float = 15.0) -> Found:
    """The smallest failing case that bisecting finds within `seconds`."""
    deadline = time.monotonic() + seconds
    smaller = _try(found, found.step, found.value, differs, keep=False) or found
    while time.monotonic() < deadline:
        before = smaller
        smaller = _shrink_options(smaller, differs, deadline)
        for axis in (0, 1):
            smaller = _shrink_axis(smaller, axis, differs, deadline)
        if smaller is before:
            break
    return smaller


def _try(
    found: Found, step: Step, value: Any, differs: Differs, *, keep: bool = True
) -> Found | None:
    """The case with another step or value, from the first state in which it fails."""
    states = [(found.state, found.seed)] if keep else []
    states += [(seed_state(seed), seed) for seed in range(SEEDS)]
    for state, seed in states:
        if differs(step, value, state):
            return Found(step, value, state, seed)
    return None


def seed_state(seed: int) -> GeneratorState:
    """The state of ``RandomState(seed)``."""
    return GeneratorState.of(RecordingRandomState(seed))


def _shrink_options(found: Found, differs: Differs, deadline: float) -> Found:
    while time.monotonic() < deadline:
        step = _halved(found.step)
        better = None if step is None else _try(found, step, found.value, differs)
        if better is None:
            break
        found = better
    return found


def _halved(step: Step) -> Step | None:
    """`step` with its sizes halved, those of a whole pipeline together; None without sizes."""
    if step.function is augment:
        inner = tuple(_halved(one) or one for one in step.options["steps"])
        changed = inner != step.options["steps"]
        return Step(step.name, step.function, {"steps": inner}) if changed else None
    sizes = {key: step.options[key] for key in _SIZES if key in step.options}
    if not sizes or any(not _edges(size) or min(_edges(size)) < 4 for size in sizes.values()):
        return None
    halved = {key: tuple(edge // 2 for edge in size) for key, size in sizes.items()}
    return Step(step.name, step.function, {**step.options, **halved})


def _edges(size: Any) -> tuple[int, ...]:
    whole = isinstance(size, tuple) and all(isinstance(edge, int) for edge in size)
    return size if whole else ()


def _shrink_axis(found: Found, axis: int, differs: Differs, deadline: float) -> Found:
    """Take out runs of rows (0) or columns (1), long ones first."""
    length = length_of(found.value, axis)
    chunk = length // 2
    while chunk >= 1 and time.monotonic() < deadline:
        start = 0
        while start < length and length > 1 and time.monotonic() < deadline:
            stop = min(start + chunk, length)
            value = without(found.value, axis, start, stop) if stop - start < length else None
            better = None if value is None else _try(found, found.step, value, differs)
            if better is None:
                start += chunk
            else:
                found, length = better, length_of(better.value, axis)
        chunk //= 2
    return found


def length_of(value: Any, axis: int) -> int:
    """Rows or columns of an input; 0 when it is of a kind that is left as it is."""
    arrays = _arrays(value)
    return int(arrays[0].shape[axis]) if arrays else 0


def without(value: Any, axis: int, start: int, stop: int) -> Any:
    """`value` without a run of rows or columns, in all of its arrays of that size."""
    shape = _arrays(value)[0].shape[:2]

    def cut(array: Any) -> Any:
        fits = isinstance(array, np.ndarray) and array.shape[:2] == shape
        return np.delete(array, slice(start, stop), axis) if fits else array

    if isinstance(value, Sample):
        image, seg = cut(value.image), cut(value.seg)
        sizes = {"img_shape": image.shape[:2]}
        if value.meta.get("ori_shape") == shape:
            sizes["ori_shape"] = image.shape[:2]
        return replace(value, image=image, seg=seg, meta=value.meta.replace(**sizes))
    if isinstance(value, Mapping):
        return {key: cut(array) for key, array in value.items()}
    return tuple(cut(array) for array in value)


def _arrays(value: Any) -> list[NDArray[Any]]:
    """The arrays of an input that can lose rows: samples, pairs, and mappings of label maps."""
    if isinstance(value, Sample):
        return [value.image]
    items = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(items, (list, tuple)) or not items:
        return []
    plain = all(isinstance(item, np.ndarray) and item.ndim >= 2 for item in items)
    same = plain and len({item.shape[:2] for item in items}) == 1
    return list(items) if same and not isinstance(value, list) else []
