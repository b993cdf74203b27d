from dataclasses import replace

import pytest

from parity.check.exhibit import Collector, Exhibit, Facts
from parity.check.exhibit.collect import MAX_EXHIBITS, Exhibits, outcome_of
from parity.check.summary import DISTRIBUTION, CaseResult, StepSummary, summarise
from parity.compare import Verdict
from parity.compare.compare import Comparison
from parity.compare.trace import StepComparison, StepResult, TraceComparison
from parity.report.assemble import CheckDetails, report_of_check
from parity.report.document import CheckRun

FACTS = Facts("a", "train", "crop", True, "different", "", "", "", 0, 0)
EQUAL = StepResult(Verdict.EQUAL, {"x": Comparison(Verdict.EQUAL, count=1)})
WITHIN = StepResult(Verdict.WITHIN, {"x": Comparison(Verdict.WITHIN, count=1)})
OTHER = StepResult(Verdict.DIFFERENT, {"x": Comparison(Verdict.DIFFERENT, "values", "1 differs")})
NONE = StepResult(Verdict.NOT_COMPARED, error="both raise")


def case(name, *pairs, pipeline="train", **fields):
    steps = tuple(StepComparison(step, alone, chained) for step, alone, chained in pairs)
    return CaseResult(name, pipeline, TraceComparison(0, steps), **fields)


def report_of(*results, only=frozenset(), **header):
    collector = Collector(only=only)
    fields = {"mode": "live", "versions": {"mmseg": "1.2.2"}, "notes": (), "seeds": (0, 4)}
    check = summarise(collector.watch(results), only=only, **{**fields, "inputs": {}, **header})
    return report_of_check(check, CheckDetails(collector.outcomes), CheckRun(), only=only)


TRAVELS = case("b", ("load", EQUAL, EQUAL), ("crop", OTHER, OTHER), ("flip", EQUAL, OTHER))
CLEAN = case("a", ("load", EQUAL, EQUAL), ("crop", EQUAL, EQUAL), ("flip", EQUAL, EQUAL))


class TestOutcome:
    @pytest.mark.parametrize(
        ("result", "isolated", "chained", "verdict"),
        [
            (CLEAN, "===", "===", Verdict.EQUAL),
            (TRAVELS, "=x=", "=xx", Verdict.DIFFERENT),
            (case("c", ("load", WITHIN, NONE)), "~", "-", Verdict.WITHIN),
            (case("d", ("load", NONE, NONE)), "-", "-", Verdict.NOT_COMPARED),
            (case("e", ("load", OTHER, OTHER), unstable={"load": OTHER}), "u", "u", None),
        ],
    )
    def test_codes(self, result, isolated, chained, verdict):
        outcome = outcome_of(result)
        assert (outcome.isolated, outcome.chained) == (isolated, chained)
        assert outcome.verdict is (verdict or Verdict.NOT_COMPARED)

    def test_only_some_steps_count(self):
        outcome = outcome_of(TRAVELS, frozenset({"load"}))
        assert (outcome.isolated, outcome.verdict) == ("=..", Verdict.EQUAL)

    def test_broken(self):
        outcome = outcome_of(CaseResult("x", "train", None, broken="x.jpg: is truncated"))
        assert (outcome.broken, outcome.note) == (True, "x.jpg: is truncated")


class TestExhibits:
    def test_what_enters_is_shown_before_what_is_passed_on(self):
        made = Exhibits(per_step=2)
        for name, chained in (("a", True), ("b", True), ("c", False), ("d", True), ("e", False)):
            made.add(Exhibit(replace(FACTS, case=name, chained=chained)))
        assert [one.facts.case for one in made] == ["c", "e"]
        assert not made.wants("train", "crop", chained=False)
        assert made.wants("train", "flip", chained=True)

    def test_a_full_report_still_shows_where_a_difference_enters(self):
        made = Exhibits(per_step=2)
        for place in range(MAX_EXHIBITS):
            made.add(Exhibit(replace(FACTS, step=f"s{place}", chained=True)))
        made.add(Exhibit(replace(FACTS, step="other", chained=False)))
        made.add(Exhibit(replace(FACTS, step="s3", chained=False)))
        assert [one.facts.chained for one in made if one.facts.step in ("s3", "other")] == [False]
        assert len(list(made)) == MAX_EXHIBITS


