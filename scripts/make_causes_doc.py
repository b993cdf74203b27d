"""Writes the table of causes in docs/causes.md, between its marks."""

import re
from pathlib import Path

from parity.report.catalogue import causes_table

FILE = Path(__file__).resolve().parents[1] / "docs" / "causes.md"
_TABLE = re.compile(r"(?<=<!-- causes -->\n).*?(?=\n<!-- /causes -->)", re.DOTALL)


def render(text: str) -> str:
    """`text` with the table of today."""
    return _TABLE.sub(lambda _: causes_table(), text)


if __name__ == "__main__":
    FILE.write_text(render(FILE.read_text(encoding="utf-8")), encoding="utf-8")
