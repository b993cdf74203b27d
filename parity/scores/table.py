"""Score rows as a sorted Markdown table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from parity.report.markdown import cell
from parity.scores.rows import ScoreRow

COLUMNS = (
    "rank",
    "method",
    "backbone",
    "crop",
    "schedule",
    "batch",
    "mIoU",
    "mIoU (ms+flip)",
    "memory (GB)",
    "config",
)
_NUMERIC = ("rank", "batch", "mIoU", "mIoU (ms+flip)", "memory (GB)")


def sort_rows(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Highest mIoU first; ties by name, then by weights file."""
    return sorted(rows, key=lambda row: (-row.miou, row.name, row.weights))


def score_frame(rows: Sequence[ScoreRow]) -> pd.DataFrame:
    """One row per result, sorted; equal scores share the better rank."""
    ordered = sort_rows(rows)
    frame = pd.DataFrame(
        {
            "method": [row.method for row in ordered],
            "backbone": [row.backbone for row in ordered],
            "crop": [row.crop for row in ordered],
            "schedule": [row.schedule for row in ordered],
            "batch": pd.array([row.batch for row in ordered], dtype="Int64"),
            "mIoU": [row.miou for row in ordered],
            "mIoU (ms+flip)": [row.miou_ms for row in ordered],
            "memory (GB)": [row.memory_gb for row in ordered],
            "config": [row.config for row in ordered],
        }
    )
    frame.insert(0, "rank", frame["mIoU"].rank(method="min", ascending=False).astype(int))
    return frame[list(COLUMNS)]


def render_scores(rows: Sequence[ScoreRow], *, version: str, dataset: str = "ADE20K") -> str:
    """The whole document, ending in a newline; footnotes say where a metafile is at odds."""
    notes: dict[str, int] = {}
    lines = [
        f"# {dataset} scores of mmsegmentation {version}",
        "",
        f"{len(rows)} results from the metafiles of the installed package, highest mIoU first. "
        "mIoU is single scale; an empty cell means that the metafile gives no figure.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "| " + " | ".join("---:" if name in _NUMERIC else "---" for name in COLUMNS) + " |",
    ]
    for row, values in zip(sort_rows(rows), score_frame(rows).itertuples(index=False), strict=True):
        cells = [_text(value) for value in values]
        for note in row.notes:
            cells[-1] += f" [{notes.setdefault(note, len(notes) + 1)}]"
        lines.append("| " + " | ".join(cells) + " |")
    if notes:
        lines += ["", "Notes:", ""]
        lines += [f"- [{number}] {cell(note)}" for note, number in notes.items()]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value).replace("|", "\\|")
