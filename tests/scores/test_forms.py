import base64
import csv
import hashlib
import html
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from parity.scores.columns import grid
from parity.scores.data import render_csv, render_json
from parity.scores.html import render_html
from parity.scores.markdown import render_markdown, safe_address
from parity.scores.plot import render_plot
from parity.scores.runs import RunVerdict
from parity.scores.words import config_address
from parity.zoo.readme import Skipped
from parity.zoo.rows import Differs
from tests.scores.sample import SIGNATURE, own, table_of, zoo_rows

FIRST = ["rank", "method", "backbone", "crop", "schedule", "batch", "mIoU"]
AT_TAG = "https://github.com/open-mmlab/mmsegmentation/blob/v9.9.9/"
HOSTILE = "</script><b>x</b>|`y`\n\u202e[z](javascript:1) $\\frac{"

NOTHING_READ = [Skipped("a.md", 3, "no mIoU")]


@pytest.fixture
def zoo(tmp_path):
    return zoo_rows(tmp_path / "zoo")


def markdown_cells(text):
    """The table as a Markdown parser sees it: rows of cells, without markup."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append("".join(child.content for child in token.children))
    return rows


class TestMarkdown:
    def test_zoo_alone(self, zoo):
        header, first, second = markdown_cells(render_markdown(table_of(zoo)))
        assert header == [*FIRST, "mIoU (ms+flip)", "memory (GB)", "config", "signature"]
        figures = ["40.00", "41.50", "6.10"]
        assert first == ["1", "Net", "R-50", "512x512", "80k", "16", *figures, zoo[0].name, "A"]
        assert second[6] == "39.00"

    def test_own_run(self, zoo, tmp_path):
        run = own(tmp_path, scores=[(72000, 39.75), (80000, 39.5)])
        text = render_markdown(table_of(zoo, [run]))
        header, _, mine, _ = markdown_cells(text)
        shown = dict(zip(header, mine, strict=True))
        assert shown["rank"] == "2"
        assert shown["mIoU"] == "39.50"
        assert shown["best mIoU"] == "39.75 at 72k"
        assert shown["config"] == "own run: runs/mine"
        assert shown["zoo row"] == "net_b"
        assert shown["gap"] == "-0.50"
        assert shown["verdict"] == "explained: dead-kernel, effective-batch"
        assert "[why](pages/mine.html)" in text
        assert "| **2** | **Net** |" in text
        assert "and 1 own run," in text
        assert (
            "## Own runs\n\n- runs/mine: 39.50, -0.50 against net\\_b: "
            "explained: dead-kernel, effective-batch\n" in text
        )

    def test_unlike_run_is_marked_everywhere(self, zoo, tmp_path):
        run = own(tmp_path, signature=SIGNATURE.replace("ss", "ms+flip"), scores=[(80000, 60.0)])
        run = replace(run, verdict=replace(run.verdict, zoo_row=zoo[0].name))
        header, mine, first, _ = markdown_cells(render_markdown(table_of(zoo, [run])))
        shown = dict(zip(header, mine, strict=True))
        assert (shown["rank"], first[0]) == ("", "1")
        assert shown["mIoU"] == "60.00 (ms+flip)"
        assert shown["signature"] == "B: ms+flip"
        assert shown["gap"] == "-0.50 (ms+flip)"

    def test_without_a_link_the_command(self, zoo, tmp_path):
        run = own(tmp_path, verdict=RunVerdict("unexplained"))
        assert "**`parity explain runs/mine`**" in render_markdown(table_of(zoo, [run]))

    def test_disagreement_shows_both(self, zoo):
        differs = (
            Differs("schedule", "160k", "README", "configs/net/README.md:9"),
            Differs("schedule", "160k", "config", zoo[0].config),
            Differs("miou", "41.2", "README", "configs/net/README.md:9"),
        )
        text = render_markdown(table_of([replace(zoo[0], differs=differs), zoo[1]]))
        first = markdown_cells(text)[1]
        assert first[4] == "80k (README, config: 160k)"
        assert first[6] == "40.00 (README: 41.2)"
        assert "[1] [2] [3]" in first[9]
        assert "- [1] schedule: README says 160k (configs/net/README.md:9)" in text
        assert "- [2] schedule: the config itself sets 160k" in text

    def test_details_only_where_readmes_were_read(self, zoo):
        rows = [replace(zoo[0], fps=21.01)]
        assert "speed (fps)" not in markdown_cells(render_markdown(table_of(rows)))[0]
        header, first = markdown_cells(render_markdown(table_of(rows, detailed=True)))
        shown = dict(zip(header, first, strict=True))
        assert (shown["speed (fps)"], shown["device"]) == ("21.01", "V100")

    def test_configs_are_links_to_the_tag(self, zoo):
        page = MarkdownIt("commonmark").enable("table").render(render_markdown(table_of(zoo)))
        for row in zoo:
            assert f'<a href="{AT_TAG}{row.config}">{row.name}</a>' in page

    @pytest.mark.parametrize(
        ("change", "version"),
        [
            ({}, "main"),
            ({"config": "configs/../../x.py"}, "1.2.2"),
            ({"config": "javascript:alert(1).py"}, "1.2.2"),
            ({"notes": ("its config, configs/net/net_b.py, does not exist",)}, "1.2.2"),
        ],
    )
    def test_no_link_where_nothing_is(self, zoo, change, version):
        assert config_address(replace(zoo[0], **change), version) == ""
        assert config_address(zoo[0], "1.2.2").endswith(f"/v1.2.2/{zoo[0].config}")

    def test_data_notes_come_last(self, zoo):
        rows = [replace(zoo[0], notes=("odd",)), zoo[1]]
        text = render_markdown(table_of(rows, skipped=NOTHING_READ))
        assert text.endswith("Data notes:\n\n- [1] odd\n")

    def test_everything_left_out_is_listed(self, zoo):
        text = render_markdown(table_of(zoo, skipped=[Skipped("a_b.md", 3, "no mIoU")]))
        assert text.endswith("Not in the table:\n\n- a\\_b.md:3: no mIoU\n")

    def test_same_bytes(self, zoo, tmp_path):
        run = own(tmp_path)
        assert render_markdown(table_of(zoo, [run])) == render_markdown(
            table_of(list(reversed(zoo)), [run])
        )


class TestHostile:
    """Names from a stranger's run or metafile stay text in every form."""

    def table(self, zoo, tmp_path):
        run = own(
            tmp_path,
            name=HOSTILE,
            path=f"runs/{HOSTILE}",
            verdict=RunVerdict(HOSTILE, (HOSTILE,), -1.0, HOSTILE, "javascript:alert(1)"),
            method=HOSTILE,
            signature=f"{SIGNATURE}|{HOSTILE}",
        )
        rows = [replace(zoo[0], method=HOSTILE, config=HOSTILE, notes=(HOSTILE,)), zoo[1]]
        return table_of(rows, [run], skipped=[Skipped(HOSTILE, None, HOSTILE)])

    def test_markdown(self, zoo, tmp_path):
        text = render_markdown(self.table(zoo, tmp_path))
        rows = markdown_cells(text)
        assert len({len(row) for row in rows}) == 1
        assert len(rows) == 4
        page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
        assert "<b>" not in page
        assert "<script" not in page
        assert re.findall(r'href="(.*?)"', page) == [AT_TAG + "configs/net/net_b.py"]
        assert "\u202e" not in page

    def test_html(self, zoo, tmp_path):
        tags = Tags()
        tags.feed(render_html(self.table(zoo, tmp_path)))
        page = Tags()
        page.feed(render_html(table_of(zoo, [own(tmp_path / "plain")], skipped=NOTHING_READ)))
        assert tags.found == page.found | {"sup", "ol", "code"}
        of_configs = [link for link in tags.links if not link.startswith("#note-")]
        assert of_configs == [AT_TAG + "configs/net/net_b.py"]

    def test_data(self, zoo, tmp_path):
        table = self.table(zoo, tmp_path)
        [mine] = [row for row in json.loads(render_json(table))["rows"] if row["run"]]
        assert mine["verdict"] == HOSTILE
        rows = list(csv.DictReader(io.StringIO(render_csv(table))))
        assert [row["method"] for row in rows if row["run"]] == [HOSTILE]

    def test_plot(self, zoo, tmp_path):
        picture = render_plot(self.table(zoo, tmp_path), "svg").decode()
        assert "<b>" not in picture
        assert html.unescape(picture).count("</script><b>x</b>") >= 1

    @pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "file:///x", None])
    def test_addresses(self, link):
        assert safe_address(link) == ""
        assert safe_address("a b/c(d).html") == "a%20b/c%28d%29.html"
        assert safe_address("https://host/x?y=1") == "https://host/x?y=1"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.links = set(), []

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]


