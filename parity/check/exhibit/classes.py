"""Which class became which in a label map, and how the classes of a score differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.check.exhibit import records
from parity.check.exhibit.planes import arrays, name_of
from parity.compare.leaf import Leaf

MAX_ROWS = 30
IGNORED = 255
# Columns of a per-class table, the first present being the one to sort by.
RATIOS = ("IoU", "Dice", "Fscore", "Acc", "Precision", "Recall")
COUNTS = ("intersect", "union", "pred", "label")

ClassNames = Sequence[str]


def label_change(
    path: str, actual: Leaf, expected: Leaf, names: ClassNames = ()
) -> records.LabelChange | None:
    """Classes of a label map that differs, by pixels; None when the shapes differ."""
    left, right = actual.array.ravel(), expected.array.ravel()
    if actual.array.shape != expected.array.shape:
        return None
    off = left != right
    ids = np.union1d(left, right)
    rows = sorted((_label_count(int(i), left, right, off, names) for i in ids), key=_most_differing)
    pairs, counts = np.unique(np.stack([right[off], left[off]]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    cells = [
        records.ConfusionCell(label(int(row), names), label(int(column), names), int(count), 0)
        for row, column, count in np.vstack([pairs, counts])[:, order].T
    ]
    return records.LabelChange(
        path=path,
        classes=tuple(rows[:MAX_ROWS]),
        classes_left_out=max(len(rows) - MAX_ROWS, 0),
        cells=tuple(cells[:MAX_ROWS]),
        cells_left_out=max(len(cells) - MAX_ROWS, 0),
    )


def label(index: int, names: ClassNames) -> str:
    """An id with the name of its class: ``4 tree``."""
    if 0 <= index < len(names):
        return f"{index} {names[index]}"
    return f"{index} ignored" if index == IGNORED else str(index)


def class_table(
    actual: Mapping[str, Leaf],
    expected: Mapping[str, Leaf],
    inputs: tuple[Any, Any],
    names: ClassNames = (),
) -> records.ClassTable | None:
    """The per-class columns of a score on both sides; None when the output has none.

    actual, expected: the arrays of both outputs. inputs: what each side was
    given, from which the confusion matrices are counted.
    """
    columns = _columns(actual, expected)
    if not columns:
        return None
    rows = _scores(columns, names)
    differing = [row for row in rows if _any_difference(row)]
    shown = sorted(differing, key=lambda row: -_size(row, 0))  # stable: then by index
    cells = _confusion_difference(*inputs, names)
    return records.ClassTable(
        columns=tuple(columns),
        sorted_by=next(iter(columns)),
        rows=tuple(shown[:MAX_ROWS]),
        rows_left_out=max(len(shown) - MAX_ROWS, 0),
        equal=len(rows) - len(shown),
        cells=tuple(cells[:MAX_ROWS]),
        cells_left_out=max(len(cells) - MAX_ROWS, 0),
    )


def _label_count(
    index: int, left: NDArray[Any], right: NDArray[Any], off: NDArray[np.bool_], names: ClassNames
) -> records.LabelCount:
    here, there = left == index, right == index
    return records.LabelCount(
        index,
        label(index, names).partition(" ")[2],
        int(np.count_nonzero(here)),
        int(np.count_nonzero(there)),
        int(np.count_nonzero(off & (here | there))),
    )


def _most_differing(row: records.LabelCount) -> tuple[int, int]:
    return -row.differing, row.index


def _columns(
    actual: Mapping[str, Leaf], expected: Mapping[str, Leaf]
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """1-D arrays named as columns of a score, of one length on both sides; ratios first."""
    found: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    for wanted in (*RATIOS, *COUNTS):
        for path, leaf in expected.items():
            other = actual.get(path)
            if name_of(path) != wanted or other is None or leaf.array.ndim != 1:
                continue
            if other.array.shape == leaf.array.shape:
                found[wanted] = (other.array, leaf.array)
    length = len(next(iter(found.values()))[1]) if found else 0
    return {name: pair for name, pair in found.items() if len(pair[1]) == length}


def _scores(
    columns: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], names: ClassNames
) -> list[records.ClassRow]:
    length = len(next(iter(columns.values()))[1])
    return [
        records.ClassRow(
            index,
            names[index] if index < len(names) else "",
            tuple(float(pair[0][index]) for pair in columns.values()),
            tuple(float(pair[1][index]) for pair in columns.values()),
        )
        for index in range(length)
    ]


def _size(row: records.ClassRow, column: int) -> float:
    """How far a class is off; infinite where one side alone is not a number."""
    left, right = row.actual[column], row.expected[column]
    if np.isnan(left) or np.isnan(right):
        return 0.0 if np.isnan(left) and np.isnan(right) else float("inf")
    return abs(left - right)


def _any_difference(row: records.ClassRow) -> bool:
    return any(_size(row, column) != 0 for column in range(len(row.actual)))


def _confusion_difference(
    actual: Any, expected: Any, names: ClassNames
) -> list[records.ConfusionCell]:
    left, right = _confusion(actual), _confusion(expected)
    cells = [
        records.ConfusionCell(
            label(key[0], names), label(key[1], names), left.get(key, 0), right.get(key, 0)
        )
        for key in sorted(left.keys() | right.keys())
        if left.get(key, 0) != right.get(key, 0)
    ]
    return sorted(cells, key=lambda cell: -abs(cell.actual - cell.expected))


def _confusion(value: Any) -> dict[tuple[int, int], int]:
    """Pixels per (labelled, predicted) pair of classes in what a scoring step is given.

    Ignored pixels are in no score, and not here.
    """
    counts: dict[tuple[int, int], int] = {}
    for pred, target in _pairs(value):
        if pred.shape != target.shape:
            continue
        scored = target != IGNORED
        pairs, found = np.unique(
            np.stack([target[scored], pred[scored]]), axis=1, return_counts=True
        )
        for (row, column), count in zip(pairs.T.tolist(), found.tolist(), strict=True):
            counts[int(row), int(column)] = counts.get((int(row), int(column)), 0) + count
    return counts


def _pairs(value: Any) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Predictions with their labels, ``(H, W)`` each, in the order they come in."""
    found = arrays(value)
    labels = [leaf.array for path, leaf in found.items() if name_of(path) in ("label", "labels")]
    named = [leaf for path, leaf in found.items() if name_of(path) in ("pred", "prediction")]
    unnamed = [leaf for path, leaf in found.items() if name_of(path) == "segmentations"]
    chosen = named or [leaf for leaf in unnamed if leaf.array.dtype.kind in "iu"]
    preds = [
        leaf.array[0] if leaf.array.ndim == 3 and len(leaf.array) == 1 else leaf.array
        for leaf in chosen
    ]
    if len(labels) != len(preds):
        return []
    return [(p, t) for p, t in zip(preds, labels, strict=True) if p.dtype.kind in "iub"]
