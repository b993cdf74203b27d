"""A training that has not begun, as a run that the detectors of `parity explain` read."""

from __future__ import annotations

import io
from pathlib import Path

from parity.runs.entries import entries
from parity.runs.facts import Config, Fact, Source
from parity.runs.joined import Shared, assemble
from parity.runs.log import read_log
from parity.runs.log_data import SYNC_BN
from parity.runs.reading import Reading
from parity.runs.record import Run
from parity.runs.segments import combine
from parity.runs.text import blocks
from parity.runs.tree import Tree

_START = "<start>"  # in the place of a log
_REVERTED = "one process: mmengine turns every SyncBN into BN (Runner.wrap_model)"


def planned_run(config: Config, *, name: str, gpus: int, said: bytes = b"") -> Run:
    """The run of `config`, called `name`, on `gpus` processes.

    said: what its start has logged and printed so far.
    """
    data = read_log(entries(blocks(io.BytesIO(said))), file=_START)
    data.environment["GPU number"] = Fact(str(gpus), Source(config.file), "as given")
    data.exp_name = Fact(name, Source(config.file))
    if gpus == 1:
        data.notices.setdefault(SYNC_BN, Source(config.file, text=_REVERTED))
    start = combine("", [data], (), config)
    return assemble(Path(name), [start], Shared(), Reading(Tree(Path(), (), ())))
