"""Write the table of parity/report/palette.py from the installed mmsegmentation's ADE20KDataset.

python scripts/make_palette.py
"""

from pathlib import Path

from parity.report import palette
from reference.compat import load_reference

TARGET = Path(palette.__file__)


def render() -> str:
    """The file with the table that mmsegmentation has."""
    load_reference()
    from mmseg.datasets import ADE20KDataset  # noqa: PLC0415, TID251 after load_reference()

    meta = ADE20KDataset.METAINFO
    pairs = zip(meta["classes"], meta["palette"], strict=True)
    table = "".join(f"{bytes(color).hex()} {name.strip()}\n" for name, color in pairs)
    return TARGET.read_text("utf-8").replace(palette._TABLE, f"\n{table}")


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
