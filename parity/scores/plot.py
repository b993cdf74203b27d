"""mIoU by method as a picture: one dot per result of the zoo, own runs marked."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parity.errors import InputError
from parity.scores.table import ScoreTable, TableRow
from parity.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("svg", "png")
_ZOO, _OWN = "#3b6fb6", "#d1490c"
_MAX_LABEL = 48
_MAX_LANES = 1000
# Same bytes for the same table: no date, no program version, ids that do not change.
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
_SETTINGS = {
    "svg.hashsalt": "mmseg-parity",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
}


def render_plot(table: ScoreTable, format: str) -> bytes:
    """The picture as ``svg`` or ``png``; the same table gives the same bytes.

    Filled: scores with a rank; hollow: of another kind, as their signatures say.
    Raises InputError for another format, and for a table without a score.
    """
    if format not in FORMATS:
        raise InputError(f"--plot: {format or 'no suffix'}: give a file ending in .svg or .png")
    rows = [line for line in table.rows if not math.isnan(line.row.miou)]
    if not rows:
        raise InputError("--plot: no row of the table has an mIoU")
    matplotlib = _matplotlib()
    lanes = _lanes(rows)
    if len(lanes) > _MAX_LANES:
        raise InputError(
            f"--plot: {len(lanes)} lines are too many for one picture; give fewer runs"
        )
    with matplotlib.rc_context(_SETTINGS):
        figure = matplotlib.figure.Figure(
            figsize=(9, 1.4 + 0.24 * len(lanes)), layout="constrained"
        )
        _draw(figure.add_subplot(), table, lanes)
        figure.legend(loc="outside lower center", ncols=4, frameon=False)
        stream = io.BytesIO()
        figure.savefig(stream, format=format, dpi=120, metadata=_METADATA[format])
    return stream.getvalue()


def _matplotlib() -> Any:
    """Imported only for a picture: it takes a second. No display is needed, no backend chosen."""
    try:
        import matplotlib  # noqa: PLC0415
        import matplotlib.figure  # noqa: PLC0415
    except ImportError as error:
        raise InputError("--plot needs matplotlib: pip install matplotlib") from error
    return matplotlib


@dataclass(frozen=True)
class _Lane:
    """One horizontal line of the picture: a method's results, or one own run below its method."""

    label: str
    rows: tuple[TableRow, ...]
    own: bool = False


def _lanes(rows: Sequence[TableRow]) -> list[_Lane]:
    """Methods by their best result of the zoo, then those of own runs only."""
    zoo = [line for line in rows if line.run is None]
    lanes = []
    for method in dict.fromkeys(line.row.method for line in (*zoo, *rows)):
        of_method = [line for line in rows if line.row.method == method]
        results = tuple(line for line in of_method if line.run is None)
        lanes.append(_Lane(_label(method) or "method not known", results))
        lanes += [
            _Lane(f"{_label(line.row.name)}  {line.row.miou:.2f}", (line,), own=True)
            for line in of_method
            if line.run is not None
        ]
    return lanes


def _label(text: str) -> str:
    """One short line that no text layout reads as markup: ``$`` would start a formula."""
    shown = visible(text)
    shown = shown if len(shown) <= _MAX_LABEL else f"{shown[: _MAX_LABEL - 3]}..."
    return shown.replace("$", r"\$")


def _draw(axes: Axes, table: ScoreTable, lanes: Sequence[_Lane]) -> None:
    points = [(line, lane.own, y) for y, lane in enumerate(lanes) for line in lane.rows]
    for own, ranked in ((False, True), (False, False), (True, True), (True, False)):
        chosen = [(line.row.miou, y) for line, mine, y in points if mine == own]
        kinds = [(line.rank is not None) == ranked for line, mine, _ in points if mine == own]
        _scatter(axes, [xy for xy, kind in zip(chosen, kinds, strict=True) if kind], own, ranked)
    scores = {line.row.name: line.row.miou for line, own, _ in points if not own}
    for line, _, y in points:
        target = scores.get(line.run.verdict.zoo_row or "") if line.run is not None else None
        if target is not None:
            axes.plot([line.row.miou, target], [y, y], color=_OWN, linewidth=1, zorder=2)
            axes.plot([target], [y], marker="|", markersize=9, color=_ZOO, zorder=3)
    axes.set_yticks(range(len(lanes)), [lane.label for lane in lanes])
    for tick, lane in zip(axes.get_yticklabels(), lanes, strict=True):
        tick.set_color(_OWN if lane.own else "black")
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set_xlabel("mIoU (%)")
    axes.set_title(_label(f"{table.dataset}, mmsegmentation {table.version}"), loc="left")
    axes.grid(axis="x", linewidth=0.4)
    axes.set_axisbelow(True)


def _scatter(axes: Axes, points: Sequence[tuple[float, int]], own: bool, ranked: bool) -> None:
    if not points:
        return
    color = _OWN if own else _ZOO
    axes.scatter(
        [x for x, _ in points],
        [y for _, y in points],
        s=46 if own else 22,
        marker="D" if own else "o",
        facecolors=color if ranked else "none",
        edgecolors=color,
        alpha=1.0 if own else 0.75,
        zorder=4 if own else 3,
        label=f"{'own run' if own else 'zoo'}{'' if ranked else ', not comparable'}",
    )
