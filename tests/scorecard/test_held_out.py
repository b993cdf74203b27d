"""What is said of mistakes that the catalogue does not hold."""

from __future__ import annotations

from datetime import date

import pytest
from mistakes import counts as scores
from mistakes.counts import Scorecard, score
from mistakes.heldout import FOLDS, HeldOut, fold_of
from mistakes.page import HELD_OUT, render_scorecard
from mistakes.planting import Single, StepScore

from parity.suspects.catalogue import all_suspects, suspects_of
from parity.suspects.suspect import Suspect

FLIP = ("flip", "flip_sample")
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
    assert held.places == len([one for one in all_suspects() if FLIP in one.functions])
    assert held.unnamed + held.alike + held.wrong == held.places
    assert held.wrong == 0, held.names


def test_the_same_code_under_another_name_is_one_mistake(monkeypatch):
    def chosen(step):
        real = suspects_of(step)
        if step.module != "flip":
            return real
        again = Suspect("the-same-again", "Another text.", {FLIP: real[0].functions[FLIP]})
        return (*real[:3], again)

    monkeypatch.setattr(scores, "suspects_of", chosen)
    held = score(only=frozenset({"flip"}), held_out=True, **SMALL).held_out
    assert held.alike == 2
    assert held.wrong == 0


def card_with(wrong):
    held = (HeldOut("flip", places=50, unnamed=50 - wrong, wrong=wrong, names=("x",) * wrong),)
    row = StepScore("flip", "f", (Single("a", True, True, True, True),), 1, 1, 1, 1)
    return Scorecard("own clean steps", (row,), 1, (), held)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_two_percent_of_wrong_names_fall_short(wrong):
    assert bool(card_with(wrong).failures) is (wrong > 1)


def test_page_has_the_figures_and_the_day():
    page = render_scorecard(card_with(1), date(2026, 1, 2))[HELD_OUT]
    assert "Run of 2026-01-02: 1 wrong names, 2.0%." in page
    assert "| together | 50 | 49 | 0 | 0 | 1 |" in page
    assert HELD_OUT not in render_scorecard(Scorecard("own clean steps", (), 1, ()))
