"""Each suspect of an added step is named first when planted."""

from __future__ import annotations

import pytest

from parity.check.summary import candidate_steps
from parity.compare.trace import run_trace
from parity.probes.augment import PROBES
from parity.suspects.catalogue import all_suspects, suspects_of
from parity.suspects.diagnose import diagnose_trials
from parity.suspects.trial import Trial

ADDED = {"warp", "tone", "maps", "mosaic"}
PLANTED = [
    (one, function) for one in all_suspects() for file, function in one.functions if file in ADDED
]


@pytest.fixture(scope="module")
def trials():
    found = {}
    for probe in PROBES:
        for seed in range(6):
            [record] = run_trace(candidate_steps([probe.step]), probe.make(seed), seed).steps
            trial = Trial(probe.step, record, suspects_of(probe.step))
            found.setdefault(probe.step.function.__name__, []).append(trial)
    return found


@pytest.mark.parametrize(
    ("suspect", "replaced"), PLANTED, ids=[f"{one.id}-{function}" for one, function in PLANTED]
)
def test_hit(trials, suspect, replaced):
    here = trials[replaced]
    diagnosis = diagnose_trials(here, [one.record((suspect,)) for one in here], pairs=False)
    assert diagnosis.group[0].ids == (suspect.id,)
