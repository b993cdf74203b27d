"""Where the files lie that a config inherits from."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity.errors import RunFormatError
from parity.runs.facts import Unknown

# The packages whose configs a `package::file` base may name.
_PACKAGES = ("mmseg", "mmdet", "mmpretrain", "mmcls", "mmengine")
MAX_PARTS = 64


def installed_configs(package: str = "mmseg") -> Path | None:
    """The configs of an installed package; None without it. Imports nothing."""
    home = _home(package)
    # A wheel carries the configs in .mim, a source checkout beside the package.
    for configs in (home / ".mim" / "configs", home.parent / "configs") if home else ():
        if configs.is_dir():
            return configs
    return None


def _home(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


@dataclass
class Bases:
    """Finds bases. tree, root: of the run, and of the known configs; no base may lie elsewhere."""

    tree: Path | None
    root: Path | None
    roots: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.roots += [folder for folder in (self.tree, self.root) if folder is not None]

    def find(self, spec: Any, name: str, path: Path) -> tuple[Path, str | None]:
        """The file that the base `spec` of the config at `path` names.

        Also the package it was taken from, where `spec` names one. name: of the config.
        Raises RunFormatError.
        """
        if not isinstance(spec, str):
            told = spec.text if isinstance(spec, Unknown) else repr(spec)
            raise RunFormatError(f"{name}: a base is `{told:.80}`, not a path")
        package, separator, rest = spec.partition("::")
        candidates = [path.absolute().parent / spec, *self._under_root(spec)]
        if separator:
            folder = installed_configs(package) if package in _PACKAGES else None
            self.roots += [folder] if folder else []
            candidates = [folder / rest] if folder else []
        return self._first(candidates, spec, name), package if separator else None

    def find_module(self, level: int, module: str, name: str, path: Path) -> Path:
        """The config that ``from <level dots><module> import`` means in the config at `path`."""
        parts = module.split(".")
        spec = "/".join([*[".."] * (level - 1), *parts]) + ".py"
        if level:
            return self._first([path.absolute().parent / spec, *self._under_root(spec)], spec, name)
        home = _home(parts[0]) if parts[0] in _PACKAGES else None
        if home is None or len(parts) < 2:
            raise RunFormatError(f"{name}: its base {module!r} is no config of a known package")
        self.roots.append(home)
        return self._first([home.joinpath(*parts[1:]).with_suffix(".py")], module, name)

    def _first(self, candidates: list[Path], spec: str, name: str) -> Path:
        for candidate in candidates:
            if _is_file(candidate) and self._allowed(candidate):
                return candidate
        raise RunFormatError(
            f"{name}: its base {spec[:200]!r} is neither in the run nor in the known configs; "
            "give their folder, or the config that mmengine dumped into the run directory"
        )

    def _allowed(self, path: Path) -> bool:
        return any(path.resolve().is_relative_to(folder.resolve()) for folder in self.roots)

    def _under_root(self, spec: str) -> Iterator[Path]:
        """Where a base may lie below the configs root when its own file was copied elsewhere.

        A path into a checkout that is not there is found by its longest known end.
        """
        parts = [part for part in Path(spec).parts if part not in {".", "..", "/"}]
        if self.root is None or len(parts) > MAX_PARTS:
            return
        for start in range(len(parts)):
            yield self.root.joinpath(*parts[start:])
        if len(parts) == 1:
            yield from (folder / parts[0] for folder in sorted(self.root.glob("*/")))

    def shown(self, path: Path) -> str:
        """`path` as messages name it."""
        for folder, prefix in ((self.root, "configs/"), (self.tree, "")):
            if folder is not None and path.resolve().is_relative_to(folder.resolve()):
                return prefix + path.resolve().relative_to(folder.resolve()).as_posix()
        return str(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for the file system
        return False
