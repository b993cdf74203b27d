"""Run every operation of every installed library on the rows' inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from parity.compare.compare import Comparison, Verdict, compare, worst_verdict
from parity.errors import InputError
from parity.libraries import NAMES, adapter
from parity.libraries.library import Library, LibraryOperation
from parity.libraries.matrix.inputs import RowCase
from parity.libraries.matrix.rows import ROWS, MatrixRow, cases_of


@dataclass(frozen=True)
class LibraryDifference:
    """How far a library is off on the cases of one kind ("" for all).

    share: of elements that differ. largest, mean: of the absolute differences,
    the mean over all elements. note: what differs that is no number (a shape).
    """

    kind: str
    share: float
    largest: float
    mean: float
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """One operation of one library in one row.

    differences: by kind of input, empty when equal. reason: why it differs, or
    why it was not compared; a remark when it is equal. unexplained: what is left
    when the reference's operation is done with the named change; None when there
    is no such model.
    """

    library: str
    row: str
    call: str
    verdict: Verdict
    cases: int = 0
    unit: str = ""
    differences: tuple[LibraryDifference, ...] = ()
    reason: str = ""
    model: str = ""
    unexplained: LibraryDifference | None = None


def run_matrix(names: Sequence[str] = NAMES) -> Iterator[tuple[Library, tuple[Cell, ...]]]:
    """One library after the other, each with a cell for every row."""
    for name in names:
        file = adapter(name)
        library: Library = file.LIBRARY
        if not library.is_installed:
            yield library, _not_compared(library, library.hint)
            continue
        operations: tuple[LibraryOperation, ...] = file.OPERATIONS
        yield library, tuple(cell for row in ROWS for cell in _row(library, row, operations))


def _not_compared(library: Library, reason: str) -> tuple[Cell, ...]:
    return tuple(
        Cell(library.title, row.name, "", Verdict.NOT_COMPARED, reason=reason) for row in ROWS
    )


def _row(
    library: Library, row: MatrixRow, operations: Sequence[LibraryOperation]
) -> Iterator[Cell]:
    found = [operation for operation in operations if operation.row == row.name]
    if not found:
        reason = "no such operation in this adapter"
        yield Cell(library.title, row.name, "", Verdict.NOT_COMPARED, reason=reason)
    for operation in found:
        yield compare_operation(library.title, row, operation)


def compare_operation(library: str, row: MatrixRow, operation: LibraryOperation) -> Cell:
    """Hold `operation` against the reference; what it raises is a difference."""
    cases = cases_of(row)
    head = (library, row.name, operation.call)
    try:
        results = [
            row.compared(case.arguments, operation.function(*case.arguments)) for case in cases
        ]
    except InputError as error:  # the library does not import
        return Cell(*head, Verdict.NOT_COMPARED, reason=str(error))
    except Exception as error:  # a library may raise anything
        reason = f"raises {type(error).__name__}: {error}"
        return Cell(*head, Verdict.DIFFERENT, len(cases), row.unit, reason=reason)
    expected = [case.expected for case in cases]
    found = [compare(*pair, row.tolerance) for pair in zip(results, expected, strict=True)]
    verdict = worst_verdict(one.verdict for one in found)
    if verdict is Verdict.EQUAL:
        return Cell(*head, verdict, len(cases), row.unit, reason=operation.remark)
    differences = _by_kind(row, cases, found, results)
    cell = Cell(*head, verdict, len(cases), row.unit, differences, operation.reason)
    return cell if operation.model is None else _explained(cell, row, results, operation)


def _explained(
    cell: Cell, row: MatrixRow, results: Sequence[Any], operation: LibraryOperation
) -> Cell:
    """How near the named change brings the reference to the library; roundings count as nothing."""
    assert operation.model is not None
    made = [operation.model(*case.arguments) for case in cases_of(row)]
    pairs = list(zip(results, made, strict=True))
    found = [compare(*pair, row.tolerance) for pair in pairs]
    near = cell.verdict is Verdict.DIFFERENT and all(one.passed for one in found)
    left = LibraryDifference("", 0, 0, 0) if near else _difference("", found, pairs)
    return replace(cell, model=operation.model_name, unexplained=left)


def _by_kind(
    row: MatrixRow, cases: Sequence[RowCase], found: Sequence[Comparison], results: Sequence[Any]
) -> tuple[LibraryDifference, ...]:
    made = []
    rows = list(zip(cases, found, results, strict=True))
    for kind in dict.fromkeys(case.kind for case in cases):
        pairs = [(result, case.expected) for case, _, result in rows if case.kind == kind]
        one = _difference(kind, [one for case, one, _ in rows if case.kind == kind], pairs)
        made.append(one if row.describe is None else replace(one, note=row.describe(*pairs[0])))
    return tuple(made)


def _difference(
    kind: str, found: Sequence[Comparison], pairs: Sequence[tuple[Any, Any]]
) -> LibraryDifference:
    notes = [one.detail for one in found if one.reason in ("structure", "shape", "dtype")]
    counted = [pair for pair, one in zip(pairs, found, strict=True) if one.count]
    total = sum(one.count for one in found)
    if not counted:
        return LibraryDifference(kind, 1.0, float("nan"), float("nan"), notes[0] if notes else "")
    distance = sum(float(np.sum(_distance(*pair))) for pair in counted)
    return LibraryDifference(
        kind,
        sum(one.differing for one in found) / total,
        max(one.max_abs for one in found),
        distance / total,
        notes[0] if notes else "",
    )


def _distance(actual: Any, expected: Any) -> Any:
    left, right = (
        (item.numpy() if isinstance(item, torch.Tensor) else np.asarray(item)).astype(np.float64)
        for item in (actual, expected)
    )
    return np.abs(left - right)
