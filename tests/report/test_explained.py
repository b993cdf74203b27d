"""An explanation, and two trainings side by side, as the report that checks have too."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from parity.causes.catalogue import all_causes
from parity.causes.examine import SETTING
from parity.check.exhibit.curves import MAX_POINTS
from parity.cli.explain import exit_code
from parity.explain.compare_runs import MAX_PLOTS, compare_runs, plot
from parity.explain.explain import explain
from parity.explain.row import beside_run, terms_of_run
from parity.fixtures import fixtures_root
from parity.report.document import FindingSection, PlotSection, TableSection
from parity.report.explained import report_of_explanation
from parity.report.explanation import as_document
from parity.report.html import render_html
from parity.report.json import read_report, render_json
from parity.report.junit import render_junit
from parity.report.markdown import render_markdown
from parity.runs.read import read_run
from tests.causes.made import curve, run, segment

RUNS = fixtures_root() / "runs"
STEPS = np.arange(10, 5001, 10)


def logged(loss):
    """A run with this loss."""
    curves = {"loss": curve("loss", STEPS, loss), "lr": curve("lr", STEPS, STEPS / 1.0)}
    return run(segments=(segment(curves=curves),))


def section(report, title):
    [found] = [part for part in report.sections if part.title == title]
    return found


@pytest.fixture(scope="module")
def beside():
    """A run whose op was dead, beside a healthy one."""
    other = read_run(RUNS / "healthy")
    return explain(read_run(RUNS / "dead-kernel-both"), against=other)


@pytest.fixture(scope="module")
def report(beside):
    return report_of_explanation(beside)


class TestWhatItSays:
    def test_top(self, report, beside):
        assert report.verdict == "different"
        assert report.label == beside.verdict == "explained: dead-kernel"
        assert report.sentence == (
            "The CUDA kernel of deformable attention failed to launch. "
            "The run dead-kernel-both ended at 38.50 mIoU, 23.69 points above the run healthy."
        )
        assert (report.candidate, report.reference) == (
            "the run dead-kernel-both",
            "the run healthy",
        )
        assert any("outside seed noise" in line for line in report.compared)
        assert any("that the files do not decide" in line for line in report.not_compared)
        assert report.advice[0].startswith("Next test: ")

    def test_findings_with_their_evidence(self, report, beside):
        causes = section(report, "Causes")
        assert isinstance(causes, FindingSection)
        assert len(causes.findings) == len(beside.findings)
        mine, theirs = causes.findings[0], beside.findings[0]
        assert mine.title.startswith("dead-kernel (certain)")
        assert mine.fix == theirs.fix
        assert len(mine.evidence) == len(theirs.evidence)
        assert {line.line for line in mine.evidence} == {e.line or 0 for e in theirs.evidence}
        assert any("sampling_offsets.bias" in line.text for line in mine.evidence)

    def test_nothing_found(self):
        answer = explain(run(scores=((1000, 44.0),)), against=run(scores=((1000, 50.0),)))
        report = report_of_explanation(answer)
        assert (report.verdict, report.label) == ("different", "unexplained")
        assert section(report, "Causes").findings == ()
        tried = len(all_causes())
        assert (
            section(report, "Causes").text == f"0 found, of {tried} causes and settings looked at."
        )
        assert '<ol class="findings"' not in render_html(report)

    def test_within_noise(self):
        answer = explain(run(scores=((1000, 49.8),)), against=run(scores=((1000, 50.0),)))
        report = report_of_explanation(answer)
        assert (report.verdict, report.label) == ("within tolerance", "within noise")

    def test_no_gap_is_not_compared(self):
        report = report_of_explanation(explain(read_run(RUNS / "healthy")))
        assert (report.verdict, report.label) == ("not compared", "gap not known")

    def test_every_cause_is_in_one_table_or_found(self, report, beside):
        tables = [section(report, title) for title in ("Ruled out", "Not checked")]
        ids = [row[0] for table in tables for row in table.rows]
        found = [item.id for item in beside.findings if not item.id.startswith(SETTING)]
        assert sorted([*ids, *found]) == sorted(item.id for item in all_causes())


class TestTrainingComparison:
    def test_curves_that_part_are_drawn(self, report, beside):
        drawn = section(report, "Curves of both runs")
        assert isinstance(drawn, PlotSection)
        assert drawn.curves[0].title == "loss"
        assert len(drawn.curves) <= MAX_PLOTS
        loss = drawn.curves[0]
        mine, theirs = (read_run(RUNS / name) for name in ("dead-kernel-both", "healthy"))
        shared = set(mine.curves["loss"].steps) & set(theirs.curves["loss"].steps)
        assert loss.x == tuple(sorted(map(float, shared)))
        at = list(mine.curves["loss"].steps).index(int(loss.x[3]))
        assert loss.actual[3] == mine.curves["loss"].values[at]

    def test_scores_and_settings(self, report, beside):
        scores = section(report, "mIoU at equal iterations")
        assert [row[0] for row in scores.rows] == [str(s) for s, _, _ in beside.comparison.scores]
        settings = section(report, "Settings that differ")
        assert isinstance(settings, TableSection)
        assert len(settings.rows) == sum(map(len, beside.comparison.settings.values()))

    def test_many_settings_are_cut_and_counted(self, beside):
        [found] = [item for items in beside.comparison.settings.values() for item in items[:1]][:1]
        many = replace(beside.comparison, settings={"data": (found,) * 1000})
        table = section(
            report_of_explanation(replace(beside, comparison=many)), "Settings that differ"
        )
        assert len(table.rows) == 400
        assert "600 more settings" in table.text

    def test_equal_runs_show_only_their_loss(self):
        same = logged(STEPS / 7)
        found = compare_runs(beside_run(same, terms_of_run(same), same))
        assert [item.title for item in found.plots] == ["loss"]
        assert set(found.plots[0].difference) == {0.0}

    def test_long_curves_are_thinned_and_keep_their_worst_point(self):
        values = STEPS / 7.0
        values[333] += 40
        drawn = plot(curve("loss", STEPS, values), curve("loss", STEPS, STEPS / 7))
        assert len(drawn.x) <= MAX_POINTS + 1
        assert max(drawn.difference) == pytest.approx(40)
        assert drawn.x_label == "iteration"

    def test_nan_is_drawn_as_a_gap(self):
        values = STEPS / 7.0
        values[-1] = np.nan
        answer = explain(logged(values), against=logged(STEPS / 7))
        assert "<svg" in render_html(report_of_explanation(answer))


def test_pictures_are_not_in_the_answer(beside):
    document = as_document(beside)
    assert "curve" not in document
    assert "plots" not in document["comparison"]


def test_reads_back_as_it_was(report, tmp_path):
    (tmp_path / "report.json").write_text(render_json(report))
    again = read_report(tmp_path / "report.json")
    assert render_json(again) == render_json(report)
    assert json.loads(render_json(report))["title"] == report.title


def test_paths_are_in_the_run_block_only(report):
    text = render_markdown(report)
    before, _, rest = text.partition("<!-- run:")
    assert str(RUNS) not in before
    assert f"{RUNS}" in rest.replace("\\", "")


class TestRenderers:
    def test_markdown(self, report):
        text = render_markdown(report)
        assert text.startswith("# Why a training run scores as it does: explained: dead-kernel\n")
        assert "0 cases" not in text
        assert "### 1. dead-kernel" in text
        assert "<details><summary>Ruled out: " in text

    def test_html_leaves_out_what_there_is_not(self, report):
        page = render_html(report)
        for absent in ("0 cases", "Versions", 'id="case-list"', "Skip to the steps"):
            assert absent not in page

    @pytest.mark.parametrize(
        ("score", "batch", "failures", "skipped"),
        [(44.0, 16, 1, 0), (44.0, 2, 0, 0), (49.9, 2, 0, 0), (float("nan"), 2, 0, 1)],
    )
    def test_junit_fails_where_the_exit_code_does(self, score, batch, failures, skipped):
        mine = run(scores=((1000, score),), effective_batch=batch)
        answer = explain(mine, against=run(scores=((1000, 50.0),)))
        root = ElementTree.fromstring(render_junit(report_of_explanation(answer)))
        assert bool(failures) == (exit_code(answer) == 1)
        assert bool(skipped) == (exit_code(answer) == 3)
        assert root.get("failures") == str(failures)
        assert len(root.findall(".//failure")) == failures
        assert root.get("skipped") == str(skipped) == str(len(root.findall(".//skipped")))
        assert root.get("tests") == str(len(root.findall(".//testcase")))
