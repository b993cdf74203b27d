"""Python expressions as data: an evaluator of literals, which runs none of the file.

It knows constants, containers, arithmetic and earlier names; calls.py adds
comprehensions and the fixed functions of nodes.py. What only running the file
could tell is an Unknown value, and so is everything computed from it. Work is
charged before it is done and sizes are bounded, so that a hostile file cannot
exhaust the machine either.
"""

import ast
from collections.abc import Iterator
from typing import Any

from parity.errors import RunFormatError
from parity.runs import nodes
from parity.runs.facts import Source, Unknown
from parity.runs.nodes import Dotted, Module, Node, NotKnown, bits, known, scalar, size, text

MAX_ITEMS = 200_000
MAX_BITS = 256
MAX_QUOTE = 300
# What mmengine's dump writes, bare, for these floats.
_NAMED = {"nan": float("nan"), "inf": float("inf")}
FAILURES = (IndexError, OverflowError, TypeError, ValueError, ZeroDivisionError)


class Literals:
    """Evaluates expressions of one config file over `names`.

    file: how to name it in messages. source: its text, for quotes. placed: whether
    the lines of `source` are those of the file.
    """

    def __init__(
        self, file: str, source: str, budget: nodes.Budget | None = None, *, placed: bool = True
    ) -> None:
        self.names = Node()
        self.file = file
        self.scopes: list[dict[str, Any]] = []
        self.budget = budget or nodes.Budget(nodes.MAX_STEPS)
        self._lines = source.encode("utf-8", "replace").split(b"\n")
        self._placed = placed
        self._quotes: dict[int, Source] = {}

    def value(self, node: ast.expr) -> Any:
        """What `node` is worth, Unknown where only running it could tell. Raises RunFormatError."""
        self.charge(node, 1)
        depth = len(self.scopes)
        try:
            value = self._evaluated(node)
        except NotKnown as error:
            del self.scopes[depth:]
            return Unknown(self._quote(node), self.origin(node), str(error))
        except FAILURES as error:
            raise self.fail(node, f"{type(error).__name__}: {error}") from error
        if bits(value) > MAX_BITS:
            raise self.refuse(node, "an integer of this size")
        if not isinstance(node, (ast.Name, ast.Constant, ast.Attribute)):
            self.charge(node, size(value))
        return value

    def _evaluated(self, node: ast.expr) -> Any:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotKnown(f"{type(node).__name__} expression")
        return method(node)

    def known(self, node: ast.expr) -> Any:
        """What `node` is worth. Raises NotKnown where only running it could tell."""
        return known(self.value(node))

    def charge(self, node: ast.AST, work: int) -> None:
        """Count `work`, in values made or looked at, before it is done."""
        if work > MAX_ITEMS:
            raise self.refuse(node, "a value of this size")
        if not self.budget.spend(work):
            raise self.refuse(node, f"more than {nodes.MAX_STEPS} steps")

    def refuse(self, node: ast.AST, what: str) -> RunFormatError:
        """The error for what only running the file could tell."""
        return RunFormatError(
            f"{self.file}:{getattr(node, 'lineno', 0)}: needs execution: {what} is not a literal; "
            "give the config that mmengine dumped into the run directory instead"
        )

    def fail(self, node: ast.AST, what: str) -> RunFormatError:
        """The error for what mmengine would not accept either."""
        return RunFormatError(
            f"{self.file}:{getattr(node, 'lineno', 0)}: not a valid config: {what[:MAX_QUOTE]}"
        )

    def origin(self, node: ast.AST) -> Source:
        """The place of `node`; one object per line, since a line may hold any number of keys."""
        line: int = getattr(node, "lineno", 0)
        if line not in self._quotes:
            raw = self._lines[line - 1][:MAX_QUOTE] if 0 < line <= len(self._lines) else b""
            quoted = raw.decode("utf-8", "replace").strip()
            place = line if line and self._placed else None
            self._quotes[line] = Source(self.file, place, quoted)
        return self._quotes[line]

    def _quote(self, node: ast.expr) -> str:
        """The start of `node` as written."""
        line = self._lines[node.lineno - 1] if node.lineno <= len(self._lines) else b""
        end = node.end_col_offset if node.end_lineno == node.lineno else None
        found = line[node.col_offset : end][:80].decode("utf-8", "replace")
        return found if end is not None else f"{found.rstrip()} ..."

    # One method per class of ast, named after it.

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        for scope in (*reversed(self.scopes), self.names, _NAMED):
            if node.id in scope:
                value = scope[node.id]
                if isinstance(value, Module):
                    raise NotKnown(f"`{node.id}`, imported in line {value.line},")
                return value
        raise NotKnown(f"the name `{node.id}`, which the file does not define,")

    def _list(self, node: ast.List) -> list[Any]:
        return list(self.elements(node.elts))

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.elements(node.elts))

    def _set(self, node: ast.Set) -> set[Any]:
        return nodes.plain_set(self.elements(node.elts))

    def elements(self, nodes: list[ast.expr]) -> Iterator[Any]:
        """The values of `nodes`, starred ones taken apart."""
        for node in nodes:
            if isinstance(node, ast.Starred):
                items = self.known(node.value)
                self.charge(node, size(items))
                yield from items
            else:
                yield self.value(node)

    def _dict(self, node: ast.Dict) -> Node:
        made = Node()
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.take(self.mapping(value))
            else:
                made.put(self.known(key), self.value(value), self.origin(key))
        return made

    def mapping(self, node: ast.expr) -> dict[Any, Any]:
        """What `**` takes."""
        value = self.known(node)
        if not isinstance(value, dict):
            raise self.fail(node, f"`**` of a {type(value).__name__}")
        self.charge(node, size(value))
        return value

    def _binop(self, node: ast.BinOp) -> Any:
        return self.operate(node, node.op, self.known(node.left), self.known(node.right))

    def operate(self, node: ast.AST, kind: ast.operator, left: Any, right: Any) -> Any:
        """`left` `kind` `right`, refused where the result would be huge."""
        function = nodes.BINARY.get(type(kind))
        formats = isinstance(left, (str, bytes)) and isinstance(kind, ast.Mod)
        if function is None or formats:
            raise NotKnown(f"operator {type(kind).__name__}")
        if isinstance(left, Dotted) or isinstance(right, Dotted):
            raise NotKnown("the use of an imported name")
        if isinstance(kind, ast.Mult):
            self._check_product(node, left, right)
        elif isinstance(kind, ast.Pow) and (bits(left) or 1) * abs(right) > MAX_BITS:
            raise self.refuse(node, "a power of this size")
        self.charge(node, size(left) + size(right))
        return function(left, right)

    def _check_product(self, node: ast.AST, left: Any, right: Any) -> None:
        if bits(left) + bits(right) > MAX_BITS:
            raise self.refuse(node, "a product of this size")
        for box, times in ((left, right), (right, left)):
            repeats = isinstance(box, (str, bytes, list, tuple)) and isinstance(times, int)
            if repeats and len(box) * times > MAX_ITEMS:
                raise self.refuse(node, "a repetition of this size")

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        function = nodes.UNARY.get(type(node.op))
        if function is None:
            raise NotKnown(f"operator {type(node.op).__name__}")
        return function(self.known(node.operand))

    def _boolop(self, node: ast.BoolOp) -> Any:
        ends_at = isinstance(node.op, ast.Or)
        value: Any = None
        for item in node.values:
            value = self.known(item)
            if bool(value) is ends_at:
                break
        return value

    def _compare(self, node: ast.Compare) -> bool:
        left = self.known(node.left)
        for kind, item in zip(node.ops, node.comparators, strict=True):
            right = self.known(item)
            self.charge(node, size(right))
            if not nodes.COMPARE[type(kind)](scalar(left), right):
                return False
            left = right
        return True

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.known(node.test) else node.orelse)

    def _subscript(self, node: ast.Subscript) -> Any:
        key, box = self.known(node.slice), self.known(node.value)
        if isinstance(key, slice):
            self.charge(node, size(box))
        elif isinstance(box, dict) and scalar(key) not in box:
            raise self.fail(node, f"KeyError: {key!r}")
        return box[key if isinstance(key, slice) else scalar(key)]

    def _slice(self, node: ast.Slice) -> slice:
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else self.known(part) for part in parts))

    def _attribute(self, node: ast.Attribute) -> Any:
        box = self.known(node.value)
        if isinstance(box, Dotted):
            return Dotted(f"{box.name}.{node.attr}")
        if isinstance(box, Node) and node.attr in box:
            return box[node.attr]
        raise NotKnown(f"attribute `{node.attr}`")

    def _joinedstr(self, node: ast.JoinedStr) -> str:
        return "".join(text(self.known(part)) for part in node.values)

    def _formattedvalue(self, node: ast.FormattedValue) -> str:
        if node.format_spec is not None or node.conversion != -1:
            raise NotKnown("a format specification")
        return text(self.known(node.value))
