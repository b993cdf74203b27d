"""Alarms: what `parity explain` would find in a training that has only begun."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from parity.causes.catalogue import cause
from parity.causes.cause import Found, RunContext
from parity.causes.examine import examine
from parity.explain.context import beside_row, terms_of_run
from parity.explain.row import choose
from parity.guard.monitor import Alarm
from parity.runs.read import read_run
from parity.runs.record import Run

BROKEN = ("dead-kernel", "diverged", "keys-unmatched", "syncbn-reverted")
DIFFERENT = ("effective-batch", "fewer-epochs", "accumulation-trap", "schedule-end")


def alarms(context: RunContext) -> Iterator[Alarm]:
    """What is broken in the run of `context`, then its batch and schedule where not the zoo's."""
    for name in (*BROKEN, *DIFFERENT):
        found = examine(cause(name), context)
        # "marker": a single loss that is not finite, as mixed precision has, is none.
        if isinstance(found, Found) and found.kind != "marker":
            title = found.title or cause(name).title
            told = ": ".join(filter(None, [title, found.detail or found.why]))
            yield Alarm(name, told, name in BROKEN)


def judge(run: Run) -> list[Alarm]:
    """The alarms of a run beside its row of the zoo."""
    mine = terms_of_run(run)
    return list(alarms(beside_row(run, mine, choose(run, terms=mine))))


def main() -> None:
    """Print the alarms of the console kept in the file ``sys.argv[1]``, as JSON."""
    found = judge(read_run(Path(sys.argv[1])))
    print(json.dumps([asdict(alarm) for alarm in found]))
