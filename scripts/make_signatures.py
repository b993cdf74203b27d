"""Writes parity/settings/signatures.json and metainfo.json from the installed reference."""

import json
import re
from pathlib import Path
from typing import Any

from parity.runs.config import installed_configs
from reference.listing import metainfo
from reference.signatures import signatures

FOLDER = Path(__file__).resolve().parents[1] / "parity" / "settings"
_MMDET = re.compile(r"mmdet\.(\w+)|mmdet::(?:\w+/)*")


def table() -> dict[str, dict[str, dict[str, Any]]]:
    """All types of mmseg and mmengine; of mmdet those that mmseg's configs name."""
    found = signatures()
    named = {name for text in _configs() for name in re.findall(r"\w+", text)}
    named |= {name for text in _configs() for name in _MMDET.findall(text)}
    found["mmdet"] = {
        kind: options
        for kind, options in found["mmdet"].items()
        if kind in named and options != found["mmengine"].get(kind)
    }
    return found


def _configs() -> list[str]:
    root = installed_configs()
    assert root is not None, "mmsegmentation is not installed"
    return [path.read_text() for path in sorted(root.rglob("*.py"))]


def render() -> str:
    """One type a line."""
    lines = []
    for scope, kinds in table().items():
        rows = [f"  {json.dumps(kind)}: {json.dumps(options)}" for kind, options in kinds.items()]
        lines.append(f" {json.dumps(scope)}: {{\n" + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    (FOLDER / "signatures.json").write_text(render())
    rows = [f" {json.dumps(kind)}: {json.dumps(known)}" for kind, known in metainfo().items()]
    (FOLDER / "metainfo.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
