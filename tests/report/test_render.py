"""Markdown, JUnit XML and plots."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from parity.report.document import CheckRun
from parity.report.figures import curve_svg
from parity.report.json import canonical
from parity.report.junit import render_junit
from parity.report.markdown import RUN_BEGINS, RUN_ENDS, render_markdown
from parity.report.markup import cell
from parity.report.write import FORMATS
from parity.text import visible
from tests.report.builders import HOSTILE


class TestMarkdown:
    def test_rows_have_as_many_cells_as_their_head(self, hostile):
        rows = [line for line in render_markdown(hostile).splitlines() if line.startswith("|")]
        width = 0
        for before, row in zip(["", *rows], rows, strict=False):
            cells = len(re.findall(r"(?<!\\)\|", row)) - 1
            if re.fullmatch(r"[|\s:-]+", row):
                assert cells == len(re.findall(r"(?<!\\)\|", before)) - 1
                width = cells
            elif width and re.fullmatch(r"[|\s:-]+", before):
                assert cells == width

    def test_a_diagnosis_is_on_top(self, report):
        before, _, _ = render_markdown(report).partition("Compared:")
        assert "train/load looks like: red and blue are exchanged" in before

    def test_no_markup_gets_through(self, hostile):
        text = render_markdown(hostile)
        assert "<script" not in text
        assert "<img" not in text
        assert not re.search(r"(?<!\\)\]\(", text)  # an unescaped link
        assert "\x1b" not in text
        left = set(re.findall(r"<[^>]*>", text))
        assert left <= {
            RUN_BEGINS,
            RUN_ENDS,
            *("<details>", "</details>", "<summary>", "</summary>"),
        }

    def test_says_everything(self, report):
        text = render_markdown(report)
        for expected in (
            cell(report.sentence),
            "first that differs",
            "red and blue are exchanged",
            "near: up to 3 pixels",
            "ab" * 32,
            "enters here",
        ):
            assert expected in text

    def test_only_the_marked_block_tells_times_and_paths(self, report):
        other = replace(report, run=CheckRun("other", "2031-01-01T00:00:00Z", 3.0, {"{x}": "/y"}))
        parts = [self.split(render_markdown(item)) for item in (report, other)]
        assert parts[0][0] == parts[1][0]
        assert parts[0][1] != parts[1][1]

    @staticmethod
    def split(text):
        before, _, rest = text.partition(RUN_BEGINS)
        inside, _, after = rest.partition(RUN_ENDS)
        return before + after, inside

    def test_ten_thousand_cases_fit_a_job_summary(self, report):
        case = report.cases[0]
        many = tuple(replace(case, name=f"case {i}") for i in range(10_000))
        text = render_markdown(replace(report, cases=many))
        assert len(text.encode()) < 1_000_000
        assert "9,900 more, see report.json." in text


class TestJunit:
    def test_counts_are_those_of_the_report(self, report):
        root = ElementTree.fromstring(render_junit(report))
        findings = sum(len(s.findings) for s in report.sections if s.kind == "findings")
        assert findings
        assert root.get("tests") == str(len(report.cases) + findings)
        assert root.get("failures") == str(report.cases_failed + findings)
        assert len(root.findall(".//testcase/failure[@type='different']")) == report.cases_failed
        assert [suite.get("name") for suite in root.iter("testsuite")][:2] == ["train", "raises"]

    def test_hostile_texts_survive(self, hostile):
        root = ElementTree.fromstring(render_junit(hostile))
        assert {case.get("name") for case in root.iter("testcase")} == {visible(HOSTILE)}

    def test_not_compared_is_skipped_and_broken_is_an_error(self, report):
        case = replace(report.cases[0], verdict="not compared", note="both raise", exhibits=())
        broken = replace(case, broken=True, note="x.jpg: is truncated")
        alone = replace(report, cases=(case, broken), sections=())
        root = ElementTree.fromstring(render_junit(alone))
        assert root.find(".//skipped").get("message") == "both raise"
        assert root.find(".//error").get("message") == "x.jpg: is truncated"
        assert (root.get("skipped"), root.get("errors"), root.get("failures")) == ("1", "1", "0")

    def test_findings_are_failures(self, report):
        root = ElementTree.fromstring(render_junit(report))
        assert root.find(".//failure[@type='finding']").text.startswith("run.log:12")


@pytest.mark.parametrize("name", FORMATS)
def test_same_report_same_bytes(report, name):
    render = FORMATS[name][1]
    assert render(report) == render(canonical(report))


class TestFigures:
    def curve(self, report):
        return report.sections[0].curves[0]

    def test_same_bytes(self, report):
        assert curve_svg(self.curve(report), "a") == curve_svg(self.curve(report), "a")

    def test_ids_are_its_own(self, report):
        ids = [
            set(re.findall(r'id="([^"]+)"', curve_svg(self.curve(report), name))) for name in "ab"
        ]
        assert ids[0]
        assert not ids[0] & ids[1]

    def test_no_style_and_no_date(self, report):
        svg = curve_svg(self.curve(report), "a")
        assert "style" not in svg
        assert "20" + "26" not in re.sub(r"[\d.]{6,}", "", svg)

    @pytest.mark.parametrize(
        "values", [(float("nan"),) * 3, (float("inf"), 1.0, 2.0), (1e308, -1e308, 0.0), (0.0,) * 3]
    )
    def test_odd_numbers(self, report, values):
        curve = replace(
            self.curve(report),
            x=(0.0, 1.0, 2.0),
            actual=values,
            expected=(0.0, 1.0, 2.0),
            difference=values,
        )
        ElementTree.fromstring(curve_svg(curve, "a"))
