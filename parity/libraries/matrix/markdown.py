"""The library matrix as Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from parity.compare.compare import Verdict
from parity.libraries.library import Library
from parity.libraries.matrix.run import Cell, LibraryDifference
from parity.report.markup import grid

Results = Sequence[tuple[Library, tuple[Cell, ...]]]

_INTRODUCTION = """\
Can I swap X in? Each operation of each library was run on the same inputs as live mmsegmentation
and compared element by element. **equal** means every bit. **within tolerance** means float32
roundings, up to the size shown. **different** comes with the reason; where a model of that reason
exists (the reference's operation with only that change), the last column says how much of the
difference it leaves. The first table shows the best of the ways in which a library was called, the
tables below it all of them. Photometric values, crop boxes and sizes are the reference's own draws,
so that arithmetic is compared and not chance."""


def render_matrix(results: Results, versions: Mapping[str, str], notes: Sequence[str] = ()) -> str:
    """The whole page, ending in a newline."""
    parts = ["# Library matrix", _INTRODUCTION, *notes, _overview(results)]
    for library, cells in results:
        title = f"{library.title} {library.version}".strip()
        parts += [f"## {title}", _table(cells)]
    listed = "\n".join(f"- {name}: {text}" for name, text in versions.items())
    return "\n\n".join([*parts, "## Versions", listed]) + "\n"


def _overview(results: Results) -> str:
    """One row per operation, one column per library: the best that the library can give."""
    rows = list(dict.fromkeys(cell.row for _, cells in results for cell in cells))
    lines = [
        "| | " + " | ".join(library.title for library, _ in results) + " |",
        "| --- |" + " --- |" * len(results),
    ]
    for row in rows:
        best = [_best(cell for cell in cells if cell.row == row) for _, cells in results]
        lines.append(f"| {row} | " + " | ".join(best) + " |")
    return "\n".join(lines)


def _best(cells: Iterable[Cell]) -> str:
    order = (Verdict.EQUAL, Verdict.WITHIN, Verdict.DIFFERENT, Verdict.NOT_COMPARED)
    return str(min((cell.verdict for cell in cells), key=order.index))


_COLUMNS = (
    *("operation", "called as", "verdict"),
    *("size of the difference", "reason", "left unexplained"),
)


def _table(cells: Sequence[Cell]) -> str:
    lines = []
    shown = [cell for cell in cells if cell.verdict is not Verdict.NOT_COMPARED or cell.call]
    for cell in shown:
        fields = (cell.row, _code(cell.call), str(cell.verdict), size(cell), why(cell), left(cell))
        lines.append([field.replace("|", "\\|") for field in fields])
    absent: dict[str, list[str]] = {}
    for cell in cells:
        if cell.verdict is Verdict.NOT_COMPARED and not cell.call:
            absent.setdefault(cell.reason, []).append(cell.row)
    closing = [f"Not compared ({reason}): {'; '.join(rows)}." for reason, rows in absent.items()]
    return "\n\n".join([*([grid(_COLUMNS, lines)] if shown else []), *closing])


def size(cell: Cell) -> str:
    """How large the difference is, in words."""
    return "; ".join(_size(cell, one) for one in cell.differences)


def why(cell: Cell) -> str:
    """The reason of a difference, or a remark."""
    if cell.verdict is Verdict.EQUAL:
        return cell.reason
    return cell.reason or ("float32 roundings" if cell.verdict is Verdict.WITHIN else "not known")


def left(cell: Cell) -> str:
    """What the model of the reason leaves."""
    if cell.unexplained is None:
        return ""
    if cell.unexplained.share == 0:
        return f"nothing: {cell.model}"
    return f"{_size(cell, cell.unexplained)}: {cell.model}"


def _size(cell: Cell, found: LibraryDifference) -> str:
    kind = f"{found.kind}: " if found.kind else ""
    if found.note:
        return kind + found.note
    if found.share == 0:
        return kind + "equal"
    share = f"{_percent(found.share)} differ"
    if cell.unit == "labels":
        return kind + share
    unit = f" {cell.unit}" if cell.unit else ""
    return f"{kind}{share}, up to {found.largest:.3g}{unit}, {found.mean:.2g} on average"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else f"{100 * share:.2g} %"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
