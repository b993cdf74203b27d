"""``[tool.parity]`` of a user's pyproject.toml."""

import sys
from pathlib import Path

import pytest

from parity.candidate.accepted import Accepted
from parity.candidate.project import Project, add_accepted, find_project
from parity.compare.rounding import Rounding
from parity.errors import InputError

WHOLE = """
[tool.parity]
candidate = "src/mine.py:steps"
data = "ade"
seeds = "3:9"
steps = ["crop", "loss"]
rounding = "fail"

[[tool.parity.accepted]]
step = "crop"
pipeline = "train"
max_abs = 1
max_share = 0.5
reason = "known"

[[tool.parity.accepted]]
step = "hue"
pipeline = "distribution"
max_abs = 0.1
reason = "known"
"""
ENTRY = '[[tool.parity.accepted]]\nstep = "crop"\nreason = "why"\n'


@pytest.fixture(autouse=True)
def _same_path(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_all_of_it(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text(WHOLE)
    found = find_project(tmp_path)
    assert found == Project(
        file,
        f"{tmp_path}/src/mine.py:steps",
        tmp_path / "ade",
        range(3, 9),
        ("crop", "loss"),
        Rounding.FAIL,
        (
            Accepted("crop", "known", "train", max_abs=1, max_share=0.5),
            Accepted("hue", "known", "distribution", max_abs=0.1),
        ),
    )
    assert str(tmp_path) in sys.path


def test_the_nearest_file_with_such_a_table_counts(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.parity]\ncandidate = "package.steps"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\n")
    assert find_project(below).candidate == "package.steps"
    (below / "pyproject.toml").write_text("[tool.parity]\n")
    assert find_project(below) == Project(below / "pyproject.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.parity", "is no TOML: "),
        ("tool = {parity = 3}", r"\[tool.parity\]: is no table"),
        (
            '[tool.parity]\ncandidat = "a"',
            r"\[tool.parity\]: unknown key candidat; did you mean candidate\?",
        ),
        ("[tool.parity]\ncandidate = 3", r"\[tool.parity\] candidate: is 3; give a string"),
        ('[tool.parity]\nsteps = "crop"', "steps: is 'crop'; give a list of strings"),
        ("[tool.parity]\nsteps = [1]", "steps: is .1.; give a list of strings"),
        ('[tool.parity]\nsteps = ["krop"]', "no step is called krop; did you mean crop"),
        ('[tool.parity]\nseeds = "9:3"', "seeds: 9:3: give A:B with"),
        ("[tool.parity]\nseeds = [0, 3]", "seeds: is .0, 3.; give a string"),
        ('[tool.parity]\nrounding = "passes"', r"there is no passes; did you mean pass\?"),
        ("[tool.parity]\naccepted = 3", "accepted: is 3; give a list of tables"),
        (ENTRY, r"\[\[tool.parity.accepted\]\] 1: has no bound; give max_abs, max_share, or"),
        (ENTRY + "max_abs = true", "max_abs: is True; give a number above 0"),
        (ENTRY + "max_abs = nan", "max_abs: is nan; give a number above 0"),
        (ENTRY + "max_abs = 0", "max_abs: is 0; give a number above 0"),
        (ENTRY + 'max_abs = "1"', "max_abs: is '1'; give a number above 0"),
        (ENTRY + "max_ab = 1", r"1: unknown key max_ab; did you mean max_abs"),
        (ENTRY.replace("crop", "krop"), r"1 step: no step is called krop; did you mean crop"),
        (ENTRY + 'pipeline = "trian"', r"no pipeline is called trian; did you mean train\?"),
        (ENTRY.replace("why", " "), "1 reason: is empty; say why crop may differ"),
        (ENTRY.replace('reason = "why"', "max_abs = 1"), "1 reason: is empty; say why crop"),
        (ENTRY.replace('step = "crop"', ""), "1: has no step; name the one that differs"),
        (2 * (ENTRY + "max_abs = 1\n"), "2: crop is accepted twice; keep one"),
    ],
)
def test_what_is_wrong_is_one_error_that_names_file_and_key(tmp_path, text, message):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(InputError, match=f"^{tmp_path}/pyproject.toml: .*{message}"):
        find_project(tmp_path)


DRAFT = '\n[[tool.parity.accepted]]\nstep = "crop"\nmax_abs = 1\nreason = ""'


@pytest.mark.parametrize(
    ("text", "appended"),
    [
        ("", True),
        ("[tool.parity]\ncandidate = 'a'", True),
        (f"{ENTRY}max_abs = 1\n[tool.other]\na = 1\n", True),
        ("[tool.parity]\naccepted = []", False),
        (None, False),
    ],
)
def test_a_draft_is_appended_where_it_can_be_and_asks_for_a_reason(tmp_path, text, appended):
    file = tmp_path / "pyproject.toml"
    if text is not None:
        file.write_text(text)
    assert add_accepted(DRAFT, tmp_path) == (file if appended else None)
    if appended:
        assert file.read_text().startswith(text.strip())
        with pytest.raises(InputError, match="reason: is empty; say why crop may differ"):
            find_project(tmp_path)
    elif text is not None:
        assert file.read_text() == text


def test_the_documented_file_is_one(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "bring-your-own.md").read_text()
    (tmp_path / "pyproject.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    assert [one.step for one in find_project(tmp_path).accepted] == ["photometric", "load", "hue"]
