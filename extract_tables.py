"""Write every ADE20K result of the installed mmsegmentation as one sorted table.

python extract_tables.py [--out ade20_scores.md] [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from parity.errors import ParityError
from parity.files import write_atomically
from parity.scores.rows import read_rows
from parity.scores.table import render_scores
from reference.zoo import metafiles, zoo_version


def main() -> int:
    """Exit code 0, 1 when --check finds the file stale, 2 on an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("ade20_scores.md"), help="file to write")
    parser.add_argument("--check", action="store_true", help="only say whether the file is stale")
    options = parser.parse_args()
    try:
        text = render_scores(read_rows(metafiles()), version=zoo_version())
        if not options.check:
            write_atomically(options.out, text.encode())
            return 0
    except ParityError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    stale = not options.out.is_file() or options.out.read_text("utf-8") != text
    print(f"{options.out} is {'stale; run python extract_tables.py' if stale else 'up to date'}")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
