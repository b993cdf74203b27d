"""The zoo of the installed mmsegmentation: its results and their configs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from parity.errors import InputError
from parity.live import installed_metafiles
from parity.runs.config import installed_configs, read_config
from parity.runs.facts import Config
from parity.zoo.rows import ScoreRow, read_rows


@cache
def zoo_rows(dataset: str) -> tuple[ScoreRow, ...]:
    """The zoo's results on one data set. Raises ReferenceUnavailable without mmsegmentation."""
    return tuple(read_rows(installed_metafiles(), dataset=dataset))


@cache
def row_config(row: ScoreRow) -> Config | None:
    """The config of a row, of the installed mmsegmentation; None where it cannot be read."""
    root = installed_configs()
    if root is None:
        return None
    path = root.joinpath(*Path(row.config).parts[1:])
    try:
        return read_config(path, configs_root=root, name=row.config)
    except InputError:
        return None
