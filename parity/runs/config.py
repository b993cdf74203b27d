"""Configs, parsed and never executed; the result equals mmengine's `Config.fromfile`.

Reproduces mmengine 0.10.7 config/config.py: predefined and environment
variables, `_base_` inheritance, `{{ _base_.x }}`, `_delete_`, `_deprecation_`
and `package::` bases, for Python, JSON and YAML files.
"""

from __future__ import annotations

import ast
import glob
import importlib.util
import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from parity.errors import RunFormatError
from parity.runs.facts import Config
from parity.runs.merge import copy_tree, merge_config, origins_of, plain_tree
from parity.runs.nodes import Node
from parity.runs.statements import Interpreter
from parity.runs.tree import read_bounded

MAX_BYTES = 1 << 20
MAX_BASES = 64
BASE, DEPRECATION = "_base_", "_deprecation_"
_BASE_VARIABLE = re.compile(r"\{\{\s*_base_\.([\w.]+)\s*\}\}")
_FILE_VARIABLE = re.compile(r"\{\{\s*(fileDirname|fileBasename(?:NoExtension)?|fileExtname)\s*\}\}")
_ENVIRONMENT = re.compile(r"\{\{['\"]?\s*\$(\w+)\s*:\s*(\S{0,500}?)\s*['\"]?\}\}")
_MARK = "\N{LEFT WHITE SQUARE BRACKET}base:%s\N{RIGHT WHITE SQUARE BRACKET}"
_MARKED = re.compile(_MARK.replace("%s", r"([\w.]+)"))
# What CUDA code prints between the lines of a log (see console.py).
_PRINTED_BETWEEN = re.compile(r"(?m)^error in .*$")
# The packages whose configs a `package::file` base may name.
_PACKAGES = ("mmseg", "mmdet", "mmpretrain", "mmcls", "mmengine")


