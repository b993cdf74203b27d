"""What a command notes of itself in the reports it writes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from parity.report.document import CheckRun


def origin(seconds: float, roots: Mapping[str, str]) -> CheckRun:
    """The command as it was typed, when it began, and what stands for which folder.

    roots: folders by the mark that replaces them in paths.
    """
    command = " ".join(["parity", *(shlex.quote(word) for word in sys.argv[1:])])
    began = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    return CheckRun(command, began.isoformat(timespec="seconds"), round(seconds, 1), dict(roots))
