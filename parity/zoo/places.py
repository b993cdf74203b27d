"""A model zoo: configs of mmsegmentation with metafiles and READMEs, on disk or installed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from parity.errors import InputError, RunFormatError
from parity.live import installed_metafiles
from parity.runs.config import installed_configs
from parity.runs.facts import Config
from parity.runs.tree import read_bounded
from parity.zoo.configs import zoo_config
from parity.zoo.rows import ScoreRow, dataset_key, read_all_rows

_VERSION = re.compile(r"""^__version__\s*=\s*['"]([\w.+-]{1,40})['"]""", re.MULTILINE)
UNKNOWN_VERSION = "(unknown version)"


@dataclass(frozen=True)
class Zoo:
    """configs: the folder of that name. readmes: empty for an installed package, which has none."""

    version: str
    configs: Path
    metafiles: tuple[Path, ...]
    readmes: tuple[Path, ...] = ()

    @property
    def root(self) -> Path:
        """What metafiles and READMEs name their files from."""
        return self.configs.parent

    @property
    def origin(self) -> str:
        """Where its results are from, in words."""
        if self.readmes:
            return "the metafiles and READMEs of a source checkout"
        return "the metafiles of the installed package"


FindZoo = Callable[[], Zoo]


def checkout_zoo(root: Path) -> Zoo:
    """The zoo of a source checkout. Nothing of it is executed. Raises InputError."""
    configs = root / "configs"
    metafiles = zoo_metafiles(configs)
    readmes = tuple(sorted(configs.glob("*/README.md")))
    for found, what in ((metafiles, "metafile.yaml"), (readmes, "README.md")):
        if not found:
            raise InputError(
                f"{root}: no configs/*/{what} below it; give the root of a source checkout "
                "of mmsegmentation (an installed package carries no READMEs)"
            )
    return Zoo(_version(root), configs, metafiles, readmes)


def zoo_metafiles(configs: Path) -> tuple[Path, ...]:
    """Every ``metafile.yaml`` of a configs folder, sorted."""
    return tuple(sorted(configs.glob("*/metafile.y*ml")))


def _version(root: Path) -> str:
    try:
        text = read_bounded(root / "mmseg" / "version.py", 1 << 16, inside=root).decode()
    except (RunFormatError, UnicodeDecodeError):
        return UNKNOWN_VERSION
    match = _VERSION.search(text)
    return match[1] if match else UNKNOWN_VERSION


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
