"""Names of configs, and where each can be read in the repository of mmsegmentation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
