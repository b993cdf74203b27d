import html
import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from parity.explain.explain import explain
from parity.report.terminal import render_text
from parity.runs.read import read_run
from parity.scores import opening
from parity.scores.opening import ENDED, MISREAD, RIGHT
from parity.scores.options import main
from parity.zoo.noise import judge
from parity.zoo.pairs import zoo_pairs
from reference.zoo import installed_zoo
from tests.causes.founding import SWIN_S, write_console, write_run
from tests.scores.sample import checkout, config, model

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The ADE20K table of the installed zoo in each form that opens with words."""
    folder = tmp_path_factory.mktemp("table")
    for form in ("md", "html", "json"):
        assert main(["--out", str(folder / f"t.{form}")], installed_zoo) == 0
    return folder


@pytest.fixture
def text(written):
    return (written / "t.md").read_text()


def test_the_right_row_is_told_from_the_misread_one(text):
    opening = text[: text.index("## Every result")]
    assert f"that is **51.24**:\n[{RIGHT}]" in opening
    assert (
        f"The 52.44 close by is another model, Swin-B on crops of 640x640:\n[{MISREAD}]" in opening
    )
    assert "7.24 points below its row, not 8.44" in opening


def test_what_noise_is(text):
    plain = " ".join(text.split())
    assert "a pooled standard deviation of 0.37 points with 20 degrees of freedom" in plain
    assert f"differ by up to {judge(0).limit:.2f} points" in plain
    assert "0.58 points below the zoo's figure for the same test pipeline, and 1 of 25" in plain
    assert "The 43 pairs of 80k and 160k iterations below allow at most 0.46" in plain
    assert f"{(51.24 - ENDED) / judge(0).limit:.1f} times what noise allows" in plain


def test_each_setting_is_a_line_and_its_rows_are_folded_below(text):
    assert (
        "| iterations | 80k | 160k | 43 | +0.73 | +0.24 to +1.23 | -0.96 to +2.13 | 38 of 43 |"
        in text
    )
    found = zoo_pairs("ADE20K")
    for item in found:
        if item.setting != "head" or item.low_value == "FCN":
            title = f"{item.setting}, {item.low_value} to {item.high_value}: {len(item.pairs)} pair"
            assert f"<details><summary>{title}" in text.replace(r"\_", "_")
    others = sum(item.setting == "head" and item.low_value != "FCN" for item in found)
    assert f"has the other {others} combinations" in text
    assert text.count("<details>") == text.count("</details>")


def test_every_name_in_brackets_is_a_link(text):
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    links = re.findall(r'href="(https://github.com/[^"]*\.py)"', page)
    assert links
    assert all("/blob/v1.2.2/configs/" in link for link in links)
    defined = set(re.findall(r"^\[([\w.+-]+)\]: ", text, re.MULTILINE))
    assert set(re.findall(r"\[([a-z][\w.+-]{9,})\](?!:)", text)) == defined


def test_the_sample_answer_stands_in_one_block(text):
    [answer] = re.findall(r"<!-- sample answer -->\n(.*)\n<!-- /sample answer -->", text, re.DOTALL)
    assert RIGHT in answer
    assert text.count("sample answer -->") == 2


def test_the_sample_answer_is_what_explain_says_today(tmp_path):
    run = write_run(tmp_path, SWIN_S, folder="mask2former", score=44.0)
    write_console(run)
    answer = render_text(explain(read_run(run)))
    page = Path(opening.__file__).with_name(opening.SAMPLE_ANSWER)
    assert page.read_text("utf-8").strip() == answer.strip()


def test_html_says_the_same(written):
    page = html.unescape((written / "t.html").read_text())
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "7.24 points below its row, not 8.44" in words
    assert "Every result" in words
    assert "style=" not in page
    assert page.count("<details>") == page.count("</details>")


def test_json_has_every_pair(written):
    found = json.loads((written / "t.json").read_text())["pairs"]
    ours = zoo_pairs("ADE20K")
    assert [len(item["pairs"]) for item in found] == [len(item.pairs) for item in ours]
    [item] = [item for item in found if item["setting"] == "iterations"]
    assert (item["from"], item["to"], item["median"]) == ("80k", "160k", 0.73)


def test_no_opening_with_a_filter_or_without_the_rows_of_the_case(tmp_path):
    out = tmp_path / "t.md"
    assert main(["--top", "30", "--out", str(out)], installed_zoo) == 0
    assert "## " not in out.read_text()
    name = model()["Name"]
    root = checkout(tmp_path / "zoo", [model()], "# Net\n", configs={name: config()})
    assert main(["--mmseg", str(root), "--out", str(out)], installed_zoo) == 0
    assert "## " not in out.read_text()


class TestPairs:
    """`--pairs`: the settings of every data set instead of the table."""

    def test_every_data_set(self, tmp_path):
        out = tmp_path / "p.md"
        assert main(["--pairs", "--out", str(out)], installed_zoo) == 0
        text = out.read_text()
        sets = list(dict.fromkeys(item.dataset for item in zoo_pairs()))
        assert re.findall(r"^## (.*)", text, re.MULTILINE) == [*sets, "Rows in no pair"]
        assert main(["--pairs", "--out", str(out), "--check"], installed_zoo) == 0

    def test_one_data_set(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert main(["--pairs", "--dataset", "cityscapes"], installed_zoo) == 0
        text = (tmp_path / "cityscapes_pairs.md").read_text()
        assert "## Cityscapes" in text
        assert "## ADE20K" not in text
        assert "| precision | float32 | AMP |" in text

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (["--format", "csv"], "--format csv"),
            (["--top", "3"], "--top"),
            (["--method", "swin"], "--method"),
            (["--dataset", "nothing"], "--dataset nothing"),
        ],
    )
    def test_what_does_not_go_together(self, tmp_path, capsys, options, named):
        assert main(["--pairs", "--out", str(tmp_path / "p.md"), *options], installed_zoo) == 2
        assert named in capsys.readouterr().err
