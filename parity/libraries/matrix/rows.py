"""The rows of the library matrix: operations, their inputs, and what counts as near enough."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from parity.compare.tolerance import EXACT, Tolerance
from parity.libraries.matrix import inputs
from parity.libraries.matrix.inputs import RowCase

_NORMALISED = Tolerance(
    "normalise/float32",
    atol=1e-6,
    reason="four roundings of float32 at values up to 2.7; the network cannot tell them apart",
)
_LOSS = Tolerance("loss/float32", atol=1e-6, reason="the order of a float32 sum over the pixels")
_PERCENT = Tolerance(
    "mIoU/percent", atol=1e-4, reason="float32 ratios; mmseg prints two decimals of a percent"
)


@dataclass(frozen=True)
class MatrixRow:
    """One operation. unit: what differences are counted in.

    measure: makes what is compared from the arguments and a library's result,
    where that is not the result itself. describe: a difference in words.
    """

    name: str
    make: Callable[[], Iterable[RowCase]]
    unit: str = "levels"
    tolerance: Tolerance = EXACT
    measure: Callable[[tuple[Any, ...], Any], Any] | None = None
    describe: Callable[[Any, Any], str] | None = None

    def compared(self, arguments: tuple[Any, ...], result: Any) -> Any:
        """What of a library's `result` is compared."""
        return result if self.measure is None else self.measure(arguments, result)


@cache
def cases_of(row: MatrixRow) -> tuple[RowCase, ...]:
    """The inputs of `row` with the reference's answers; made once."""
    return tuple(row.make())


def _as_array(arguments: tuple[Any, ...], result: Any) -> Any:
    return np.array(result)


def _hue_range(arguments: tuple[Any, ...], result: Any) -> Any:
    return inputs.measure_hue_range(arguments[0], result)


def _reach(actual: Any, expected: Any) -> str:
    left, right = (f"{pair[0]:+g} to {pair[1]:+g}" for pair in (actual, expected))
    return f"reaches {left}; the reference {right}"


ROWS: tuple[MatrixRow, ...] = (
    MatrixRow("resize, image", partial(inputs.resize_cases, "image")),
    MatrixRow("resize, labels", partial(inputs.resize_cases, "seg"), "labels"),
    MatrixRow("target size", inputs.target_size_cases, "pixels", measure=_as_array),
    MatrixRow("crop", inputs.crop_cases),
    MatrixRow("flip", inputs.flip_cases),
    MatrixRow("brightness", partial(inputs.photometric_cases, "brightness")),
    MatrixRow("contrast", partial(inputs.photometric_cases, "contrast")),
    MatrixRow("saturation", partial(inputs.photometric_cases, "saturation")),
    MatrixRow("hue", partial(inputs.photometric_cases, "hue")),
    MatrixRow(
        "hue range", inputs.hue_range_cases, "hue units", measure=_hue_range, describe=_reach
    ),
    MatrixRow("normalise", inputs.normalize_cases, "", _NORMALISED),
    MatrixRow("pad, image", partial(inputs.pad_cases, "image")),
    MatrixRow("pad, labels", partial(inputs.pad_cases, "seg"), "labels"),
    MatrixRow("reduce zero label", inputs.reduce_zero_cases, "labels"),
    MatrixRow("logits", inputs.logits_cases, ""),
    MatrixRow("loss", inputs.loss_cases, "", _LOSS),
    MatrixRow("mIoU", inputs.iou_cases, "points", _PERCENT),
)
