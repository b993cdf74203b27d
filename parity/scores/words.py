"""The sentences around a score table, the same in every form it is written in."""

from __future__ import annotations

from parity.scores.table import ScoreTable


def introduction(table: ScoreTable) -> list[str]:
    """What the table holds and how it is to be read."""
    shown = sum(line.run is None for line in table.rows)
    only = f" Shown: {shown}, {' and '.join(table.filters)}." if table.filters else ""
    own = f" and {table.own} own run{'s' * (table.own != 1)}" if table.own else ""
    lines = [
        f"{table.results} results from {table.origin}{own}, highest mIoU first.{only} "
        "mIoU is single scale; an empty cell means that no source gives a figure, and a "
        "second figure in brackets that another source says otherwise.",
        "A signature says how a score was obtained. A is the usual one of this zoo; what is "
        "unlike it is named beside the letter. Scores with test-time augmentation, other "
        "labels, only part of the images or an unknown signature have no rank.",
    ]
    if table.own:
        lines.append(
            "Own runs are ranked by their last score; the best is a maximum over several "
            "evaluations. The gap is the run's last score minus its zoo row."
        )
    return lines


def own_runs(table: ScoreTable) -> list[str]:
    """One line per own run: its last score, the row it is held against, and the verdict."""
    lines = []
    for line in table.rows:
        if line.run is None:
            continue
        verdict, last = line.run.verdict, line.run.last
        score = "no score" if last is None else f"{last.value:.2f}"
        gap = "" if verdict.gap is None else f", {verdict.gap:+.2f} against {verdict.zoo_row}"
        unlike = f" ({', '.join(line.against_row)})" if line.against_row else ""
        lines.append(f"{line.run.path}: {score}{gap}{unlike}: {verdict}")
    return lines


def legend(table: ScoreTable) -> list[str]:
    """One line per signature that is in the table."""
    return [
        f"{letter} ({count}): {signature or 'not known'}"
        for letter, signature, count in table.signatures
    ]


def left_out(table: ScoreTable) -> list[str]:
    """Everything that was found and gave no row, with the reason."""
    return [str(item) for item in table.skipped]
