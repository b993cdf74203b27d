"""Configs, parsed and never executed; the result equals mmengine's `Config.fromfile`.

Reproduces mmengine 0.10.7 config/config.py: predefined and environment
variables, `_base_` inheritance, `{{ _base_.x }}`, `_delete_`, `_deprecation_`
and `package::` bases, for Python, JSON and YAML files, and the pure-Python
style with `read_base()`. A value that only running the file could tell is
Unknown by itself; the rest of the config counts.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from parity.errors import RunFormatError
from parity.runs.bases import Bases
from parity.runs.bases import installed_configs as installed_configs
from parity.runs.documents import MARKED, MAX_NOTES, document, substitute
from parity.runs.facts import Config
from parity.runs.merge import copy_tree, merge_config, origins_of, plain_tree, unknown_in
from parity.runs.nodes import Node, Work
from parity.runs.statements import Interpreter, ReadBase
from parity.runs.tree import read_bounded

MAX_BYTES = 1 << 20
MAX_BASES = 64
MAX_LINE = 20_000_000
BASE, DEPRECATION = "_base_", "_deprecation_"
# What CUDA code prints between the lines of a log (see console.py).
_PRINTED_BETWEEN = re.compile(r"(?m)^error in .*$")


def read_config(
    path: Path,
    *,
    tree: Path | None = None,
    configs_root: Path | None = None,
    name: str = "",
    work: Work | None = None,
) -> Config:
    """The config in `path` with everything it inherits.

    tree: the directory in which bases are looked for, and which they may not
    leave; by default two folders above `path`, or the highest folder above it that
    holds a ``_base_``, as a checkout's configs do. configs_root: where they are
    looked for next, by default the configs of the installed mmseg. name: how to
    call the file in sources and messages. work: what the configs of one run may
    still cost together.

    Raises RunFormatError with file and line: not a config, a base that cannot
    be found, or "needs execution".
    """
    path = Path(path)
    allowed = _configs_above(path.absolute()) if tree is None else Path(tree).absolute()
    root = installed_configs() if configs_root is None else Path(configs_root)
    reader = _Reader(Bases(allowed, None if root is None else root.absolute()), work or Work())
    name = name or str(path)
    with _parsing(name):
        return reader.config(reader.file(path, name, ()), name)


def _configs_above(path: Path) -> Path:
    """The highest of the folders above `path` with a ``_base_``, or the one two above."""
    nearest = path.parent.parent
    return next((p for p in reversed(path.parents) if (p / "_base_").is_dir()), nearest)


def parse_config(text: str, *, file: str, line: int = 1, work: Work | None = None) -> Config:
    """A config given as text without bases, e.g. as a log prints it. Raises RunFormatError.

    line: the number of its first line in `file`; 0: `file` holds it in no lines
    of its own, so that its keys have no places. work: as of `read_config`.
    """
    if len(text) > MAX_BYTES or line > MAX_LINE:
        raise RunFormatError(f"{file}: its printed config is too long, or too far down")
    shifted = "\n" * (line - 1) + _PRINTED_BETWEEN.sub("", text)
    reader = _Reader(Bases(None, None), work or Work(), placed=line > 0)
    with _parsing(file):
        return reader.config(reader.evaluate(shifted, file, Path("printed.py"), ()), file)


@dataclass
class _Reader:
    """Reads one config and its bases. placed: whether its text has lines of its own."""

    bases: Bases
    work: Work
    placed: bool = True
    notes: list[str] = field(default_factory=list)
    imported: set[str] = field(default_factory=set)
    count: int = 0

    def config(self, values: Node, name: str) -> Config:
        """The result, for who reads it."""
        for imported in self.imported & values.keys():
            del values[imported]
        plain = plain_tree(values)
        unknown = {item.source: item.note for item in unknown_in(plain)}
        notes = [*self.notes, *list(unknown.values())[:MAX_NOTES]]
        origins = origins_of(values, self.work.copies) if self.placed else {}
        return Config(plain, name, origins, tuple(notes))

    def file(self, path: Path, name: str, above: tuple[Path, ...]) -> Node:
        self.count += 1
        if path.resolve() in above or self.count > MAX_BASES:
            raise RunFormatError(f"{name}: inherits from itself, or from over {MAX_BASES} files")
        source = read_bounded(path, MAX_BYTES).decode("utf-8-sig", "replace")
        return self.evaluate(source, name, path, (*above, path.resolve()))

    def evaluate(self, source: str, name: str, path: Path, above: tuple[Path, ...]) -> Node:
        """The values of `source`, which lies at `path`, merged into those of its bases."""
        source = substitute(source, name, path, self.notes)
        if path.suffix in {".json", ".yaml", ".yml"}:
            given = document(source, path.suffix)
            base = self._inherited(given.pop(BASE, []), name, path, above)
        else:
            tree = _parsed(source, name)
            specs = self._bases_of(tree, name, source)
            base = self._inherited(specs, name, path, above)
            read = partial(self._read, name, path, above) if self.bases.roots else None
            given = self._own_values(tree, name, source, base, read)
        values = self._copy(_resolve_marks(self._copy(given), base, name))
        values.pop(DEPRECATION, None)
        return merge_config(values, base, name)

    def _copy(self, value: Any, scope: str | None = None, *, inherited: bool = False) -> Any:
        return copy_tree(value, budget=self.work.copies, scope=scope, inherited=inherited)

    def _interpreter(self, name: str, source: str, read: ReadBase | None = None) -> Interpreter:
        return Interpreter(name, source, self.work.steps, read, placed=self.placed)

    def _inherited(self, specs: Any, name: str, path: Path, above: tuple[Path, ...]) -> Node:
        merged = Node(inherited=True)
        for spec in specs if isinstance(specs, list) else [specs]:
            found, scope = self.bases.find(spec, name, path)
            given = self.file(found, self.bases.shown(found), above)
            twice = sorted((merged.keys() & given.keys()) - self.imported)
            if twice:
                raise RunFormatError(f"{name}: two bases both define {', '.join(twice)}")
            merged.take(self._copy(given, scope, inherited=True))
        return merged

    def _read(
        self, name: str, path: Path, above: tuple[Path, ...], level: int, module: str
    ) -> Node:
        """What an import under `read_base()` in the config at `path` takes over."""
        found = self.bases.find_module(level, module, name, path)
        values = self.file(found, self.bases.shown(found), above)
        copied: Node = self._copy(values, inherited=True)
        return copied

    def _bases_of(self, tree: ast.Module, name: str, source: str) -> Any:
        """What the first ``_base_ = ...`` says; all of them are taken out of `tree`."""
        values = [n.value for n in tree.body if isinstance(n, ast.Assign) and _is_base(n)]
        tree.body = [node for node in tree.body if not _is_base(node)]
        return self._interpreter(name, source).value(values[0]) if values else []

    def _own_values(
        self, tree: ast.Module, name: str, source: str, base: Node, read: ReadBase | None
    ) -> Node:
        interpreter = self._interpreter(name, source, read)
        interpreter.names[BASE] = base
        values = interpreter.public(tree)
        self.imported |= interpreter.imported
        return values


@contextmanager
def _parsing(name: str) -> Iterator[None]:
    """Turn what Python and YAML raise on broken or hostile text into RunFormatError."""
    try:
        yield
    except SyntaxError as error:
        line = error.lineno or 0
        raise RunFormatError(f"{name}:{line}: not a Python config: {error.msg}") from error
    except ValueError as error:
        raise RunFormatError(f"{name}: not a config: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise RunFormatError(f"{name}: nested too deeply to be a config") from error


def _parsed(source: str, name: str) -> ast.Module:
    with warnings.catch_warnings():  # of the file's style, which is not ours to judge
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source, filename=name)
        except SyntaxError:
            readable = without_reprs(source)
            if readable == source:
                raise
            return ast.parse(readable, filename=name)


def _is_base(node: ast.stmt) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id == BASE


def _resolve_marks(value: Any, base: Node, name: str) -> Any:
    """`value` with each ``{{ _base_.x }}`` replaced by the base's value."""
    if isinstance(value, str):
        match = MARKED.fullmatch(value)
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


