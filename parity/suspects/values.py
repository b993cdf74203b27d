"""Options that have another value than they are given, whatever that is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from parity.pipeline import Step
from parity.suspects.mistake import with_others
from parity.suspects.suspect import Replaced, Suspect, replaced_by

# Values of one option that a sentence lists.
TOLD = 4
# Values that people take for granted, by option and by kind: of mmseg's and mmdet's configs, of
# torch, of other projects, and those next to them.
_SIZES = ((512, 512), (512, 1024), (640, 640), (769, 769), (1024, 1024), (256, 256), (224, 224))
_SCALES = ((2048, 512), (2560, 640), (2048, 1024), (1024, 512), (512, 512), (1333, 800))
_CAFFE = (103.939, 116.779, 123.68)
_USUAL: Mapping[str, tuple[Any, ...]] = {
    "mean": (
        *((123.675, 116.28, 103.53), (103.53, 116.28, 123.675), _CAFFE, _CAFFE[::-1]),
        *((0.5, 0.5, 0.5), (127.5, 127.5, 127.5), (128.0, 128.0, 128.0)),
        *((0.0, 0.0, 0.0), (122.7709383, 116.7460125, 104.09373615)),
    ),
    "std": (
        *((58.395, 57.12, 57.375), (57.375, 57.12, 58.395), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5)),
        *((0.229, 0.224, 0.225), (127.5, 127.5, 127.5), (255.0, 255.0, 255.0)),
        (68.5005327, 66.6321579, 70.32316305),
    ),
    "ignore_index": (255, 254, 0, 150, 19, -1, -100, None),
    "crop_size": _SIZES,
    "size": _SIZES,
    "test_size": _SIZES,
    "scale": _SCALES,
    "ratio_range": ((0.5, 2.0), (0.5, 1.5), (0.75, 1.5), (0.8, 1.25), (0.1, 2.0), (1.0, 1.0)),
    "size_divisor": (None, 1, 8, 14, 16, 28, 32, 64, 128),
    "test_size_divisor": (None, 1, 8, 14, 16, 28, 32, 64, 128),
    "num_classes": (2, 19, 20, 21, 59, 60, 80, 133, 150, 151, 171),
    "min_kept": (0, 1, 1000, 10_000, 50_000, 100_000, 131_072, 200_000),
    "num_points": (112, 1024, 4096, 8192, 10_000, 12_544),
    # Of what multiplies the work, no value that would make a diagnosis run out of memory.
    "subdivision_num_points": (784, 1024, 2048, 4096, 8096, 8192, 8196),
    "subdivision_steps": (0, 1, 2, 3),
    "oversample_ratio": (1.0, 1.5, 2.0, 3.0, 4.0, 5.0),
    "importance_sample_ratio": (0.0, 0.25, 0.5, 0.75, 0.9, 1.0),
    "scale_factor": (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0),
    "max_size": (512, 640, 1024, 1333, 2048, 2560, 4096),
    "reduction": ("none", "mean", "sum"),
    "classes": ("present", "all"),
    "max_iters": (),
    "epoch_length": (),
}
_NUMBERS: Mapping[type, tuple[Any, ...]] = {
    bool: (True, False),
    int: (0, 1, 2, 3, 4, 5, 8, 10, 16, 18, 32, 64, 100, 128, 254, 255),
    float: (
        *(0.0, 1e-12, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5),
        *(0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 255.0),
    ),
}


@dataclass(frozen=True, eq=False)
class OtherValue(Suspect):
    """A step whose `option` is one of `values`, whatever it is given."""

    option: str = ""
    values: tuple[Any, ...] = ()

    @classmethod
    def of(cls, option: str, *values: Any, functions: Mapping[Replaced, Any]) -> OtherValue:
        """Named by the first of the values."""
        told = " or ".join(map(repr, values[:TOLD]))
        more = f" or one of {len(values) - TOLD} others" if len(values) > TOLD else ""
        return cls(
            id=f"{option.replace('_', '-')}={values[0]}",
            summary=f"{option} is {told}{more}, whatever is asked for.",
            functions=functions,
            option=option,
            values=values,
        )


def other_values(step: Step) -> tuple[Suspect, ...]:
    """One suspect for every usual value of every option of the step's function."""
    return _of_function(step.function, replaced_by(step))


def joined(found: Sequence[tuple[Suspect, ...]]) -> list[tuple[Suspect, ...]]:
    """The same, with the values of one option as one suspect, last."""
    values: dict[str, list[OtherValue]] = {}
    for one, *_ in found:
        if isinstance(one, OtherValue):
            values.setdefault(one.option, []).append(one)
    told = [
        OtherValue.of(option, *(one.values[0] for one in those), functions=those[0].functions)
        for option, those in values.items()
    ]
    return [made for made in found if not isinstance(made[0], OtherValue)] + [(o,) for o in told]


@cache
def _of_function(function: Callable[..., Any], replaced: Replaced) -> tuple[Suspect, ...]:
    return tuple(
        OtherValue.of(
            name, value, functions={replaced: partial(with_others, {name: value}, function)}
        )
        for name, kind in _options(function).items()
        for value in _usual(name, kind)
    )


def _options(function: Callable[..., Any]) -> dict[str, Any]:
    """Types of the parameters that are given by name."""
    try:
        told = function.__init__ if inspect.isclass(function) else function
        parameters, hints = inspect.signature(told).parameters, get_type_hints(told)
    except (NameError, TypeError, ValueError):  # of a function that says nothing of itself
        return {}
    named = [one.name for one in parameters.values() if one.kind is one.KEYWORD_ONLY]
    return {name: hints.get(name) for name in named}


def _usual(name: str, kind: Any) -> tuple[Any, ...]:
    if name in _USUAL:
        return _USUAL[name]
    if get_origin(kind) is Literal:
        return get_args(kind)
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    return next((values for one, values in _NUMBERS.items() if one in kinds), ())
