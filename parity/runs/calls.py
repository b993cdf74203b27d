"""Comprehensions and calls of the fixed functions, as data; see literals.py."""

import ast
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from parity.runs.facts import Unknown
from parity.runs.literals import MAX_ITEMS, Literals
from parity.runs.merge import merge_in_place, update_in_place
from parity.runs.nodes import FUNCTIONS, KEEPING, METHODS, Node, NotKnown, known, size, zipped

_EMPTY: dict[Any, Any] = {}
_VIEWS = (type(_EMPTY.items()), type(_EMPTY.keys()), type(_EMPTY.values()))


class Calls(Literals):
    """Expressions with loops and calls."""

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        return [self.value(node.elt) for _ in self._loops(node.generators)]

    _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp) -> Node:
        made = Node()
        for _ in self._loops(node.generators):
            made.put(self.known(node.key), self.value(node.value), self.origin(node.key))
        return made

    def _loops(self, generators: list[ast.comprehension]) -> Iterator[None]:
        """Once per round of the nested loops, with their names bound."""
        if not generators:
            yield
            return
        first, *rest = generators
        for item in self.known(first.iter):
            scope: dict[str, Any] = {}
            self._bind(first.target, item, scope)
            self.scopes.append(scope)
            if all(self.known(test) for test in first.ifs):
                yield from self._loops(rest)
            self.scopes.pop()

    def _bind(self, target: ast.expr, item: Any, scope: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            scope[target.id] = item
        elif isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == len(known(item)):
            for name, part in zip(target.elts, item, strict=True):
                self._bind(name, part, scope)
        else:
            raise NotKnown("this kind of loop variable")

    def _call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id == "dict":
            return self._dict_call(node)
        function, box = self._function(node.func)
        given, keywords = list(self.elements(node.args)), self._keywords(node)
        keeps = isinstance(node.func, ast.Attribute) and node.func.attr in KEEPING
        if not keeps and any(isinstance(item, Unknown) for item in given):
            raise NotKnown("a call with a value that is not known")
        if box is None and any(isinstance(item, Unknown) for item in keywords.values()):
            raise NotKnown("a call with a value that is not known")
        self._charge_call(node, function, [*given, *keywords.values()], box)
        made = function(*given, **keywords)
        return list(made) if isinstance(made, _VIEWS) else made

    def _charge_call(
        self, node: ast.Call, function: Callable[..., Any], given: list[Any], box: Any
    ) -> None:
        sizes = [size(item) for item in given]
        for work in (*sizes, size(box)):
            self.charge(node, work)
        if function is zipped and sizes:
            self.charge(node, len(sizes) * min(sizes))
        if function is range and len(range(*given)) > MAX_ITEMS:
            raise self.refuse(node, "a range of this size")

    def _keywords(self, node: ast.Call) -> Node:
        made = Node()
        for keyword in node.keywords:
            if keyword.arg is None:
                made.take(self.mapping(keyword.value))
            else:
                made.put(keyword.arg, self.value(keyword.value), self.origin(keyword))
        return made

    def _dict_call(self, node: ast.Call) -> Node:
        made = Node()
        for argument in self.elements(node.args):
            self.charge(node, size(known(argument)))
            made.update(argument)
        made.take(self._keywords(node))
        return made

    def _method(self, box: Any, name: str) -> Callable[..., Any]:
        if name == "merge":
            return partial(merge_in_place, box, self.budget)
        if name == "update" and box.inherited:
            return partial(update_in_place, box, self.budget)
        method: Callable[..., Any] = getattr(box, name)
        return method

    def _function(self, node: ast.expr) -> tuple[Callable[..., Any], Any]:
        """The function to call and the value it is a method of, else None."""
        if isinstance(node, ast.Name):
            bound = any(node.id in scope for scope in (*self.scopes, self.names))
            if node.id in FUNCTIONS and not bound:
                return FUNCTIONS[node.id], None
            raise NotKnown(f"the call of `{node.id}`")
        if isinstance(node, ast.Attribute):
            box = self.known(node.value)
            if node.attr in METHODS.get(type(box), ()):
                return self._method(box, node.attr), box
            raise NotKnown(f"the call of `.{node.attr}`")
        raise NotKnown("this call")
