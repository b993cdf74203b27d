"""A model zoo on disk: the configs of mmsegmentation with their metafiles and READMEs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parity.errors import InputError, RunFormatError
from parity.runs.tree import read_bounded

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