def installed_configs(package: str = "mmseg") -> Path | None:
    """The configs of an installed package; None without it. Imports nothing."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    # A wheel carries the configs in .mim, a source checkout beside the package.
    for configs in (home / ".mim" / "configs", home.parent / "configs"):
        if configs.is_dir():
            return configs
    return None


def read_config(
    path: Path, *, tree: Path | None = None, configs_root: Path | None = None, name: str = ""
) -> Config:
    """The config in `path` with everything it inherits.

    tree: the directory in which bases are looked for, and which they may not
    leave; by default two folders above `path`. configs_root: where they are
    looked for next, by default the configs of the installed mmseg. name: how to
    call the file in sources and messages.

    Raises RunFormatError with file and line: not a config, a base that cannot
    be found, or "needs execution".
    """
    path = Path(path)
    allowed = path.absolute().parent.parent if tree is None else Path(tree).absolute()
    root = installed_configs() if configs_root is None else Path(configs_root)
    reader = _Reader(allowed, None if root is None else root.absolute())
    return reader.config(path, name or str(path))


def parse_config(text: str, *, file: str, line: int = 1) -> Config:
    """A config given as text without bases, e.g. as a log prints it. Raises RunFormatError.

    line: the number of its first line in `file`; 0: `file` holds it in no lines
    of its own, so that its keys have no places.
    """
    shifted = "\n" * (line - 1) + _PRINTED_BETWEEN.sub("", text)
    with _parsing(file):
        values = _Reader(None, None).evaluate(shifted, file, Path("printed.py"), ())
        return Config(plain_tree(values), file, origins_of(values) if line else {})


@dataclass
class _Reader:
    """Reads one config and its bases. roots: the only folders a base may lie in."""

    tree: Path | None
    root: Path | None
    roots: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.roots += [folder for folder in (self.tree, self.root) if folder is not None]

    def config(self, path: Path, name: str) -> Config:
        with _parsing(name):
            values = self.file(path, name, ())
            return Config(plain_tree(values), name, origins_of(values), tuple(self.notes))

    def file(self, path: Path, name: str, above: tuple[Path, ...]) -> Node:
        self.count += 1
        if path.resolve() in above or self.count > MAX_BASES:
            raise RunFormatError(f"{name}: inherits from itself, or from over {MAX_BASES} files")
        source = read_bounded(path, MAX_BYTES).decode("utf-8-sig", "replace")
        return self.evaluate(source, name, path, (*above, path.resolve()))

    def evaluate(self, source: str, name: str, path: Path, above: tuple[Path, ...]) -> Node:
        """The values of `source`, which lies at `path`, merged into those of its bases."""
        source = self._substitute(source, name, path)
        if path.suffix in {".json", ".yaml", ".yml"}:
            document = _document(source, path)
            base = self._inherited(document.pop(BASE, []), name, path, above)
            values = copy_tree(document)
        else:
            with warnings.catch_warnings():  # of the file's style, which is not ours to judge
                warnings.simplefilter("ignore")
                tree = ast.parse(source, filename=name)
            base = self._inherited(_take_bases(tree, name, source), name, path, above)
            values = copy_tree(_own_values(tree, name, source, base))
        values = copy_tree(_resolve_marks(values, base, name))
        values.pop(DEPRECATION, None)
        return merge_config(values, base, name)

    def _inherited(self, specs: Any, name: str, path: Path, above: tuple[Path, ...]) -> Node:
        merged = Node()
        for spec in specs if isinstance(specs, list) else [specs]:
            found, scope = self._find(spec, name, path)
            given = self.file(found, self._shown(found), above)
            twice = sorted(merged.keys() & given.keys())
            if twice:
                raise RunFormatError(f"{name}: two bases both define {', '.join(twice)}")
            merged.take(copy_tree(given, scope=scope))
        return merged

    def _find(self, spec: Any, name: str, path: Path) -> tuple[Path, str | None]:
        """The file a base names, and the package it was taken from, if it names one."""
        if not isinstance(spec, str):
            raise RunFormatError(f"{name}: a base is a {type(spec).__name__}, not a path")
        package, separator, rest = spec.partition("::")
        candidates = [path.absolute().parent / spec, *self._under_root(spec)]
        if separator:
            folder = installed_configs(package) if package in _PACKAGES else None
            self.roots += [folder] if folder else []
            candidates = [folder / rest] if folder else []
        for candidate in candidates:
            if candidate.is_file() and self._allowed(candidate):
                return candidate, package if separator else None
        raise RunFormatError(
            f"{name}: its base {spec!r} is neither in the run nor in the known configs; "
            "give their folder, or the config that mmengine dumped into the run directory"
        )

    def _allowed(self, path: Path) -> bool:
        return any(path.resolve().is_relative_to(folder.resolve()) for folder in self.roots)

    def _under_root(self, spec: str) -> Iterator[Path]:
        """Where a base may lie below the configs root when its own file was copied elsewhere."""
        if self.root is None:
            return
        parts = [part for part in Path(spec).parts if part not in {".", "..", "/"}]
        yield self.root.joinpath(*parts)
        if len(parts) == 1:
            yield from sorted(self.root.glob(f"*/{glob.escape(parts[0])}"))

    def _shown(self, path: Path) -> str:
        """`path` as messages name it."""
        for folder, prefix in ((self.root, "configs/"), (self.tree, "")):
            if folder is not None and path.resolve().is_relative_to(folder.resolve()):
                return prefix + path.resolve().relative_to(folder.resolve()).as_posix()
        return str(path)

    def _substitute(self, source: str, name: str, path: Path) -> str:
        """Fill in what mmengine fills in before it parses; note what only the run knew."""
        known = {
            "fileBasename": path.name,
            "fileBasenameNoExtension": path.stem,
            "fileExtname": path.suffix,
        }

        def of_file(match: re.Match[str]) -> str:
            if match[1] in known:
                return known[match[1]]
            self._note(name, source, match, "is not resolvable: it depends on where the run was")
            return match[1]

        def of_environment(match: re.Match[str]) -> str:
            if not match[2]:
                line = source.count("\n", 0, match.start()) + 1
                raise RunFormatError(
                    f"{name}:{line}: needs execution: the environment variable {match[1]} of the "
                    "run; give the config that mmengine dumped into the run directory instead"
                )
            self._note(name, source, match, "taken at its default; the run may have had another")
            return match[2]

        source = _FILE_VARIABLE.sub(of_file, source)
        source = _ENVIRONMENT.sub(of_environment, source)
        return _BASE_VARIABLE.sub(lambda match: f'"{_MARK % match[1]}"', source)

    def _note(self, name: str, source: str, match: re.Match[str], what: str) -> None:
        line = source.count("\n", 0, match.start()) + 1
        self.notes.append(f"{name}:{line}: {match[0]} {what}")


@contextmanager
def _parsing(name: str) -> Iterator[None]:
    """Turn what Python and YAML raise on broken or hostile text into RunFormatError."""
    try:
        yield
    except SyntaxError as error:
        line = error.lineno or 0
        raise RunFormatError(f"{name}:{line}: not a Python config: {error.msg}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise RunFormatError(f"{name}: not a config: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise RunFormatError(f"{name}: nested too deeply to be a config") from error


def _document(source: str, path: Path) -> dict[str, Any]:
    loaded = json.loads(source) if path.suffix == ".json" else yaml.safe_load(source)
    if not isinstance(loaded, dict):
        raise ValueError(f"holds a {type(loaded).__name__}, not a mapping")
    return loaded


def _take_bases(tree: ast.Module, name: str, source: str) -> Any:
    """What the first ``_base_ = ...`` says; all of them are taken out of `tree`."""
    values = [node.value for node in tree.body if isinstance(node, ast.Assign) and _is_base(node)]
    tree.body = [node for node in tree.body if not _is_base(node)]
    return Interpreter(name, source).value(values[0]) if values else []


def _is_base(node: ast.stmt) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id == BASE


def _own_values(tree: ast.Module, name: str, source: str, base: Node) -> Node:
    interpreter = Interpreter(name, source)
    interpreter.names[BASE] = base
    return interpreter.public(tree)


def _resolve_marks(value: Any, base: Node, name: str) -> Any:
    """`value` with each ``{{ _base_.x }}`` replaced by the base's value."""
    if isinstance(value, str):
        match = _MARKED.fullmatch(value)
        return value if match is None else _base_value(match[1], base, name)
    if isinstance(value, (list, tuple)):
        return type(value)(_resolve_marks(item, base, name) for item in value)
    if isinstance(value, dict):
        made = Node()
        origins = value.origins if isinstance(value, Node) else {}
        for key, item in value.items():
            made.put(key, _resolve_marks(item, base, name), origins.get(key))
        return made
    return value


def _base_value(dotted: str, base: Node, name: str) -> Any:
    value: Any = base
    for key in dotted.split("."):
        if not isinstance(value, dict) or key not in value:
            raise RunFormatError(f"{name}: its bases define no {dotted!r}")
        value = value[key]
    return value
