"""Write the schemas of report.json and training.json, from the records that they hold.

python scripts/make_schema.py
"""

from pathlib import Path

from parity.report.json import render_schema
from parity.report.training_json import render_training_schema

FOLDER = Path(__file__).resolve().parent.parent / "parity" / "report"

if __name__ == "__main__":
    (FOLDER / "schema.json").write_text(render_schema(), encoding="utf-8")
    (FOLDER / "training_schema.json").write_text(render_training_schema(), encoding="utf-8")
