"""The table of what the reference's tests showed."""

from collections.abc import Iterable

from parity.text import count
from suite.beside import ClassCalls

HEAD = ("class or function", "tests", "calls", "equal", "different", "not compared")


def joined(rows: Iterable[ClassCalls]) -> list[ClassCalls]:
    """One row for each class or function, of several runs and packages."""
    found: dict[str, ClassCalls] = {}
    for row in rows:
        found.setdefault(row.kind, ClassCalls(row.kind)).join(row)
    return list(found.values())


def render(rows: Iterable[ClassCalls]) -> tuple[str, bool]:
    """The table as text, what differs and what was not compared, and whether anything differs."""
    called = [row for row in joined(rows) if row.calls]
    uncalled = [row.kind for row in joined(rows) if not row.calls]
    total = ClassCalls("all")
    for row in called:
        total.join(row)
    cells = [HEAD, *(_cells(row) for row in [*called, total])]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in cells]
    lines += [f"different: {row.kind}: {row.first}" for row in called if row.different]
    lines += [
        f"not compared: {row.kind}: {count(number, 'call')}: {why}"
        for row in called
        for why, number in row.left.most_common()
    ]
    lines += [f"not called by any test: {', '.join(uncalled)}"] if uncalled else []
    return "\n".join(lines), bool(total.different)


def _cells(row: ClassCalls) -> tuple[str, ...]:
    numbers = (len(row.tests), row.calls, row.equal, row.different, row.left.total())
    return (row.kind, *map(str, numbers))


def _aligned(cells: tuple[str, ...], widths: list[int]) -> list[str]:
    first, *rest = zip(cells, widths, strict=True)
    return [first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]