_REPR = re.compile(
    r"<(?:class '[\w.]+'|[\w.]+(?: [^<>\n]{0,200}(?:<[^<>\n]{0,200}>)?)? at 0x[0-9A-Fa-f]+"
    r"|(?:built-in|bound|module)\b[^<>\n]{0,200}(?:<[^<>\n]{0,200}>)?|[\w.]+: [\w'\"]{1,80})>"
)


def without_reprs(source: str) -> str:
    """`source` with each such value replaced by a name that nothing defines, of equal length.

    A value is replaced only where Python's tokenizer sees its ``<`` outside of
    texts and comments; a source that it cannot split stays as it is.
    """
    found = list(_REPR.finditer(source))
    if not found:
        return source
    try:
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        signs = {token.start for token in tokens if token.string == "<"}
    except (tokenize.TokenError, SyntaxError):
        return source
    lines = [0, *(match.end() for match in re.finditer("\n", source))]
    parts, last, row = [], 0, 0
    for match in found:
        while row + 1 < len(lines) and lines[row + 1] <= match.start():
            row += 1
        if (row + 1, match.start() - lines[row]) in signs:
            parts += [source[last : match.start()], "_" * len(match[0].encode("utf-8", "replace"))]
            last = match.end()
    return "".join([*parts, source[last:]])
