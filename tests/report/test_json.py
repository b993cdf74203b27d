import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import parity.report
from parity.errors import InputError
from parity.report.document import FORMAT, CheckRun, FindingEntry, FindingSection, Report
from parity.report.json import canonical, read_report, render_json, render_schema
from parity.text import cut, visible, with_marks
from tests.report.builders import HOSTILE, poisoned

SCHEMA = Path(parity.report.__file__).parent / "schema.json"


@pytest.fixture
def written(tmp_path, report):
    path = tmp_path / "report.json"
    path.write_text(render_json(report))
    return path


def rewrite(path, **changes):
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **changes}))


class TestRoundTrip:
    def test_what_is_read_is_what_was_written(self, written, report):
        assert render_json(read_report(written)) == render_json(report) == written.read_text()

    def test_numbers_that_json_lacks(self, tmp_path, report):
        odd = (math.nan, math.inf, -math.inf)
        sides = {"x": (0, 1, 2), "actual": odd, "expected": (0, 1, 2), "difference": odd}
        curve = replace(report.sections[0].curves[0], **sides)
        section = replace(report.sections[0], curves=(curve,))
        path = tmp_path / "x.json"
        path.write_text(render_json(canonical(replace(report, sections=(section,)))))
        json.loads(path.read_text(), parse_constant=pytest.fail)
        values = read_report(path).sections[0].curves[0].actual
        assert math.isnan(values[0])
        assert values[1:] == (math.inf, -math.inf)

    def test_a_curve_of_unequal_sides_is_refused(self, tmp_path, report):
        document = json.loads(render_json(report))
        document["sections"][0]["curves"][0]["actual"].pop()
        path = tmp_path / "x.json"
        path.write_text(json.dumps(document))
        with pytest.raises(InputError, match=r"sections\.0: holds a curve whose sides"):
            read_report(path)
        document = json.loads(render_json(report))
        at = next(i for i, e in enumerate(document["exhibits"]) if e["facts"]["curves"])
        document["exhibits"][at]["facts"]["curves"][0]["x"].append(9)
        path.write_text(json.dumps(document))
        with pytest.raises(InputError, match=rf"exhibits\.{at}: holds a curve"):
            read_report(path)

    def test_hostile_texts(self, tmp_path, report):
        path = tmp_path / "x.json"
        path.write_text(render_json(canonical(poisoned(report))))
        assert read_report(path).sentence == visible(HOSTILE)

    def test_file_names_that_are_no_utf8(self):
        report = canonical(Report("equal", "\udcff.jpg \ud83d", "a", "b"))
        assert report.sentence == "\\udcff.jpg \\ud83d"
        render_json(report).encode()

    def test_whole_numbers_keep_their_look(self, report):
        assert render_json(canonical(report)) == render_json(report)


