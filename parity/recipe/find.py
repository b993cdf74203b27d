"""What a user calls a config: a file, a work directory, or a name of the zoo."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from parity.errors import InputError
from parity.runs.config import installed_configs, read_config
from parity.runs.facts import Config
from parity.runs.read import read_run
from parity.zoo.places import all_rows, old_name


@dataclass(frozen=True)
class FoundConfig:
    """A config as it was read.

    path: its file, or the work directory in whose log alone it stands. tree: the directory
    that its bases may not leave, of a config of the zoo.
    """

    path: Path
    config: Config
    tree: Path | None = None

    @property
    def name(self) -> str:
        """The file's stem; of what mmengine dumps, always a config.py, the work directory's."""
        dumped = self.path.parent.name == "vis_data"
        called = self.path.resolve().parent.parent.parent.name if dumped else ""
        return called or self.path.stem


def find_config(config: str | Path) -> FoundConfig:
    """The config that `config` means, also by the name that mmseg 0.x gave it.

    Raises InputError where there is none, or several; RunFormatError where it cannot be read.
    """
    path = Path(config)
    if path.is_file():
        return FoundConfig(path, read_config(path))
    if path.is_dir():
        return _of_work_directory(path)
    return _of_zoo(path.name.removesuffix(".py"), str(config))


def _of_work_directory(path: Path) -> FoundConfig:
    found = sorted(path.glob("*.py")) or sorted(path.glob("*/vis_data/config.py"))
    if len(found) > 1:
        raise InputError(f"{path}: holds {len(found)} configs; name one of them")
    if found:
        return FoundConfig(found[0], read_config(found[0]))
    config = read_run(path, checkpoints=False).config
    if config is None:
        raise InputError(f"{path}: holds no config, and no log that prints one")
    return FoundConfig(path, config)


def _of_zoo(name: str, text: str) -> FoundConfig:
    root = installed_configs()
    if root is None:
        raise InputError(f"{text}: is no file, no work directory; no zoo is installed")
    paths = {path.stem: path for path in sorted(root.glob("*/*.py"), reverse=True)}
    if name not in paths:
        rows = [Path(row.config).stem for row in all_rows() if name == old_name(row)]
        named = [stem for stem in rows if stem in paths]
        near = ", ".join(difflib.get_close_matches(name, paths, 3, 0.3)) or "none"
        if not named:
            told = "is no file, no work directory and no config of the zoo"
            raise InputError(f"{text}: {told}; near: {near}")
        name = named[0]
    return FoundConfig(paths[name], read_config(paths[name], tree=root), root)
