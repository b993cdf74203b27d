"""Write the scores of mmsegmentation's model zoo, and your own runs, as one sorted table.

python extract_tables.py [--runs DIR...] [--mmseg ROOT] [--dataset NAME] [--check]

By default every ADE20K result of the installed mmsegmentation goes into
ade20_scores.md. See --help and docs/scores.md.
"""

from __future__ import annotations

import sys

from parity.scores.options import main
from reference.zoo import installed_zoo

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], installed_zoo))
