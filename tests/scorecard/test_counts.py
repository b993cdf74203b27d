from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from mistakes import counts as scores
from mistakes.counts import score
from mistakes.inputs import clean_cases
from mistakes.page import (
    CANDIDATES,
    HELD_OUT,
    PLANTED,
    TITLES,
    render_scorecard,
    render_scorecard_json,
    render_suspects,
    with_sections,
)
from mistakes.planting import Single, StepScore
from scorecard import scorecard
from typer.testing import CliRunner

from parity.errors import InputError
from parity.report.markup import cell
from parity.steps import flip as flips
from parity.suspects.catalogue import all_suspects, suspects_of
from parity.suspects.mistake import WithMistakes
from parity.suspects.suspect import Suspect

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scorecard.md"
FLIP = ("flip", "flip_sample")
SMALL = {"rounds": 1, "pairs": 6, "clean": 3, "only": frozenset({"flip"})}

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(scorecard)


def run(*arguments):
    return CliRunner().invoke(APP, [*map(str, arguments)], env={"COLUMNS": "200"})


def flips_with(monkeypatch, *extra):
    """Let the suspects of flip be `extra` besides the first few."""

    def chosen(step):
        real = suspects_of(step)
        return (*real[:3], *extra) if step.module == "flip" else real

    monkeypatch.setattr(scores, "suspects_of", chosen)


def suspect(name, function):
    return Suspect(name, "Something.", {FLIP: function})


def test_everything_is_found_and_named():
    card = score(live=False, **SMALL)
    [row] = card.rows
    count = len([one for one in all_suspects() if FLIP in one.functions])
    assert set(row.counts.values()) == {count}
    assert row.pairs + row.masked == 6
    assert row.pairs_detected == row.pairs_named == row.pairs > 0
    assert card.failures == ()
    assert card.false_alarms == ()
    assert card.mode == "own clean steps"


@pytest.mark.live
def test_against_live_mmsegmentation():
    card = score(live=True, **{**SMALL, "only": frozenset({"flip", "photometric"})})
    assert card.failures == ()
    assert card.mode == "live mmsegmentation"


def test_suspect_without_effect_is_missed(monkeypatch):
    flips_with(monkeypatch, suspect("nothing-wrong", WithMistakes(flips.flip_sample, ())))
    card = score(live=False, **SMALL)
    assert card.total.count("detected") == card.total.suspects - 1
    assert card.total.missed == ("nothing-wrong in flip_sample: shows on no input",)
    assert card.failures[0] == "detected: 3 of 4, needs 100%"


def test_suspects_alike_are_not_both_named_first(monkeypatch):
    [first, *_] = [one for one in all_suspects() if FLIP in one.functions]
    flips_with(monkeypatch, suspect("the-same-again", first.functions[FLIP]))
    card = score(live=False, **SMALL)
    assert card.total.count("first") == card.total.suspects - 1
    assert card.total.count("named") == card.total.suspects
    assert "the-same-again in flip_sample" in card.total.missed[0]


def test_false_alarm_is_counted(monkeypatch):
    monkeypatch.setattr(
        scores, "candidate_steps", lambda steps: [(one.name, broken(one)) for one in steps]
    )
    monkeypatch.setattr(scores, "reference_steps", lambda steps: [(one.name, one) for one in steps])
    card = score(live=True, **SMALL)
    assert card.false_alarms
    assert any("false alarms, first train/" in text for text in card.failures)


def broken(step):
    if step.name != "flip":
        return step
    return lambda sample, rng: step(sample, rng).replace(image=sample.image * 0)


def test_nothing_planted_is_a_failure():
    empty = scores.Scorecard("own clean steps", (), 0, ())
    assert empty.failures


def test_rates_that_fall_short():
    singles = [Single(str(at), True, True, at > 1, at > 1) for at in range(20)]
    row = StepScore("a", "b", tuple(singles), pairs=10)
    card = scores.Scorecard("x", (row,), 1, ())
    assert card.failures == (
        "named first: 18 of 20, needs 95%",
        "pairs with both named: 0 of 10, needs 90%",
    )


def test_clean_cases_are_not_the_planted_ones():
    planted = {case.seed for case in scores.all_cases(3)}
    assert planted.isdisjoint(case.seed for case in clean_cases(0, 50))


def test_command(tmp_path):
    options = ("flip", "--seeds", 2, "--pairs", 3, "--clean", 2, "--own", "--jobs", 1)
    result = run(*options, "--json", tmp_path / "a.json", "--markdown", tmp_path / "a.md")
    assert result.exit_code == 0, result.output
    assert "reached" in result.output
    document = json.loads((tmp_path / "a.json").read_text())
    assert (document["format"], document["passed"]) == (1, True)
    assert document["total"]["suspects"] == document["total"]["named"]
    page = (tmp_path / "a.md").read_text()
    assert page.startswith("# Scorecard\n")
    assert re.search(r"^\| flip \| 21 \| 21 \| 21 ", page, re.MULTILINE)


def test_command_that_falls_short(monkeypatch):
    flips_with(monkeypatch, suspect("nothing-wrong", WithMistakes(flips.flip_sample, ())))
    result = run("flip", "--seeds", 2, "--pairs", 1, "--clean", 1, "--own", "--jobs", 1)
    assert result.exit_code == 1
    assert "shows on no input" in result.output
    assert "falls short" in result.output


def test_unknown_step():
    result = run("flop")
    assert isinstance(result.exception, InputError)
    assert "no suspects of flop; did you mean flip?" in str(result.exception)


def test_same_bytes_for_any_number_of_processes():
    first, second = (score(live=False, jobs=jobs, **SMALL) for jobs in (1, 2))
    assert render_scorecard(first) == render_scorecard(second)
    assert render_scorecard_json(first) == render_scorecard_json(second)


def test_list_of_all_mistakes():
    page = render_suspects(all_suspects())
    assert page.startswith(f"# All {len(all_suspects())} suspects\n")
    assert [one.id for one in all_suspects() if cell(one.summary) not in page] == []


def test_a_section_takes_the_place_of_its_older_one():
    page = with_sections("", {CANDIDATES: "outdated", HELD_OUT: "first"})
    page = with_sections(page, {CANDIDATES: "new", PLANTED: "here\n\n### Below"})
    _, *sections = page.split("\n## ")
    assert [one.splitlines()[0] for one in sections] == [PLANTED, HELD_OUT, CANDIDATES]
    assert "outdated" not in page
    assert with_sections(page, {}) == page


def test_page_in_the_docs_has_every_section():
    text = PAGE.read_text("utf-8")
    assert with_sections(text, {}) == text
    assert [title for title in TITLES if f"\n## {title}\n" not in text] == []


def test_page_in_the_docs_reports_what_was_reached():
    text = PAGE.read_text("utf-8").partition(f"## {PLANTED}")[2].partition("\n## ")[0]
    [total] = re.findall(r"^\| all \|(.*)\|$", text, re.MULTILINE)
    counts = [int(cell) for cell in total.split("|")]
    suspects, _, detected, right, _, named, pairs, _, _, pairs_named, _ = counts
    assert suspects == detected == right == len(all_suspects())
    assert named >= 0.95 * suspects
    assert pairs_named >= 0.9 * pairs
    assert " 0 false alarms" in text
    assert "Short of" not in text
