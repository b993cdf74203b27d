"""The zoo of the installed mmsegmentation: its results and their configs."""

from __future__ import annotations

from functools import cache

from parity.live import installed_metafiles
from parity.runs.config import installed_configs
from parity.runs.facts import Config
from parity.zoo.configs import zoo_config
from parity.zoo.rows import ScoreRow, read_rows


@cache
def zoo_rows(dataset: str) -> tuple[ScoreRow, ...]:
    """The zoo's results on one data set. Raises ReferenceUnavailable without mmsegmentation."""
    return tuple(read_rows(installed_metafiles(), dataset=dataset))


def row_config(row: ScoreRow) -> Config | None:
    """The config of a row, of the installed mmsegmentation; None where it cannot be read."""
    root = installed_configs()
    found = "" if root is None else zoo_config(row.config, root)
    return None if isinstance(found, str) else found
