"""A program of this package as one file: what it imports of the doctor takes the import's place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from parity.guard import doctor

SOURCE = Path(doctor.__file__)
Definition = ast.FunctionDef | ast.ClassDef | ast.Assign


def one_file(program: Path) -> str:
    """The program's text, with the definitions that it imports from the doctor in it."""
    text = program.read_text("utf-8")
    tree = ast.parse(text)
    (imported,) = (
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == doctor.__name__
    )
    lines = text.splitlines(keepends=True)
    before, after = lines[: imported.lineno - 1], lines[imported.end_lineno :]
    return "".join([*before, *_definitions(alias.name for alias in imported.names), *after])


def _definitions(names: Iterable[str]) -> Iterator[str]:
    """The doctor's imports, and the definitions of these names and of all that those use."""
    text = SOURCE.read_text("utf-8")
    tree = ast.parse(text)
    defined = {name: node for node in tree.body for name in _names(node)}
    needed, queue = set[ast.stmt](), [defined[name] for name in names]
    while queue:
        node = queue.pop()
        if node not in needed:
            needed.add(node)
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            queue += [defined[name] for name in used & defined.keys()]
    lines = text.splitlines(keepends=True)
    for node in tree.body:
        imports = isinstance(node, ast.Import | ast.ImportFrom)
        if node in needed or (imports and getattr(node, "module", "") != "__future__"):
            space = "" if imports else "\n"
            yield space + "".join(lines[_first_line(node) - 1 : node.end_lineno])


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]


def _first_line(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    return min([node.lineno, *(one.lineno for one in decorators)])
