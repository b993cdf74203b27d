"""The zoo of the installed mmsegmentation: its results and their configs."""

from __future__ import annotations

import re
from functools import cache

from parity.live import installed_metafiles
from parity.runs.config import installed_configs
from parity.runs.facts import Config
from parity.zoo.configs import zoo_config
from parity.zoo.datasets import dataset_key
from parity.zoo.rows import ScoreRow, read_all_rows

_DATED = re.compile(r"_\d{8}_\d{6}-[0-9a-f]{8}\.pth$|_\d{8}-[0-9a-f]{8}\.pth$|\.pth$")


@cache
def all_rows() -> tuple[ScoreRow, ...]:
    """Every result of the zoo. Raises ReferenceUnavailable without mmsegmentation."""
    return tuple(read_all_rows(installed_metafiles()))


@cache
def zoo_rows(dataset: str) -> tuple[ScoreRow, ...]:
    """The zoo's results on one data set. Raises ReferenceUnavailable without mmsegmentation."""
    key = dataset_key(dataset)
    return tuple(row for row in all_rows() if dataset_key(row.dataset) == key)


def old_name(row: ScoreRow) -> str:
    """What mmseg 0.x called the row's config: the weights file keeps it."""
    return _DATED.sub("", row.weights)


def row_config(row: ScoreRow) -> Config | None:
    """The config of a row, of the installed mmsegmentation; None where it cannot be read."""
    root = installed_configs()
    found = "" if root is None else zoo_config(row.config, root)
    return None if isinstance(found, str) else found
