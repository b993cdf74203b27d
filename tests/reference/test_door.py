"""The package reaches the reference through one module."""

from __future__ import annotations

import re
from pathlib import Path

import parity

REFERENCE = re.compile(r"^\s*(from|import) reference\b|[\"']reference\.", re.MULTILINE)


def test_one_module_imports_the_reference():
    root = Path(parity.__file__).parent
    found = [path.relative_to(root) for path in root.rglob("*.py")]
    found = [path for path in found if REFERENCE.search((root / path).read_text("utf-8"))]
    assert found == [Path("live.py")]