class TestRunBlock:
    def test_times_and_paths_are_there_and_nowhere_else(self, report):
        other = replace(
            report, run=CheckRun("other command", "2031-01-01", 9.0, {"{x}": "/elsewhere"})
        )
        mine, theirs = (json.loads(render_json(item)) for item in (report, other))
        assert mine.pop("run") != theirs.pop("run")
        assert mine == theirs

    def test_paths_are_written_below_their_root(self, report):
        assert report.inputs[0].name == "{inputs}/a.jpg"
        document = json.loads(render_json(report))
        roots = document.pop("run")["roots"]
        assert roots["{inputs}"] not in json.dumps(document)

    @pytest.mark.parametrize(
        ("text", "roots", "shown"),
        [
            ("/a/b/c.jpg", {"{in}": "/a/b"}, "{in}/c.jpg"),
            ("/a/b/c.jpg", {"{out}": "/a", "{in}": "/a/b"}, "{in}/c.jpg"),
            ("/a/bc.jpg", {"{in}": "/a/b"}, "/a/bc.jpg"),
            ("x/y", {"{in}": "/"}, "x/y"),
            ("x", {"{in}": ""}, "x"),
        ],
    )
    def test_marks(self, text, roots, shown):
        assert with_marks(text, roots) == shown


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "cannot be read as JSON"),
            (b"\xff\xfe", "cannot be read as JSON"),
            (b"[" * 100_000, "cannot be read as JSON"),
            (b"[]", "has no format number"),
            (b"{}", "has no format number"),
            (b'{"format": true}', "has no format number"),
            (b'{"format": 1}', "is of format 1, this version reads 2"),
            (b'{"format": 3}', "is of format 3"),
            (b'{"format": 2}', "verdict: Field required"),
        ],
    )
    def test_are_named(self, tmp_path, content, message):
        path = tmp_path / "x.json"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_report(path)
        assert str(caught.value).startswith(str(path))
        assert message in str(caught.value)

    def test_missing(self, tmp_path):
        with pytest.raises(InputError, match="No such file"):
            read_report(tmp_path / "x.json")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"verdict": "fine"}, "verdict"),
            ({"steps": [{}]}, "steps.0"),
            ({"steps": []}, "strips.0: names a step that is not there"),
            ({"exhibits": []}, "names an exhibit that is not there"),
            ({"strips": []}, "cases.0: names a strip"),
            ({"sections": [{"kind": "unknown"}]}, "sections.0"),
        ],
    )
    def test_what_is_wrong_is_said(self, written, changes, message):
        rewrite(written, **changes)
        with pytest.raises(InputError, match=message):
            read_report(written)

    def test_a_code_that_is_none(self, written):
        document = json.loads(written.read_text())
        document["cases"][0]["isolated"] = "?" * len(document["cases"][0]["isolated"])
        rewrite(written, cases=document["cases"])
        with pytest.raises(InputError, match=r"cases\.0"):
            read_report(written)

    @pytest.mark.parametrize("png", ['"><script>', "javascript:alert(1)", "AA\nAA"])
    def test_a_picture_that_is_none(self, written, png):
        document = json.loads(written.read_text())
        [view, *_] = document["exhibits"][0]["pictures"][0]["views"]
        view["actual"]["png"] = png
        rewrite(written, exhibits=document["exhibits"])
        with pytest.raises(InputError, match="png"):
            read_report(written)

    @pytest.mark.parametrize(
        "link", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,"]
    )
    def test_a_link_that_is_no_page(self, link):
        finding = FindingEntry("t", "t", link=link)
        report = Report(
            "different", "s", "a", "b", sections=(FindingSection("t", "t", (finding,)),)
        )
        with pytest.raises(InputError, match="link"):
            canonical(report)


class TestSchema:
    def test_is_the_published_one(self):
        assert SCHEMA.read_text("utf-8") == render_schema()

    def test_names_the_format(self):
        schema = json.loads(render_schema())
        assert schema["properties"]["format"]["const"] == FORMAT

    def test_accepts_what_is_written(self, report):
        jsonschema.validate(json.loads(render_json(report)), json.loads(SCHEMA.read_text("utf-8")))

    def test_refuses_what_is_not(self, report):
        document = {**json.loads(render_json(report)), "verdict": "fine"}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))


class TestText:
    @given(st.text())
    def test_visible_prints_and_is_stable(self, text):
        shown = visible(text)
        assert shown.isprintable()
        assert visible(shown) == shown

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("a\nb", "a\\nb"),
            ("\x1b[31m", "\\x1b[31m"),
            ("\u202egpj", "\\u202egpj"),
            ("\udcff", "\\udcff"),
            ("\U000e0001", "\\U000e0001"),
            ("Größe \U0001f600", "Größe \U0001f600"),
        ],
    )
    def test_escapes(self, text, shown):
        assert visible(text) == shown

    def test_cut_says_how_much(self):
        assert cut("abcdef", 4) == "abcd ... (2 more characters)"
        assert cut("abcd", 4) == "abcd"
