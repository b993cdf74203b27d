"""The packages of `parity` import each other in one direction."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import parity

ROOT = Path(parity.__file__).parent


def imported(path):
    """The packages and top-level modules of `parity` that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("parity."):
            yield node.module.split(".")[1]


def graph():
    found = {}
    for path in ROOT.rglob("*.py"):
        inside = path.relative_to(ROOT).parts
        if len(inside) > 1:
            found.setdefault(inside[0], set()).update(set(imported(path)) - {inside[0]})
    return found


def test_no_circle_of_packages():
    order = list(TopologicalSorter(graph()).static_order())
    assert order.index("steps") < order.index("probes") < order.index("candidate")


def test_a_circle_is_found():
    circle = {**graph(), "steps": {"candidate"}}
    try:
        TopologicalSorter(circle).prepare()
    except ValueError:
        return
    raise AssertionError("a circle was not found")
