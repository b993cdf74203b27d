"""What is shown of one step in one failing case: plain records, and pictures as arrays."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from parity.compare.compare import Comparison

UInt8Array = NDArray[np.uint8]
PictureKind = Literal["image", "labels", "values"]


@dataclass(frozen=True)
class DrawRow:
    """One draw on both sides, as ``method(arguments) = value``; "none" where a side has none.

    mark: "" when both are the same, "first" for the first that differs, else "differs".
    """

    position: int
    actual: str
    expected: str
    mark: str


@dataclass(frozen=True)
class LeafRow:
    """One array or value of the output, by its path; "" is the output itself."""

    path: str
    comparison: Comparison


@dataclass(frozen=True)
class Bin:
    """Elements that differ by more than `low` and at most `high`.

    near, away: how many of them lie near a boundary between labels, and how many
    do not; all are `away` where the output holds no label map. share_near,
    share_away: both divided by the largest count of any bin, for the length of a bar.
    """

    low: float
    high: float
    near: int
    away: int
    share_near: float = 0.0
    share_away: float = 0.0


@dataclass(frozen=True)
class Region:
    """Elements of one kind: how many there are, how many of them differ, by how much at most."""

    elements: int
    differing: int
    max_abs: float


@dataclass(frozen=True)
class Histogram:
    """How far the differing elements of one array are off.

    radius: pixels up to this far from a boundary in the label map `labels` count
    as near; near and away are None, and labels "", where there is no such map.
    non_finite: differing elements that have no distance, for one side is NaN or infinite.
    """

    path: str
    bins: tuple[Bin, ...]
    non_finite: int = 0
    labels: str = ""
    radius: int = 0
    near: Region | None = None
    away: Region | None = None


@dataclass(frozen=True)
class LabelCount:
    """Pixels of one class in a label map on both sides; differing: in one side only."""

    index: int
    name: str
    actual: int
    expected: int
    differing: int


@dataclass(frozen=True)
class ConfusionCell:
    """Pixels of one pair of classes.

    For a label map: pixels that are `row` in the expected and `column` in the
    actual map, all of them in `actual`. For a score: pixels labelled `row` and
    predicted `column`, on both sides.
    """

    row: str
    column: str
    actual: int
    expected: int


@dataclass(frozen=True)
class LabelChange:
    """A label map that differs: classes by pixels, and which class became which."""

    path: str
    classes: tuple[LabelCount, ...]
    classes_left_out: int
    cells: tuple[ConfusionCell, ...]
    cells_left_out: int


@dataclass(frozen=True)
class ClassRow:
    """One class of a score: its columns on both sides, in the order of `ClassTable.columns`."""

    index: int
    name: str
    actual: tuple[float, ...]
    expected: tuple[float, ...]


@dataclass(frozen=True)
class ClassTable:
    """Classes that differ, largest difference in the column `sorted_by` first.

    cells: entries of the confusion matrix that differ, largest difference first;
    none when both sides counted the same label maps.
    """

    columns: tuple[str, ...]
    sorted_by: str
    rows: tuple[ClassRow, ...]
    rows_left_out: int
    equal: int
    cells: tuple[ConfusionCell, ...] = ()
    cells_left_out: int = 0


@dataclass(frozen=True)
class Series:
    """A series on both sides, at the positions `x`; thinned when it is long."""

    title: str
    x_label: str
    x: tuple[float, ...]
    actual: tuple[float, ...]
    expected: tuple[float, ...]
    difference: tuple[float, ...]


@dataclass(frozen=True)
class Facts:
    """Everything about one step in one case but its pictures.

    chained: whether the step was fed the candidate's own previous output. Rows
    that were left out are counted in ``*_left_out``; leaves_equal: leaves that
    do not differ at all. generator: "equal" or both digests, "" where a side raised.
    error: what was raised, on which side.
    """

    case: str
    pipeline: str
    step: str
    chained: bool
    verdict: str
    summary: str
    error: str
    generator: str
    draws_actual: int
    draws_expected: int
    draws: tuple[DrawRow, ...] = ()
    draws_left_out: int = 0
    leaves: tuple[LeafRow, ...] = ()
    leaves_left_out: int = 0
    leaves_equal: int = 0
    histograms: tuple[Histogram, ...] = ()
    labels: tuple[LabelChange, ...] = ()
    classes: tuple[ClassTable, ...] = ()
    curves: tuple[Series, ...] = ()


@dataclass(frozen=True, eq=False)
class View:
    """Both sides and their difference through one window.

    top, left: its corner in the array. stride: pixels of the array per pixel
    shown. actual, expected: uint8 ``(h, w, 3)`` RGB, or class ids ``(h, w)`` for
    a label map; the two differ in size when the arrays do. difference: uint8
    ``(h, w, 3)`` or ``(h, w)``, amplified, the largest of each stride x stride
    block; None when the shapes differ. box: ``(top, left, height, width)`` around
    all that differs, worst: ``(row, column)``, both in pixels shown.
    """

    name: str
    top: int
    left: int
    stride: int
    actual: UInt8Array
    expected: UInt8Array
    difference: UInt8Array | None
    box: tuple[int, int, int, int] | None = None
    worst: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """One array as pictures. kind: "image", "labels" or "values".

    caption: which plane of the array is shown and how values became grey levels.
    gain: factor of the difference. worst: position of the worst element, with both values.
    """

    path: str
    kind: PictureKind
    caption: str
    gain: str
    worst: str
    views: tuple[View, ...]


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One step of one failing case, to be looked at."""

    facts: Facts
    pictures: tuple[Picture, ...] = ()
