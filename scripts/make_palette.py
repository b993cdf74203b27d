"""Write parity/report/palette.py from the installed mmsegmentation's ADE20KDataset.

python scripts/make_palette.py
"""

from pathlib import Path

from reference.compat import load_reference

TARGET = Path(__file__).resolve().parent.parent / "parity" / "report" / "palette.py"
HEAD = '''"""ADE20K's classes and colours, as ``ADE20KDataset.METAINFO`` of mmseg 1.2.2 has them.

The names are without the blank that mmseg has after "bed".
Written by scripts/make_palette.py; do not edit.
"""

from __future__ import annotations

# One class per line, in the order of the ids: its colour as RRGGBB, its name.
_TABLE = """
'''
TAIL = '''"""

_ROWS = [line.partition(" ") for line in _TABLE.strip().splitlines()]
CLASSES: tuple[str, ...] = tuple(name for _, _, name in _ROWS)
COLORS: tuple[str, ...] = tuple(f"#{color}" for color, _, _ in _ROWS)
IGNORED = 255


def class_color(index: int) -> str:
    """The colour of a class as ``#rrggbb``; black for 255, magenta for any other id."""
    if 0 <= index < len(COLORS):
        return COLORS[index]
    return "#000000" if index == IGNORED else "#ff00ff"


def palette_bytes() -> bytes:
    """256 RGB triples, for a picture of ids."""
    return b"".join(bytes.fromhex(class_color(index)[1:]) for index in range(256))
'''


def table() -> str:
    load_reference()
    from mmseg.datasets import ADE20KDataset  # noqa: PLC0415, TID251 after load_reference()

    meta = ADE20KDataset.METAINFO
    pairs = zip(meta["classes"], meta["palette"], strict=True)
    return "".join(f"{bytes(color).hex()} {name.strip()}\n" for name, color in pairs)


if __name__ == "__main__":
    TARGET.write_text(HEAD + table() + TAIL, encoding="utf-8")
