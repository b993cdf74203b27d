"""Python expressions as data: an evaluator of literals, which runs none of the file.

It knows constants, containers, arithmetic, comprehensions, earlier names, and
the fixed functions of nodes.py. Everything else raises RunFormatError with the
words "needs execution" and the line. Work and sizes are bounded, so that a
hostile file cannot exhaust the machine either.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from parity.errors import RunFormatError
from parity.runs.facts import Source
from parity.runs.nodes import (
    BINARY,
    COMPARE,
    FUNCTIONS,
    METHODS,
    UNARY,
    Module,
    Node,
    bits,
    plain_set,
    scalar,
    text,
)

MAX_STEPS = 1_000_000
MAX_ITEMS = 200_000
MAX_BITS = 256
# What mmengine's dump writes, bare, for these floats.
_NAMED = {"nan": float("nan"), "inf": float("inf")}
FAILURES = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    ValueError,
    ZeroDivisionError,
)


class Literals:
    """Evaluates expressions of one config file over `names`.

    file: how to name it in messages. text: its source, for quotes.
    """

    def __init__(self, file: str, source: str) -> None:
        self.names = Node()
        self.file = file
        self._lines = source.splitlines()
        self._scopes: list[dict[str, Any]] = []
        self._steps = 0

    def value(self, node: ast.expr) -> Any:
        """What `node` is worth. Raises RunFormatError."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.refuse(node, f"{type(node).__name__} expression")
        self.charge(node, 1)
        try:
            value = method(node)
        except FAILURES as error:
            raise self.fail(node, f"{type(error).__name__}: {error}") from error
        if not isinstance(node, (ast.Name, ast.Constant, ast.Attribute)):
            self.charge(node, value)
        return value

    def charge(self, node: ast.AST, work: Any) -> None:
        """Count `work`: a number of steps, or a value just made, by its size."""
        if isinstance(work, (str, list, tuple, set, dict)):
            if len(work) > MAX_ITEMS:
                raise self.refuse(node, "a value of this size")
            work = len(work)
        self._steps += work if type(work) is int and work > 0 else 0
        if self._steps > MAX_STEPS:
            raise self.refuse(node, f"more than {MAX_STEPS} steps")

    def refuse(self, node: ast.AST, what: str) -> RunFormatError:
        """The error for what only running the file could tell."""
        return RunFormatError(
            f"{self.file}:{getattr(node, 'lineno', 0)}: needs execution: {what} is not a literal; "
            "give the config that mmengine dumped into the run directory instead"
        )

    def fail(self, node: ast.AST, what: str) -> RunFormatError:
        """The error for what mmengine would not accept either."""
        return RunFormatError(
            f"{self.file}:{getattr(node, 'lineno', 0)}: not a valid config: {what}"
        )

    def origin(self, node: ast.AST) -> Source:
        """The place of `node`."""
        line: int = getattr(node, "lineno", 0)
        quoted = self._lines[line - 1].strip() if 0 < line <= len(self._lines) else ""
        return Source(self.file, line or None, quoted)

    # One method per class of ast, named after it.

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        for scope in (*reversed(self._scopes), self.names, _NAMED):
            if node.id in scope:
                value = scope[node.id]
                if isinstance(value, Module):
                    raise self.refuse(node, f"`{node.id}`, imported in line {value.line},")
                return value
        raise self.refuse(node, f"the name `{node.id}`, which the file does not define,")

    def _list(self, node: ast.List) -> list[Any]:
        return list(self._elements(node.elts))

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self._elements(node.elts))

    def _set(self, node: ast.Set) -> set[Any]:
        return plain_set(self._elements(node.elts))

    def _elements(self, nodes: list[ast.expr]) -> Iterator[Any]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                items = self.value(node.value)
                self.charge(node, items)
                yield from items
            else:
                yield self.value(node)

    def _dict(self, node: ast.Dict) -> Node:
        made = Node()
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.take(self._mapping(value))
            else:
                made.put(self.value(key), self.value(value), self.origin(key))
        return made

    def _mapping(self, node: ast.expr) -> dict[Any, Any]:
        value = self.value(node)
        if not isinstance(value, dict):
            raise self.fail(node, f"`**` of a {type(value).__name__}")
        return value

    def _binop(self, node: ast.BinOp) -> Any:
        return self.operate(node, node.op, self.value(node.left), self.value(node.right))

    def operate(self, node: ast.AST, kind: ast.operator, left: Any, right: Any) -> Any:
        """`left` `kind` `right`, refused where the result would be huge."""
        function = BINARY.get(type(kind))
        formats = isinstance(left, (str, bytes)) and isinstance(kind, ast.Mod)
        if function is None or formats:
            raise self.refuse(node, f"operator {type(kind).__name__}")
        if isinstance(kind, ast.Mult):
            self._check_product(node, left, right)
        elif isinstance(kind, ast.Pow) and (bits(left) or 1) * abs(right) > MAX_BITS:
            raise self.refuse(node, "a power of this size")
        return function(left, right)

    def _check_product(self, node: ast.AST, left: Any, right: Any) -> None:
        if bits(left) + bits(right) > MAX_BITS:
            raise self.refuse(node, "a product of this size")
        for box, times in ((left, right), (right, left)):
            repeats = isinstance(box, (str, bytes, list, tuple)) and isinstance(times, int)
            if repeats and len(box) * times > MAX_ITEMS:
                raise self.refuse(node, "a repetition of this size")

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        function = UNARY.get(type(node.op))
        if function is None:
            raise self.refuse(node, f"operator {type(node.op).__name__}")
        return function(self.value(node.operand))

    def _boolop(self, node: ast.BoolOp) -> Any:
        ends_at = isinstance(node.op, ast.Or)
        value: Any = None
        for item in node.values:
            value = self.value(item)
            if bool(value) is ends_at:
                break
        return value

    def _compare(self, node: ast.Compare) -> bool:
        left = scalar(self.value(node.left))
        for kind, item in zip(node.ops, node.comparators, strict=True):
            right = self.value(item)
            if not COMPARE[type(kind)](left, right):
                return False
            left = right
        return True

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def _subscript(self, node: ast.Subscript) -> Any:
        key = self.value(node.slice)
        return self.value(node.value)[key if isinstance(key, slice) else scalar(key)]

    def _slice(self, node: ast.Slice) -> slice:
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else self.value(part) for part in parts))

    def _attribute(self, node: ast.Attribute) -> Any:
        box = self.value(node.value)
        if isinstance(box, Node) and node.attr in box:
            return box[node.attr]
        raise self.refuse(node, f"attribute `{node.attr}`")

    def _joinedstr(self, node: ast.JoinedStr) -> str:
        return "".join(text(self.value(part)) for part in node.values)

    def _formattedvalue(self, node: ast.FormattedValue) -> str:
        if node.format_spec is not None or node.conversion != -1:
            raise self.refuse(node, "a format specification")
        return text(self.value(node.value))

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        return [self.value(node.elt) for _ in self._loops(node.generators)]

    _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp) -> Node:
        made = Node()
        for _ in self._loops(node.generators):
            made.put(self.value(node.key), self.value(node.value), self.origin(node.key))
        return made

    def _loops(self, generators: list[ast.comprehension]) -> Iterator[None]:
        """Once per round of the nested loops, with their names bound."""
        if not generators:
            yield
            return
        first, *rest = generators
        for item in self.value(first.iter):
            scope: dict[str, Any] = {}
            self._bind(first.target, item, scope)
            self._scopes.append(scope)
            if all(self.value(test) for test in first.ifs):
                yield from self._loops(rest)
            self._scopes.pop()

    def _bind(self, target: ast.expr, item: Any, scope: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            scope[target.id] = item
        elif isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == len(item):
            for name, part in zip(target.elts, item, strict=True):
                self._bind(name, part, scope)
        else:
            raise self.refuse(target, "this kind of loop variable")

    def _call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id == "dict":
            return self._dict_call(node)
        function, box = self._function(node.func)
        arguments = list(self._elements(node.args))
        for argument in arguments:
            self.charge(node, argument)
        if function is range and len(range(*arguments)) > MAX_ITEMS:
            raise self.refuse(node, "a range of this size")
        value = function(*arguments, **self._keywords(node))
        self.charge(node, box)
        return value

    def _keywords(self, node: ast.Call) -> dict[str, Any]:
        made = Node()
        for keyword in node.keywords:
            if keyword.arg is None:
                made.take(self._mapping(keyword.value))
            else:
                made.put(keyword.arg, self.value(keyword.value), self.origin(keyword))
        return made

    def _dict_call(self, node: ast.Call) -> Node:
        made = Node()
        for argument in self._elements(node.args):
            made.update(argument)
        made.take(self._keywords(node))
        return made

    def _function(self, node: ast.expr) -> tuple[Callable[..., Any], Any]:
        """The function to call and the value it is a method of, else None."""
        if isinstance(node, ast.Name):
            bound = any(node.id in scope for scope in (*self._scopes, self.names))
            if node.id in FUNCTIONS and not bound:
                return FUNCTIONS[node.id], None
            raise self.refuse(node, f"the call of `{node.id}`")
        if isinstance(node, ast.Attribute):
            box = self.value(node.value)
            if node.attr in METHODS.get(type(box), ()):
                return getattr(box, node.attr), box
            raise self.refuse(node, f"the call of `.{node.attr}`")
        raise self.refuse(node, "this call")
