"""The zoo's figures, and how far below them the runs end."""

from __future__ import annotations

from functools import cache

from parity.live import installed_metafiles
from parity.zoo.rows import read_all_rows

EDITED, UNTOUCHED = 3.0, 0.3


@cache
def _scores() -> dict[str, float]:
    return {row.name: row.miou for row in read_all_rows(installed_metafiles())}


def zoo_score(name: str) -> float:
    """The mIoU of the zoo's result of this config. Raises KeyError without one."""
    return _scores()[name]
