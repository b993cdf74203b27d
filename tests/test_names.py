"""One noun for one thing: no two public classes of the code base share a name."""

import ast
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parents[1]
# The classes of ours that stand for one of the reference's bear its name, on both sides.
BOTH_SIDES = {"IoUMetric"}


def test_public_classes_have_names_of_their_own():
    places = defaultdict(list)
    for folder in ("parity", "reference", "scripts"):
        for path in sorted((HERE / folder).rglob("*.py")):
            if path.is_relative_to(HERE / "parity" / "checks"):
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(path.relative_to(HERE)))
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert {name: files for name, files in shared.items() if name not in BOTH_SIDES} == {}
