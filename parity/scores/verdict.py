"""The seam to the explanation of a run: what the score table shows of it, and who gives it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from parity.explain.explain import Judgement, explain
from parity.files import write_atomically
from parity.report.explained import report_of_explanation
from parity.report.html import render_html
from parity.runs.record import Run

_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_MAX_NAME = 80
EXPLAINED = "explained"
_WITH_CAUSES = (EXPLAINED, "not settled")
NO_ROW, NO_SCORE = "no zoo row", "no score"


@dataclass(frozen=True)
class RunVerdict:
    """verdict: the status of the explanation, or why there is none.

    causes: ids, the worst first; not those of a gap within noise. gap:
    points of mIoU, run minus zoo row. zoo_row: name of the result the run was
    compared with. link: path or address of the whole explanation.
    """

    verdict: str
    causes: tuple[str, ...] = ()
    gap: float | None = None
    zoo_row: str | None = None
    link: str | None = None

    def __str__(self) -> str:
        return f"{self.verdict}: {', '.join(self.causes)}" if self.causes else self.verdict


class Explain(Protocol):
    """Says why a run's score differs from the zoo's. Raises ParityError when it cannot look."""

    def __call__(self, run: Run, /) -> RunVerdict:
        """The verdict on one run."""


@dataclass
class Explainer:
    """`parity.explain` as an `Explain`.

    folder: where each run's page goes; None for no pages. start: the folder
    that links are relative to. write: False only computes the links.
    """

    folder: Path | None = None
    start: Path = field(default_factory=Path)
    write: bool = True
    _taken: set[str] = field(default_factory=set)

    def __call__(self, run: Run, /) -> RunVerdict:
        """The verdict on `run`, its page written first, so that no link leads nowhere."""
        answer = explain(run)
        status, compared = str(answer.status), answer.gap is not None
        if not compared and not answer.reasons:
            status = NO_ROW if answer.row is None else NO_SCORE
        return RunVerdict(
            verdict=status,
            causes=answer.cause_ids if status in _WITH_CAUSES or not compared else (),
            gap=answer.gap,
            zoo_row=answer.row.name if answer.row is not None else None,
            link=self._page(answer, run.name),
        )

    def _page(self, answer: Judgement, name: str) -> str | None:
        if self.folder is None:
            return None
        path = self.folder / f"{self._file_name(name)}.html"
        if self.write:
            write_atomically(path, render_html(report_of_explanation(answer)).encode())
        return Path(os.path.relpath(path, self.start)).as_posix()

    def _file_name(self, name: str) -> str:
        """`name` without what file systems or links could misread, and not taken yet."""
        plain = _UNSAFE.sub("_", name)[:_MAX_NAME].strip(".") or "run"
        chosen, count = plain, 1
        while chosen.lower() in self._taken:
            count += 1
            chosen = f"{plain}-{count}"
        self._taken.add(chosen.lower())
        return chosen
