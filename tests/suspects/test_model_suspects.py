"""Suspects of the steps from collate on: each differs from the clean step, and from the others."""

from __future__ import annotations

import copy
import re
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from parity.check.cases import list_root
from parity.checks.support import unchanged
from parity.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.tolerance import EXACT
from parity.compare.trace import compare_records, run_step
from parity.fixtures import inputs_root
from parity.pipeline import TrainPipeline, ValPipeline
from parity.probes.catalogue import PROBES, train_tail, val_tail
from parity.suspects.catalogue import all_suspects, suspects_of
from parity.suspects.mistake import WithMistakes
from parity.suspects.suspect import Suspect, replaced_by

FAMILIES = (
    *("collate", "logits", "infer", "loss", "mask", "iou"),
    *("schedule", "optim", "deform_attn", "dino"),
)
PLANTED = [
    (suspect, function)
    for suspect in all_suspects()
    for family, function in suspect.functions
    if family in FAMILIES
]
BY_ID = {suspect.id: suspect for suspect, _ in PLANTED}
SEEDS = range(12)
SEEDS_TO_TELL_APART = range(20)
SEEDS_TO_RUN_ALL = range(4)

# Where the mistake itself raises on some inputs, and why.
MAY_RAISE = {
    "size-width-first": "images padded to unlike sizes cannot be stacked",
    "padding-read-height-first": "an edge may be shorter than the other axis's padding",
    "lovasz-ignored-counted": "where every pixel is ignored, no class is left to average",
    "point-labels-bilinear": "between a class and an ignored label lie numbers that are no class",
}
# Pairs no probe tells apart, why, and what input would.
INDISTINGUISHABLE: dict[frozenset[str], str] = {}


def test_mistakes_stand_around_public_functions():
    made = [function for one in all_suspects() for function in one.functions.values()]
    around = [function for function in made if isinstance(function, WithMistakes)]
    assert around
    names = {f"{f.__module__}.{f.__name__}" for one in around for f, _ in one.mistakes}
    assert [name for name in names if "._" in name] == []


def state_of(seed):
    return GeneratorState.of(RecordingRandomState(seed))


@cache
def pipeline_inputs():
    """What reaches each step of the tails, small, by the name of the step's function."""
    train, val = TrainPipeline(scale=(96, 48), crop_size=(40, 48)), ValPipeline(scale=(96, 48))
    found = {}
    by_size = sorted(list_root(inputs_root()), key=lambda info: Path(info.img_path).stat().st_size)
    for seed, info in enumerate(by_size[:5]):
        for pipeline, tail in ((train, train_tail(train.crop_size)), (val, val_tail())):
            state = state_of(seed)
            value = pipeline.data_info(info.img_path, info.seg_map_path)
            for step in (*pipeline.steps, *tail):
                record = run_step(step.name, step, value, state)
                if record.error:  # a label outside the classes: the loss refuses it
                    break
                found.setdefault(step.function.__name__, []).append((step, value, seed, record))
                value, state = record.output, record.state_after
    return found


@cache
def cases(replaces):
    """(step, input, seed, clean record) of every probe or pipeline with this step function."""
    probes = [probe for probe in PROBES if probe.step.function.__name__ == replaces]
    pairs = [(probe, seed) for seed in SEEDS_TO_TELL_APART for probe in probes]
    found = [of_probe(probe, seed) for probe, seed in pairs]
    return [*found, *pipeline_inputs().get(replaces, [])]


def of_probe(probe, seed):
    value = probe.make(seed)
    return probe.step, value, seed, run_step(probe.step.name, probe.step, value, state_of(seed))


@cache
def untouched_inputs(replaces):
    return copy.deepcopy([case[1] for case in cases(replaces)[:6]])


@cache
def planted(suspect, replaces, at):
    """The suspect's record for one case of the step function it replaces."""
    untouched_inputs(replaces)
    step, value, _, clean = cases(replaces)[at]
    function = step.doing(suspect.instead_of(step))
    return run_step(step.name, function, value, clean.state_before)


def numbered(replaces, seeds):
    return [(at, case[3]) for at, case in enumerate(cases(replaces)) if case[2] in seeds]


def differ(one, other):
    return compare_records(one, other, lambda step, dtype: EXACT).verdict is Verdict.DIFFERENT


def differs_by_value(suspect, replaces):
    pairs = ((planted(suspect, replaces, at), good) for at, good in numbered(replaces, SEEDS))
    return any(not (one.error or good.error) and differ(one, good) for one, good in pairs)


@pytest.mark.parametrize(
    ("suspect", "replaces"), PLANTED, ids=[f"{one.id}-{function}" for one, function in PLANTED]
)
class TestSuspect:
    def test_differs_by_value(self, suspect, replaces):
        assert differs_by_value(suspect, replaces)

    def test_raises_only_where_the_mistake_does(self, suspect, replaces):
        errors = {
            planted(suspect, replaces, at).error
            for at, good in numbered(replaces, SEEDS_TO_RUN_ALL)
            if not good.error
        } - {""}
        assert bool(errors) == (suspect.id in MAY_RAISE), errors


@pytest.mark.parametrize("replaces", sorted({function for _, function in PLANTED}))
class TestStepFunction:
    def test_clean_function_is_no_suspect(self, replaces):
        step = cases(replaces)[0][0]
        clean = Suspect("clean", "", {replaced_by(step): step.function})
        assert not differs_by_value(clean, replaces)

    def test_suspects_leave_their_input_alone(self, replaces):
        """All of them share each input, which is held against a copy made before any ran."""
        for at, untouched in enumerate(untouched_inputs(replaces)):
            for suspect in suspects_of(cases(replaces)[0][0]):
                planted(suspect, replaces, at)
            assert unchanged(cases(replaces)[at][1], untouched)

    def test_suspects_are_told_apart(self, replaces):
        count = len(cases(replaces))
        those = suspects_of(cases(replaces)[0][0])
        alike = {
            frozenset((one.id, other.id))
            for one, other in combinations(those, 2)
            if not any(
                differ(planted(one, replaces, at), planted(other, replaces, at))
                for at in range(count)
            )
        }
        assert alike == {pair for pair in INDISTINGUISHABLE if pair <= {one.id for one in those}}


class TestTables:
    def test_every_file_of_steps_has_some(self):
        assert {file for one in all_suspects() for file, _ in one.functions} >= set(FAMILIES)

    def test_one_sentence_is_of_one_suspect(self):
        assert len({one.summary for one in all_suspects()}) == len(all_suspects())

    def test_ids_and_sentences_speak(self):
        ids = [one.id for one in all_suspects()]
        assert len(ids) == len(set(ids))
        for one in all_suspects():
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id)
            assert one.summary.endswith(".")
            assert not one.needs.endswith(".")
            assert 20 < len(one.summary) < 160

    def test_replaced_functions_are_those_of_the_check(self):
        steps = [*(probe.step for probe in PROBES), *train_tail((512, 512)), *val_tail()]
        known = {(step.module, step.function.__name__) for step in steps}
        places = {place for one in all_suspects() for place in one.functions}
        assert {place for place in places if place[0] in FAMILIES} <= known

    @pytest.mark.parametrize("table", [MAY_RAISE, INDISTINGUISHABLE], ids=["raise", "alike"])
    def test_tables_name_suspects_and_reasons(self, table):
        for key, reason in table.items():
            assert ({key} if isinstance(key, str) else key) <= set(BY_ID)
            assert reason
