"""Make a failing input small: fewer rows and columns, smaller options, a small seed."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from parity.candidate.whole import augment
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.pipeline import Step
from parity.sample import Sample

# Whether the candidate still differs from the reference in the same manner.
Differs = Callable[[Step, Any, GeneratorState], bool]
# Seeds tried for each smaller input, besides the one at hand.
SEEDS = 6
_SIZES = ("crop_size", "scale", "size")
_PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True, eq=False)
class FailingCase:
    """A failing case. seed: of `state`, or None when it is some later state of a stream.

    draws: whether either side draws; where none does, no other state is tried.
    """

    step: Step
    value: Any
    state: GeneratorState
    seed: int | None = None
    draws: bool = True


def shrink(found: FailingCase, differs: Differs, *, seconds: float = 15.0) -> FailingCase:
    """The smallest failing case that bisecting finds within `seconds`."""
    deadline = time.monotonic() + seconds
    differs = _until(deadline, differs)
    smaller = _try(found, found.step, found.value, differs, keep=False) or found
    while time.monotonic() < deadline:
        before = smaller
        smaller = _shrink_options(smaller, differs, deadline)
        for axis in (0, 1):
            smaller = _shrink_axis(smaller, axis, differs, deadline)
        if smaller is before:
            break
    return smaller


def _until(deadline: float, differs: Differs) -> Differs:
    """As `differs`, which no case does any more when the time is over."""

    def in_time(step: Step, value: Any, state: GeneratorState) -> bool:
        return time.monotonic() < deadline and differs(step, value, state)

    return in_time


def _try(
    found: FailingCase, step: Step, value: Any, differs: Differs, *, keep: bool = True
) -> FailingCase | None:
    """The case with another step or value, from the first state in which it fails."""
    states = [(found.state, found.seed)] if keep else []
    if found.draws or not keep:
        states += [(seed_state(seed), seed) for seed in range(SEEDS if found.draws else 1)]
    for state, seed in states:
        if differs(step, value, state):
            return replace(found, step=step, value=value, state=state, seed=seed)
    return None


def seed_state(seed: int) -> GeneratorState:
    """The state of ``RandomState(seed)``."""
    return GeneratorState.of(RecordingRandomState(seed))


def _shrink_options(found: FailingCase, differs: Differs, deadline: float) -> FailingCase:
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
        return replace(step, options={"steps": inner}) if changed else None
    sizes = {key: step.options[key] for key in _SIZES if key in step.options}
    if not sizes or any(not _edges(size) or min(_edges(size)) < 4 for size in sizes.values()):
        return None
    halved = {key: tuple(edge // 2 for edge in size) for key, size in sizes.items()}
    return replace(step, options={**step.options, **halved})


def _edges(size: Any) -> tuple[int, ...]:
    whole = isinstance(size, tuple) and all(isinstance(edge, int) for edge in size)
    return size if whole else ()


def _shrink_axis(found: FailingCase, axis: int, differs: Differs, deadline: float) -> FailingCase:
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
    size = _size(value)
    return size[axis] if size else 0


def without(value: Any, axis: int, start: int, stop: int) -> Any:
    """`value` without a run of rows (0) or columns (1), in all of its arrays of that size."""
    size = _size(value)
    if isinstance(value, Sample):
        image, seg = (_cut(side, size, axis, start, stop) for side in (value.image, value.seg))
        sizes = {"img_shape": image.shape[:2]}
        if value.meta.get("ori_shape") == size:
            sizes["ori_shape"] = image.shape[:2]
        return replace(value, image=image, seg=seg, meta=value.meta.replace(**sizes))
    return _cut(value, size, axis, start, stop)


def _size(value: Any) -> tuple[int, int] | None:
    """(rows, columns) of an input that can lose some; of what describes itself, a sample only."""
    if isinstance(value, Sample):
        return value.image.shape[0], value.image.shape[1]
    sizes = list(_sizes(value))
    return sizes[0] if sizes and None not in sizes and len(set(sizes)) == 1 else None


def _sizes(value: Any) -> Iterator[tuple[int, int] | None]:
    """Of every array in mappings, tuples and lists; None for what must stay as it is."""
    if isinstance(value, (np.ndarray, torch.Tensor)):
        yield _plane(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _sizes(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _sizes(item)
    elif not isinstance(value, _PLAIN):
        yield None


def _plane(array: Any) -> tuple[int, int] | None:
    """Rows and columns: the first two axes of an array ``(H, W, ...)``, the last of a tensor."""
    if array.ndim < 2:
        return None
    rows, columns = array.shape[-2:] if isinstance(array, torch.Tensor) else array.shape[:2]
    return int(rows), int(columns)


def _cut(value: Any, size: tuple[int, int] | None, axis: int, start: int, stop: int) -> Any:
    if isinstance(value, (np.ndarray, torch.Tensor)):
        if _plane(value) != size:
            return value
        if isinstance(value, np.ndarray):
            return np.delete(value, slice(start, stop), axis)
        at = value.ndim - 2 + axis
        sides = (value.narrow(at, 0, start), value.narrow(at, stop, value.shape[at] - stop))
        return torch.cat(sides, dim=at)
    if isinstance(value, Mapping):
        return {key: _cut(item, size, axis, start, stop) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_cut(item, size, axis, start, stop) for item in value]
        if isinstance(value, list):
            return items
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value