class TestSentence:
    def test_equal(self):
        assert report_of(CLEAN).sentence == (
            "3 steps equal live mmsegmentation 1.2.2 bit for bit in 1 case."
        )

    def test_within(self):
        report = report_of(case("c", ("load", WITHIN, WITHIN)))
        assert report.sentence == (
            "1 step equals live mmsegmentation 1.2.2 within named tolerances in 1 case."
        )

    def test_the_reference_of_dino_is_transformers(self):
        versions = {"mmseg": "1.2.2", "transformers": "5.24.0"}
        dino = case("a", ("dino", EQUAL, EQUAL), pipeline="dino")
        for results, name in (((dino,), ""), ((CLEAN, dino), "mmsegmentation 1.2.2 and ")):
            found = report_of(*results, versions=versions).sentence
            assert f"live {name}transformers 5.24.0 bit for bit" in found
        wrong = report_of(TRAVELS, dino, versions=versions).sentence
        assert wrong.startswith("train/crop differs from live mmsegmentation 1.2.2 in 1")

    def test_different(self):
        report = report_of(CLEAN, TRAVELS)
        assert report.sentence == (
            "train/crop differs from live mmsegmentation 1.2.2 in 1 of 2 cases; "
            "the difference travels on to flip."
        )
        assert [step.enters for step in report.steps] == [False, True, False]
        assert report.strips[0].sentence == "the difference enters at crop and travels on to flip"

    def test_nothing_compared_is_never_a_pass(self):
        report = report_of(case("d", ("load", NONE, NONE)))
        assert report.verdict == "not compared"
        assert report.sentence == "Nothing was compared with live mmsegmentation 1.2.2."
        assert report.not_compared == ("train/load in 1 case, first d: both raise",)

    def test_broken_inputs_are_said(self):
        report = report_of(CLEAN, CaseResult("x", "train", None, broken="x.jpg: is truncated"))
        assert report.sentence.endswith("1 input is broken and could not be compared.")
        assert report.not_compared == ("a broken input: x.jpg: is truncated",)
        assert [entry.broken for entry in report.cases] == [True, False]

    def test_unasked_steps_are_said(self):
        report = report_of(TRAVELS, only=frozenset({"load"}))
        assert report.not_compared == ("every step but load: not asked for",)
        assert report.cases[0].isolated == "="

    def test_recorded_never_says_live(self):
        report = report_of(CLEAN, mode="recorded", versions={"recorded mmseg": "1.2.2"})
        assert report.reference == "recorded mmsegmentation 1.2.2"


def test_failing_cases_come_first():
    report = report_of(CLEAN, TRAVELS, case("z", ("load", NONE, NONE)))
    assert [entry.name for entry in report.cases] == ["b", "z", "a"]


def test_single_steps_are_a_group_not_a_pipeline():
    single = case("loss/ce/seed 0", ("ce", EQUAL, EQUAL), pipeline="loss")
    report = report_of(CLEAN, single)
    assert [(strip.name, strip.kind) for strip in report.strips] == [
        ("train", "pipeline"),
        ("loss", "single"),
    ]


def test_a_pipeline_of_one_step_over_files_is_a_pipeline():
    report = report_of(case("a.jpg", ("load", OTHER, OTHER), file=True))
    assert [strip.kind for strip in report.strips] == ["pipeline"]
    assert report.compared == ("1 step of the pipeline train, isolated and chained, in 1 case",)


def test_the_first_difference_is_one_that_enters():
    passes = case("a", ("load", OTHER, OTHER), ("crop", EQUAL, OTHER))
    enters = case("b", ("load", EQUAL, EQUAL), ("crop", OTHER, OTHER))
    [_, crop] = report_of(passes, enters, enters).steps
    assert crop.first.startswith("b: ")
    [_, crop] = report_of(passes, passes).steps
    assert crop.first.startswith("a: ")


def test_steps_that_were_not_compared_are_not_counted_as_compared():
    report = report_of(case("a", ("load", EQUAL, EQUAL), ("crop", NONE, NONE)))
    assert report.compared == ("1 step of the pipeline train, isolated and chained, in 1 case",)


def test_a_test_of_a_distribution_is_a_case():
    collector = Collector()
    header = {"mode": "live", "versions": {}, "notes": (), "seeds": (0, 4), "inputs": {}}
    check = summarise(collector.watch([CLEAN]), **header)
    rows = (
        StepSummary(DISTRIBUTION, "flip", 1, Verdict.DIFFERENT, failed=1, first="half of them"),
        StepSummary(DISTRIBUTION, "hue", 1, Verdict.WITHIN),
    )
    check = replace(check, summaries=(*check.summaries, *rows), cases=3, failed=1)
    report = report_of_check(check, CheckDetails(collector.outcomes), CheckRun())
    assert report.compared[-1] == "2 distributions of what is drawn"
    assert len(report.cases) == report.cases_total
    first = report.cases[0]
    assert (first.name, first.verdict) == ("distribution/flip", "different")
    assert first.note == "half of them"
