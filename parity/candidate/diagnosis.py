"""Ask the suspects which mistake a candidate's records look like."""

from __future__ import annotations

from collections.abc import Sequence

from parity.candidate.check import Held
from parity.candidate.steps import PIPELINE
from parity.errors import InputError
from parity.suspects.diagnose import diagnose_many


def known_mistake(records: Sequence[Held]) -> str:
    """What `parity.suspects.diagnose` says, or "" where it has nothing to say.

    That is a step without suspects, and one whose results are right (a view, a changed input).
    """
    step = records[0][0]
    if step.name == PIPELINE:
        return ""
    try:
        found = diagnose_many(step, [(expected, actual) for _, expected, actual in records])
    except InputError:  # a step without suspects
        return ""
    return str(found) if found.differing else ""
