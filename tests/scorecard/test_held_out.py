"""What is said of mistakes that the catalogue does not hold."""

from __future__ import annotations

from datetime import date

import pytest
from parity.report.scorecard import render_scorecard
from parity.suspects.heldout import FOLDS, HeldOut, fold_of
from parity.suspects.scorecard import Scorecard, StepScore, score

from parity.suspects import scorecard as scores
from parity.suspects.catalogue import all_suspects, suspects_of
from parity.suspects.suspect import Suspect, mistakes

SMALL = {"rounds": 1, "pairs": 1, "clean": 0, "live": False}


def test_every_tenth_holds_some_and_one_mistake_is_in_one_tenth():
    folds = {}
    for one in all_suspects():
        folds.setdefault(one.summary, set()).add(fold_of(one))
    assert all(len(found) == 1 for found in folds.values())
    sizes = [sum(found == {fold} for found in folds.values()) for fold in range(FOLDS)]
    assert min(sizes) > len(folds) / FOLDS / 2


def test_mistakes_that_are_unknown_get_no_name_of_others():
    card = score(only=frozenset({"flip"}), held_out=True, **SMALL)
    held = card.held_out
    assert held.suspects == len([one for one in all_suspects() if one.step == "flip"])
    assert held.unnamed + held.alike + held.wrong == held.suspects
    assert held.wrong == 0, held.names


def test_the_same_code_under_another_name_is_one_mistake(monkeypatch):
    def chosen(step):
        real = suspects_of(step)
        if step.module != "flip":
            return real
        again = Suspect("the-same-again", "flip", "flip_sample", "Another text.", real[0].function)
        return (*real[:3], again)

    monkeypatch.setattr(scores, "suspects_of", chosen)
    held = score(only=frozenset({"flip"}), held_out=True, **SMALL).held_out
    assert held.alike == 2
    assert held.wrong == 0


def card_with(wrong):
    held = (HeldOut("flip", suspects=50, unnamed=50 - wrong, wrong=wrong, names=("x",) * wrong),)
    row = StepScore("flip", "f", 1, 1, 1, 1, 1, 1, 1, 1, 1)
    return Scorecard("own clean steps", (row,), 1, (), held)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_two_percent_of_wrong_names_fall_short(wrong):
    assert bool(card_with(wrong).failures) is (wrong > 1)


def test_page_has_the_figures_and_the_day():
    page = render_scorecard(card_with(1), all_suspects(), date(2026, 1, 2))
    assert "## Mistakes held out" in page
    assert "Run of 2026-01-02: 1 wrong names, 2.0%." in page
    assert "| together | 50 | 49 | 0 | 0 | 1 |" in page
    assert f"{len(all_suspects())} suspects of {mistakes(all_suspects())} mistakes" in page
    assert "held out" not in render_scorecard(card_with(0), []).split("## All")[1]
