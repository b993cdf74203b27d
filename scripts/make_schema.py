"""Write parity/report/schema.json, the schema of report.json, from the records it holds.

python scripts/make_schema.py
"""

from pathlib import Path

from parity.report.json import render_schema

TARGET = Path(__file__).resolve().parent.parent / "parity" / "report" / "schema.json"

if __name__ == "__main__":
    TARGET.write_text(render_schema(), encoding="utf-8")