class TestHtml:
    def test_same_cells_as_markdown(self, zoo, tmp_path):
        table = table_of(zoo, [own(tmp_path)])
        page = render_html(table)
        cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", page)]
        expected = [
            "why" if text == "pages/mine.html" else html.escape(text)
            for row in grid(table).cells
            for text in row
        ]
        assert cells == expected

    def test_own_runs_stand_out(self, zoo, tmp_path):
        page = render_html(table_of(zoo, [own(tmp_path)]))
        assert page.count('<tr class="own">') == 1
        assert '<a href="pages/mine.html">why</a>' in page
        said = "runs/mine: 39.50, -0.50 against net_b: explained: dead-kernel, effective-batch"
        assert f"<h2>Own runs</h2>\n<ul>\n<li>{said}</li>" in page

    def test_nothing_can_be_loaded(self, zoo):
        page = render_html(table_of(zoo))
        style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
        digest = hashlib.sha256(style.encode()).digest()
        assert f"'sha256-{base64.b64encode(digest).decode()}'" in html.unescape(page)
        assert "default-src 'none'" in html.unescape(page)


class TestData:
    def test_json(self, zoo, tmp_path):
        zoo[0] = replace(zoo[0], differs=(Differs("crop", "1x1", "README", "a:1"),))
        found = json.loads(render_json(table_of(zoo, [own(tmp_path, scores=[(80000, 39.5)])])))
        expected = (1, "ADE20K", "9.9.9")
        assert (found["format"], found["dataset"], found["mmsegmentation"]) == expected
        first, mine, _ = found["rows"]
        assert (first["rank"], first["miou"], first["run"]) == (1, 40.0, None)
        assert first["differs"][0]["value"] == "1x1"
        assert (mine["rank"], mine["gap"], mine["last_step"]) == (2, -0.5, 80000)
        assert mine["causes"] == ["dead-kernel", "effective-batch"]

    def test_nan_is_null(self, zoo, tmp_path):
        run = own(tmp_path, scores=[(80000, float("nan"))])
        [mine] = [r for r in json.loads(render_json(table_of(zoo, [run])))["rows"] if r["run"]]
        assert (mine["miou"], mine["rank"]) == (None, None)

    def test_csv(self, zoo, tmp_path):
        rows = list(csv.DictReader(io.StringIO(render_csv(table_of(zoo, [own(tmp_path)])))))
        assert [row["batch"] for row in rows] == ["16", "2", "16"]
        assert [row["causes"] for row in rows] == ["", "dead-kernel; effective-batch", ""]
        assert rows[0]["signature"] == SIGNATURE
