"""The assignments of a Python config, interpreted; see literals.py for what values may be.

Imports are never made. mmengine's pure-Python style (config/lazy.py) names
classes by importing them: ``type=FCNHead`` is worth ``mmseg.models.FCNHead``,
and under ``with read_base():`` an import takes over the names of another config.
"""

import ast
import sys
from collections.abc import Callable
from typing import Any

from parity.runs.calls import Calls
from parity.runs.facts import Unknown
from parity.runs.literals import FAILURES
from parity.runs.merge import copy_tree
from parity.runs.nodes import Budget, Dotted, Module, Node, NotKnown, known, scalar, size

# Gives the names of the config that a module stands for: dots in front, then the dotted name.
ReadBase = Callable[[int, str], Node]


class Interpreter(Calls):
    """Runs the statements of one config file: assignments, and calls such as `d.update(...)`.

    read_base: reads another config; None where there is none to read.
    imported: the names that imports bound, which mmengine leaves out.
    """

    def __init__(
        self,
        file: str,
        source: str,
        budget: Budget | None = None,
        read_base: ReadBase | None = None,
        *,
        placed: bool = True,
    ) -> None:
        super().__init__(file, source, budget, placed=placed)
        self.imported: set[str] = set()
        self._read_base = read_base

    def run(self, tree: ast.Module) -> Node:
        """Every name the file binds. Raises RunFormatError."""
        for statement in tree.body:
            try:
                self._statement(statement)
            except NotKnown as error:
                raise self.refuse(statement, str(error)) from error
            except FAILURES as error:
                raise self.fail(statement, f"{type(error).__name__}: {error}") from error
        return self.names

    def public(self, tree: ast.Module) -> Node:
        """As `run`, without `_base_`, modules, and the names Python keeps for itself."""
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
            self.known(node.value)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(target)
        elif isinstance(node, ast.Import):
            self._import(node)
        elif isinstance(node, ast.ImportFrom):
            self._import_from(node)
        elif isinstance(node, ast.With):
            self._with(node)
        elif not isinstance(node, ast.Pass):
            raise NotKnown(f"`{type(node).__name__}` statement")

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            package = alias.name.partition(".")[0]
            name = alias.asname or package
            dotted = Dotted(alias.name if alias.asname else package)
            self._bind_import(name, Module(node.lineno) if _is_standard(package) else dotted)

    def _import_from(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None:
            raise NotKnown("a relative import outside of `with read_base()`")
        for alias in node.names:
            if alias.name == "*":
                raise NotKnown(f"`from {node.module} import *`")
            inert = _is_standard(node.module.partition(".")[0]) or node.module == "mmengine.config"
            value = Module(node.lineno) if inert else Dotted(f"{node.module}.{alias.name}")
            self._bind_import(alias.asname or alias.name, value)

    def _bind_import(self, name: str, value: Module | Dotted) -> None:
        self.names.put(name, value, None)
        self.imported.add(name)

    def _with(self, node: ast.With) -> None:
        """``with read_base():`` and the imports below it, each of another config."""
        call = node.items[0].context_expr
        is_base = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        named = call.func.id if is_base and len(node.items) == 1 else ""  # type: ignore[attr-defined]
        if named != "read_base" or self._read_base is None:
            raise NotKnown("`With` statement")
        for statement in node.body:
            if not isinstance(statement, ast.ImportFrom):
                raise NotKnown("a statement other than an import under `read_base()`")
            found = self._read_base(statement.level, statement.module or "")
            self._take_names(statement, found)

    def _take_names(self, node: ast.ImportFrom, found: Node) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.charge(node, size(found))
                self.names.take(found)
            elif alias.name not in found:
                raise self.fail(node, f"{node.module} defines no {alias.name!r}")
            else:
                origin = found.origins.get(alias.name)
                self.names.put(alias.asname or alias.name, found[alias.name], origin)

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.names.put(target.id, value, self.origin(target))
        elif isinstance(target, (ast.Tuple, ast.List)):
            sized = isinstance(known(value), (tuple, list, range))
            if not sized or len(value) != len(target.elts):
                raise self.fail(target, "cannot unpack: the numbers of names and values differ")
            for name, item in zip(target.elts, value, strict=True):
                self._assign(name, item)
        else:
            box, key = self._place(target)
            if isinstance(box, Node):
                if box.inherited:
                    value = copy_tree(value, budget=self.budget, inherited=True)
                box.put(key, value, self.origin(target))
            else:
                box[key] = value

    def _place(self, target: ast.expr) -> tuple[Any, Any]:
        """The container and the key that `target` names."""
        if isinstance(target, ast.Attribute):
            box, key = self.known(target.value), target.attr
        elif isinstance(target, ast.Subscript):
            box, key = self.known(target.value), self.known(target.slice)
        else:
            raise NotKnown("this kind of target")
        indexed = isinstance(box, list) and isinstance(key, int) and -len(box) <= key < len(box)
        if not (indexed or isinstance(box, Node)):
            raise self.fail(target, f"a {type(box).__name__} has no place of this name")
        return box, scalar(key)

    def _augment(self, node: ast.AugAssign) -> None:
        if not isinstance(node.target, (ast.Name, ast.Attribute, ast.Subscript)):
            raise NotKnown("this kind of target")
        old, new = self.value(node.target), self.value(node.value)
        if isinstance(old, list):
            known(new)  # other names of the list would not see that it is not known any more
        if isinstance(old, Unknown) or isinstance(new, Unknown):
            unknown = old if isinstance(old, Unknown) else new
            self._assign(node.target, unknown)
            return
        if isinstance(node.op, ast.Add) and isinstance(old, list) and isinstance(new, list):
            self.charge(node, len(old) + len(new))
            old += new  # in place, as Python does: other names of the same list see it
        else:
            old = self.operate(node, node.op, old, new)
        self._assign(node.target, old)

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            box, key = self.names, target.id
        else:
            box, key = self._place(target)
        if isinstance(box, Node) and key not in box:
            raise self.fail(target, f"there is no {key!r} to delete")
        self.charge(target, size(box) if isinstance(box, list) else 1)
        del box[key]


def _is_standard(package: str) -> bool:
    return package in sys.stdlib_module_names
