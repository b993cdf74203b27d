from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from parity.cli.scorecard import scorecard
from parity.errors import InputError
from parity.report.scorecard import render_scorecard, render_scorecard_json, render_suspects
from parity.steps import flip as flips
from parity.suspects import scorecard as scores
from parity.suspects.around import Around
from parity.suspects.catalogue import all_suspects, suspects_of
from parity.suspects.inputs import clean_cases
from parity.suspects.scorecard import StepScore, score
from parity.suspects.suspect import Suspect

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scorecard.md"
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
    return Suspect(name, "flip", "flip_sample", "Something.", function)


def test_everything_is_found_and_named():
    card = score(live=False, **SMALL)
    [row] = card.rows
    count = len([one for one in all_suspects() if one.step == "flip"])
    assert (row.suspects, row.detected, row.right_step, row.named) == (count,) * 4
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
    flips_with(monkeypatch, suspect("nothing-wrong", Around(flips.flip_sample, ())))
    card = score(live=False, **SMALL)
    assert card.total.detected == card.total.suspects - 1
    assert card.total.missed == ("nothing-wrong in flip_sample: shows on no input",)
    assert card.failures[0] == "detected: 3 of 4, needs 100%"


def test_suspects_alike_are_not_both_named_first(monkeypatch):
    [first, *_] = [one for one in all_suspects() if one.step == "flip"]
    flips_with(monkeypatch, suspect("the-same-again", first.function))
    card = score(live=False, **SMALL)
    assert card.total.first == card.total.suspects - 1
    assert card.total.named == card.total.suspects
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
    row = StepScore("a", "b", suspects=20, detected=20, right_step=20, first=18, named=18, pairs=10)
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
    assert "flipped-vertically" in page
    assert "hue-reaches-18" not in page


def test_command_that_falls_short(monkeypatch):
    flips_with(monkeypatch, suspect("nothing-wrong", Around(flips.flip_sample, ())))
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
    suspects = all_suspects()
    assert render_scorecard(first, suspects) == render_scorecard(second, suspects)
    assert render_scorecard_json(first) == render_scorecard_json(second)


def test_page_in_the_docs_lists_every_suspect():
    assert render_suspects(all_suspects()) in PAGE.read_text("utf-8"), (
        "run: parity scorecard --pairs 0 --markdown docs/scorecard.md"
    )


def test_page_in_the_docs_reports_what_was_reached():
    text = PAGE.read_text("utf-8")
    [total] = re.findall(r"^\| all \|(.*)\|$", text, re.MULTILINE)
    counts = [int(cell) for cell in total.split("|")]
    suspects, detected, right, _, named, pairs, _, _, pairs_named, _ = counts
    assert suspects == detected == right == len(all_suspects())
    assert named >= 0.95 * suspects
    assert pairs_named >= 0.9 * pairs
    assert " 0 false alarms" in text
    assert "Short of" not in text
