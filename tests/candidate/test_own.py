"""Our own steps on the engine: what is shown, kept, called broken, and run in processes."""

import sys

import pytest

from parity.candidate import own
from parity.candidate.engine import Engine
from parity.candidate.own import check_case, check_own
from parity.candidate.sides import OwnSteps
from parity.check.cases import probe_cases
from parity.check.exhibit import Collector
from parity.check.plan import Plan
from parity.check.progress import Progress
from parity.compare import Verdict
from parity.compare.rounding import Rounding
from parity.errors import ReferenceUnavailable
from parity.live import reference_module
from parity.steps.flip import flip_sample
from tests.candidate.support import TRAIN, pairs


def flip_image_alone(sample, rng, *, prob):
    return flip_sample(sample, rng, prob=prob).replace(seg=sample.seg)


def crop_that_raises(sample, rng, **options):
    raise ValueError("no")


def crop_in_place(sample, rng, **options):
    sample.image[:] = 0
    return TRAIN.steps[2](sample, rng)


def engine_over(planted, **options):
    engine = Engine(OwnSteps(planted), rounding=Rounding.FAIL, **options)
    results = [check_case(case, trace, engine) for case, trace in pairs(6)]
    return engine, results


def shown(engine):
    return [(one.facts.step, one.facts.chained) for one in engine.shown()]


def test_clean_steps_show_nothing_and_keep_no_failure():
    engine, results = engine_over({}, shown=2)
    assert {result.comparison.verdict for result in results} == {Verdict.EQUAL}
    assert (engine.shown(), engine.failures) == ([], {})


def test_isolated_where_it_enters_chained_where_it_travels():
    engine, _ = engine_over({"flip": flip_image_alone}, shown=1)
    assert shown(engine) == [("flip", False), ("photometric", True)]
    assert set(engine.failures) == {("train", "flip")}
    assert engine.equal["train", "flip"]  # cases in which nothing is flipped


def test_only_what_was_asked_for_is_shown():
    engine, _ = engine_over({"flip": flip_image_alone}, shown=2, only=frozenset({"photometric"}))
    assert set(shown(engine)) == {("photometric", True)}


def test_after_an_error_nothing_is_made_up():
    engine, results = engine_over({"crop": crop_that_raises}, shown=1)
    assert shown(engine) == [("crop", False)]
    after = results[0].comparison.steps[-1]
    assert after.isolated.verdict is Verdict.EQUAL
    assert after.chained.verdict is Verdict.NOT_COMPARED


def test_a_step_of_ours_that_changes_its_input_differs():
    _, results = engine_over({"crop": crop_in_place})
    assert "changes its input" in results[0].comparison.steps[2].isolated.error


def plan():
    recorded = {case.name: trace for case, trace in pairs(6)}
    return Plan("live", [case for case, _ in pairs(6)], {}, (), (0, 6), recorded)


@pytest.fixture
def processes(monkeypatch):
    """Worker processes even for few cases, with our own steps in the reference's place."""
    monkeypatch.setattr(own, "CASES_WORTH_WORKERS", 1)
    monkeypatch.setattr(own, "in_processes", lambda function, items, *_, **__: map(function, items))
    traces = {case.name: trace for case, trace in pairs(6)}
    monkeypatch.setattr(Plan, "reference", lambda self, case: traces[case.name])
    monkeypatch.setattr(
        own,
        "_check_alone",
        lambda runner, rounding, case: check_case(
            case, traces[case.name], Engine(runner, rounding=rounding)
        ),
    )


@pytest.mark.parametrize("planted", [{"flip": flip_image_alone}, {"crop": crop_that_raises}])
def test_processes_change_nothing(processes, planted):
    found = []
    for recorded in (plan().recorded, None):
        given = Plan("recorded", plan().cases, {}, (), (0, 6), recorded)
        collector, exhibits = Collector(), []
        report = check_own(
            given,
            progress=Progress(collector.watch),
            jobs=2,
            own=OwnSteps(planted),
            exhibits=exhibits,
        )
        facts = [(one.facts.case, one.facts.step, one.facts.chained) for one in exhibits]
        found.append((report.summaries, collector.outcomes, facts))
    assert found[0] == found[1]
    assert found[0][2]


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_what_the_reference_has_not_on_a_device_is_not_compared(monkeypatch, device):
    def without(self, case):
        raise ReferenceUnavailable("no kernel")

    monkeypatch.setattr(Plan, "reference", without)
    [case] = probe_cases(range(1), device=device)[:1]
    results = own.own_results(Plan("live", [case], {}, (), (0, 1)), Engine(OwnSteps()))
    if device == "cpu":  # mmsegmentation itself is missing
        with pytest.raises(ReferenceUnavailable):
            next(results)
        return
    [step] = next(results).comparison.steps
    assert step.isolated.verdict is Verdict.NOT_COMPARED
    assert "cannot do it on cpu:0: no kernel" in step.isolated.error


@pytest.mark.live
def test_an_extra_that_is_missing_costs_its_steps_alone(monkeypatch):
    reference_module("dino")._made.cache_clear()
    monkeypatch.setitem(sys.modules, "transformers.models.dinov2", None)  # cannot be imported
    cases = [case for case in probe_cases(range(1)) if case.pipeline in ("dino", "deform_attn")]
    report = check_own(Plan("live", cases, {}, (), (0, 1)))
    found = {row.step: (row.isolated, row.why_skipped) for row in report.summaries}
    assert found["deform_attn"] == (Verdict.EQUAL, "")
    assert found["dino"][0] is found["dino_positions"][0] is Verdict.NOT_COMPARED
    assert "transformers is not installed; install it with" in found["dino"][1]
    assert report.verdict is Verdict.EQUAL
    assert report.failed == 0
