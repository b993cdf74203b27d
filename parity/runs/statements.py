"""The assignments of a Python config, interpreted; see literals.py for what values may be."""

from __future__ import annotations

import ast
import sys
from typing import Any

from parity.runs.literals import FAILURES, Literals
from parity.runs.nodes import Module, Node


class Interpreter(Literals):
    """Runs the statements of one config file: assignments, and calls such as `d.update(...)`."""

    def run(self, tree: ast.Module) -> Node:
        """Every name the file binds. Raises RunFormatError."""
        for statement in tree.body:
            try:
                self._statement(statement)
            except FAILURES as error:
                raise self.fail(statement, f"{type(error).__name__}: {error}") from error
        return self.names

    def public(self, tree: ast.Module) -> Node:
        """As `run`, without `_base_`, imports, and the names Python keeps for itself."""
        made = Node()
        for key, value in self.run(tree).items():
            if key != "_base_" and not key.startswith("__") and not isinstance(value, Module):
                made.put(key, value, self.names.origins.get(key))
        return made

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            value = self.value(node.value)
            for target in node.targets:
                self._assign(target, value)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._assign(node.target, self.value(node.value))
        elif isinstance(node, ast.AugAssign):
            self._augment(node)
        elif isinstance(node, ast.Expr):
            self.value(node.value)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(target)
        elif isinstance(node, ast.Import):
            self._import(node)
        elif not isinstance(node, ast.Pass):
            raise self.refuse(node, f"`{type(node).__name__}` statement")

    def _import(self, node: ast.Import) -> None:
        """A standard module may be imported as long as it is not used."""
        for alias in node.names:
            package = alias.name.partition(".")[0]
            if package not in sys.stdlib_module_names:
                raise self.refuse(node, f"`import {alias.name}`")
            self.names[alias.asname or package] = Module(node.lineno)

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.names.put(target.id, value, self.origin(target))
        elif isinstance(target, (ast.Tuple, ast.List)):
            if not isinstance(value, (tuple, list, range)) or len(value) != len(target.elts):
                raise self.fail(target, "cannot unpack: the numbers of names and values differ")
            for name, item in zip(target.elts, value, strict=True):
                self._assign(name, item)
        else:
            box, key = self._place(target)
            if isinstance(box, Node):
                box.put(key, value, self.origin(target))
            else:
                box[key] = value

    def _place(self, target: ast.expr) -> tuple[Any, Any]:
        """The container and the key that `target` names."""
        if isinstance(target, ast.Attribute):
            box, key = self.value(target.value), target.attr
        elif isinstance(target, ast.Subscript):
            box, key = self.value(target.value), self.value(target.slice)
        else:
            raise self.refuse(target, "this kind of target")
        indexed = isinstance(box, list) and isinstance(key, int) and -len(box) <= key < len(box)
        if not (indexed or isinstance(box, Node)):
            raise self.fail(target, f"a {type(box).__name__} has no place {key!r}")
        return box, key

    def _augment(self, node: ast.AugAssign) -> None:
        old, new = self.value(node.target), self.value(node.value)
        if isinstance(node.op, ast.Add) and isinstance(old, list) and isinstance(new, list):
            old += new  # in place, as Python does: other names of the same list see it
        else:
            old = self.operate(node, node.op, old, new)
        self.charge(node, old)
        self._assign(node.target, old)

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            box, key = self.names, target.id
        else:
            box, key = self._place(target)
        if isinstance(box, Node) and key not in box:
            raise self.fail(target, f"there is no {key!r} to delete")
        del box[key]
