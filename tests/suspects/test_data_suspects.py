"""Hit: each suspect of a data step is named when planted. Noop: nothing else triggers it."""

from __future__ import annotations

import copy
import importlib

import numpy as np
import pytest
from mistakes.inputs import all_cases

from parity.check.summary import candidate_steps
from parity.checks.support import unchanged
from parity.compare import Verdict
from parity.compare.trace import compare_records, run_trace
from parity.steps import crop
from parity.suspects.catalogue import all_suspects, suspects_of
from parity.suspects.diagnose import diagnose_trials
from parity.suspects.mistake import WithMistakes, current
from parity.suspects.search import Level
from parity.suspects.trial import RecordDigest, Trial
from parity.suspects.values import OtherValue

FILES = "load resize multiscale crop flip photometric pad warp tone maps mosaic"
MODULES = {name: importlib.import_module(f"parity.steps.{name}") for name in FILES.split()}
PLANTED = [(one, *at) for one in all_suspects() for at in one.functions if at[0] in MODULES]
FUNCTIONS = list(dict.fromkeys(function for _, _, function in PLANTED))
IDS = [f"{one.id}-{function}" for one, _, function in PLANTED]


@pytest.fixture(scope="module")
def trials():
    """Trials over every input that a data step has, by the step's function."""
    found = {}
    for case in all_cases(2):
        steps = [step for step in case.steps if step.module in MODULES]
        if not steps or steps[0] is not case.steps[0]:
            continue
        trace = run_trace(candidate_steps(steps), case.start(), case.seed)
        for step, record in zip(steps, trace.steps, strict=True):
            trial = Trial(step, record, suspects_of(step))
            found.setdefault(step.function.__name__, []).append(trial)
    return found


@pytest.mark.parametrize(("suspect", "file", "function"), PLANTED, ids=IDS)
def test_hit(trials, suspect, file, function):
    here = trials[function]
    diagnosis = diagnose_trials(here, [one.record((suspect,)) for one in here], pairs=False)
    assert diagnosis.differing, "the mistake shows on no input"
    assert diagnosis.level is Level.EXACT
    named = [one for [one] in (each.suspects for each in diagnosis.group)]
    assert named[0].id == suspect.id
    assert all(isinstance(one, OtherValue) for one in named[1:])  # and no other suspect
    assert suspect.summary.rstrip(".") in str(diagnosis)


@pytest.mark.parametrize(("suspect", "file", "function"), PLANTED, ids=IDS)
def test_input_is_not_changed(trials, suspect, file, function):
    for trial in trials[function][:6]:
        before = copy.deepcopy(trial.expected.input)
        trial.record((suspect,))
        assert unchanged(trial.expected.input, before)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_clean_code_triggers_none(trials, function):
    here = trials[function]
    records = [one.expected for one in here]
    diagnosis = diagnose_trials(here, records)
    assert (diagnosis.differing, diagnosis.explanations) == (0, ())
    assert "nothing differs" in str(diagnosis)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_prints_are_equal_when_records_are(trials, function):
    """The fast test for equality and the comparison of the check agree."""
    for trial in trials[function][::5]:
        for suspect in trial.suspects:
            record = trial.record((suspect,))
            verdict = compare_records(record, trial.expected).verdict
            same = RecordDigest.of(record).fits(RecordDigest.of(trial.expected))
            assert same == (verdict is Verdict.EQUAL), suspect.id


@pytest.mark.parametrize(("suspect", "file", "function"), PLANTED, ids=IDS)
def test_everything_is_put_back(trials, suspect, file, function):
    module = MODULES[file]
    before = dict(vars(module))
    trials[function][0].record((suspect,))
    assert vars(module) == before


def test_no_mistake_is_the_step(trials):
    [trial, *_] = trials["crop_sample"]
    nothing = WithMistakes(crop.crop_sample, ())
    record = trial.expected
    rng = np.random.RandomState(0)
    record.state_before.apply_to(rng)
    made = nothing(record.input, rng, **trial.step.options)
    assert unchanged(made, record.output)


def test_names_are_put_back_after_an_error(trials):
    def fails(is_varied, seg, **options):
        raise ZeroDivisionError

    [trial, *_] = trials["crop_sample"]
    broken = WithMistakes(crop.crop_sample, ((crop.is_varied, fails),))
    before = crop.is_varied
    with pytest.raises(ZeroDivisionError):
        broken(trial.expected.input, np.random.RandomState(0), **trial.step.options)
    assert current(before) is before


def test_texts_and_places():
    for one, file, function in PLANTED:
        assert one.summary[0].isupper() or one.summary[0].isdigit()
        assert callable(getattr(MODULES[file], function))
