"""The sentences around a score table, and the names of configs as links, the same in every form."""

import re
from dataclasses import dataclass, field

from parity.scores.table import ScoreTable
from parity.zoo.rows import ScoreRow

_REPOSITORY = "https://github.com/open-mmlab/mmsegmentation/blob"
_VERSION = re.compile(r"\d+\.\d+\.\d+", re.ASCII)
_CONFIG = re.compile(r"configs(/[\w+-][\w.+-]*)+\.py", re.ASCII)
# Also the label of a Markdown link; a footnote's number is none.
_NAME = re.compile(r"[A-Za-z][\w.+-]+", re.ASCII)
MISSING = "does not exist"


def config_name(row: ScoreRow) -> str:
    """The name of the config's file without folder and suffix; the row's where it has none."""
    return row.config.rpartition("/")[2].removesuffix(".py") or row.name


def config_address(row: ScoreRow, version: str) -> str:
    """The config at the tag of `version`; "" where there is none, or the path is no plain one."""
    missing = any(note.endswith(MISSING) for note in row.notes)
    if missing or not _VERSION.fullmatch(version) or not _CONFIG.fullmatch(row.config):
        return ""
    return f"{_REPOSITORY}/v{version}/{row.config}"


@dataclass
class Links:
    """The configs that a Markdown document links to, each address written once, below the text."""

    version: str
    used: dict[str, str] = field(default_factory=dict)

    def name(self, row: ScoreRow) -> str | None:
        """The name of the row's config as a link; None where it can be none."""
        name, address = config_name(row), config_address(row, self.version)
        if not address or not _NAME.fullmatch(name):
            return None
        return f"[{name}]" if self.used.setdefault(name, address) == address else None

    def definitions(self) -> list[str]:
        """One line for each name used so far."""
        return [f"[{name}]: {address}" for name, address in sorted(self.used.items())]


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
