"""The page, read as a browser reads it."""

import base64
import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from parity.report.document import Likeness, Report
from parity.report.html import render_html
from parity.report.json import canonical
from parity.text import visible
from tests.report.builders import HOSTILE, LONG

ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section"),
    *("svg", "symbol", "circle", "path", "rect", "use", "image", "g", "defs", "clippath", "text"),
    *("h1", "h2", "h3", "h4", "h5", "p", "a", "span", "div", "code", "strong", "details"),
    *("summary", "dl", "dt", "dd", "ul", "ol", "li", "figure", "figcaption"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("form", "label", "input", "output", "button", "select", "option", "script", "noscript"),
}


class Page(HTMLParser):
    """Tags, attributes and text of a page, and what lies in its script elements."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.raw = [], [], [], []
        self._inside = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in ("script", "style"):
            self._inside.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if self._inside and tag == self._inside[-1][0]:
            self._inside.pop()

    def handle_data(self, data):
        if self._inside:
            self.raw.append((*self._inside[-1], data))
        else:
            self.texts.append(data)


@pytest.fixture(scope="module", params=["as a check makes it", "as a file may hold it"])
def hostile_page(request, hostile):
    chosen = canonical(hostile) if request.param.startswith("as a check") else hostile
    return Page(render_html(chosen))


class TestHostileHtml:
    def test_no_element_is_smuggled_in(self, hostile_page):
        assert set(hostile_page.tags) <= ALLOWED_TAGS
        assert hostile_page.tags.count("script") == 2
        assert hostile_page.tags.count("style") == 1

    def test_no_attribute_is_smuggled_in(self, hostile_page):
        names = {name for _, name, _ in hostile_page.attributes}
        assert not [name for name in names if name.startswith("on")]
        assert not names & {"style", "src", "srcdoc", "action", "formaction", "data"}

    def test_the_texts_are_shown_as_text(self, hostile_page):
        shown = "".join(hostile_page.texts)
        assert visible(HOSTILE) in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown

    def test_the_list_of_cases_holds_them_too(self, hostile_page, hostile):
        [data] = [data for tag, attrs, data in hostile_page.raw if attrs.get("type")]
        assert not set("<>&") & set(data)
        names = [case[0] for case in json.loads(data)["cases"]]
        assert names == [visible(case.name) for case in hostile.cases]

    def test_links_go_to_this_page_or_to_a_web_page(self, hostile_page):
        links = {
            value for tag, name, value in hostile_page.attributes if (tag, name) == ("a", "href")
        }
        assert all(link.startswith(("#", "https://example.org/")) for link in links)

    def test_a_long_text_is_there_in_full(self, report):
        steps = (replace(report.steps[0], why_skipped=LONG, skipped=1), *report.steps[1:])
        page = Page(render_html(replace(report, steps=steps)))
        assert visible(LONG) in "".join(page.texts)


class TestHtml:
    def test_policy_names_the_very_script_and_style(self, report):
        page = Page(render_html(report))
        [policy] = [v for t, n, v in page.attributes if n == "content" and "default-src" in v]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag, attrs, text in page.raw:
            if not attrs.get("type"):
                digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
                assert f"{tag}-src 'sha256-{digest}'" in policy

    def test_loads_nothing(self, report):
        page = Page(render_html(report))
        addresses = [v for t, n, v in page.attributes if n in ("src", "href") and t != "a"]
        assert all(v.startswith(("data:image/png;base64,", "#")) for v in addresses)
        assert not [t for t in page.tags if t in ("link", "iframe", "object", "embed", "base")]

    def test_a_diagnosis_is_on_top(self, report):
        texts = Page(render_html(report)).texts
        at = next(place for place, text in enumerate(texts) if "looks like" in text)
        assert "red and blue are exchanged" in texts[at]
        assert at < texts.index("What was compared")
        none = tuple(replace(step, diagnosis=Likeness()) for step in report.steps)
        assert "looks like" not in render_html(replace(report, steps=none))

    def test_ids_are_unique_and_links_lead_somewhere(self, report):
        page = Page(render_html(report))
        ids = [v for _, n, v in page.attributes if n == "id"]
        assert len(ids) == len(set(ids))
        links = {v[1:] for t, n, v in page.attributes if n == "href" and v.startswith("#")}
        assert links <= set(ids)

    def test_pictures_are_whole(self, report):
        page = Page(render_html(report))
        shown = [v for t, n, v in page.attributes if (t, n) == ("image", "href")]
        expected = sum(
            len([i for i in (view.actual, view.expected, view.difference) if i])
            for exhibit in report.exhibits
            for picture in exhibit.pictures
            for view in picture.views
        )
        assert len(shown) == expected > 0
        for address in shown:
            png = base64.b64decode(address.partition(",")[2])
            assert png.startswith(b"\x89PNG")
            assert png.endswith(b"IEND\xaeB`\x82")

    def test_says_everything(self, report):
        text = "".join(Page(render_html(report)).texts)
        for expected in (
            report.sentence,
            report.run.command,
            "ab" * 32,
            "red and blue are exchanged",
            "/tmp/minimal",
            "first that differs",
            "Which became which",
            "Confusion matrix, entries that differ",
            "error in ms_deformable_im2col_cuda",
        ):
            assert expected in text

    def test_a_picture_that_is_no_base64_is_left_out(self, report):
        view = report.exhibits[0].pictures[0].views[0]
        bad = replace(view, actual=replace(view.actual, png='"><script>alert(1)</script>'))
        picture = replace(report.exhibits[0].pictures[0], views=(bad,))
        exhibits = (replace(report.exhibits[0], pictures=(picture,)), *report.exhibits[1:])
        assert "alert(1)" not in render_html(replace(report, exhibits=exhibits))

    def test_nothing_but_a_verdict(self):
        page = render_html(Report("not compared", "Nothing.", "a", "b"))
        assert "Nothing." in page
        assert "case-data" not in page.replace('getElementById("case-data")', "")
