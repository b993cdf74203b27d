"""Alarms: what `parity explain` would find in a training that has only begun."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from parity.causes.catalogue import cause
from parity.causes.cause import Found, RunContext
from parity.causes.examine import examine
from parity.explain.row import beside_row, choose, terms_of_run
from parity.guard.guard import Alarm
from parity.runs.facts import Config, Fact, Source
from parity.runs.joined import Shared, assemble
from parity.runs.log import read_log
from parity.runs.log_data import SYNC_BN
from parity.runs.read import read_run
from parity.runs.reading import Reading
from parity.runs.record import Run
from parity.runs.segments import combine
from parity.runs.text import blocks, entries
from parity.runs.tree import Tree

_START = "<start>"  # in the place of a log
_REVERTED = "one process: mmengine turns every SyncBN into BN (Runner.wrap_model)"


def planned_run(config: Config, *, name: str, gpus: int, said: bytes = b"") -> Run:
    """A training of `config` that has not begun, as a run that detectors read.

    name, gpus: what it is called, and how many processes it has.
    said: what its start has logged and printed so far.
    """
    data = read_log(entries(blocks(io.BytesIO(said))), file=_START)
    data.environment["GPU number"] = Fact(str(gpus), Source(config.file), "as given")
    data.exp_name = Fact(name, Source(config.file))
    if gpus == 1:
        data.notices.setdefault(SYNC_BN, Source(config.file, text=_REVERTED))
    start = combine("", [data], (), config)
    return assemble(Path(name), [start], Shared(), Reading(Tree(Path(), (), ())))


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
