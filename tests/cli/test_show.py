"""What a check prints: short lines, whole names, the verdict last."""

import re

import pytest

from parity.check.summary import CheckReport, Likeness, StepSummary, Unexercised
from parity.cli.show import PASSES_ON, show
from parity.compare.compare import Verdict

EQUAL, DIFFERENT, NONE = Verdict.EQUAL, Verdict.DIFFERENT, Verdict.NOT_COMPARED
LOSSES = ("loss_ce", "loss_dice", "loss_lovasz_binary", "loss_head_ohem_loss")


def row(name, isolated=EQUAL, chained=EQUAL, **fields):
    pipeline, _, step = name.partition("/")
    return StepSummary(pipeline, step, **{"cases": 4, **fields}, isolated=isolated, chained=chained)


CROP = row(
    "train/crop",
    DIFFERENT,
    DIFFERENT,
    failed=3,
    max_abs=255.0,
    first="train/a_rather_long_name_of_a_photograph.jpg/seed 3: image: different (values) "
    "780406 of 786432 elements differ, by up to 208",
    diagnosis=Likeness("The first window is taken.", ("first-window: reproduced",)),
)
ROWS = (
    row("train/load"),
    CROP,
    row("train/flip", EQUAL, DIFFERENT, failed=3, max_abs=255.0, first="passed on"),
    row("loss/loss_bce", cases=3, skipped=1, why_skipped="a: both raise"),
    row("train/collate", NONE, NONE, cases=0, skipped=4, why_skipped="a: the candidate does not"),
    *(row(f"loss/{name}") for name in LOSSES),
)
REPORT = CheckReport(
    mode="live",
    versions={"mmseg": "1.2.2", "mmcv": "2.1.0", "torch": "2.13.0", "CPU": "a fast one"},
    notes=("One note that is long enough to be cut where there is no room for it.", "Another."),
    seeds=None,
    inputs={},
    summaries=ROWS,
    cases=40,
    failed=3,
    unexercised=(Unexercised(("collate", "iou", "optim", "infer", "tta"), "not given"),),
)


@pytest.fixture
def printed(capsys, monkeypatch):
    def printed(report=REPORT, columns=80, **options):
        monkeypatch.setenv("COLUMNS", str(columns))
        show(report, **options)
        return capsys.readouterr().out

    return printed


def test_equal_steps_fold_and_others_stand_alone(printed):
    text = printed()
    assert re.search(r"^loss +equal +19 comparisons +5 steps$", text, re.M)
    assert re.search(r"^load +equal +4 cases$", text, re.M)
    assert re.search(r"^train/crop +different +3 of 4 cases +by up to 255$", text, re.M)
    assert re.search(rf"^train/flip +{PASSES_ON} +3 of 4 cases$", text, re.M)
    assert "loss_dice" not in text
    assert "passed on" not in text
    assert len(PASSES_ON.split()) == 3


def test_the_finding_then_the_verdict_come_last(printed):
    *_, finding, mistake, one, two = printed().splitlines()
    assert finding == "difference travels on to flip."
    assert mistake.startswith("train/crop looks like: The first window")
    assert one.startswith("different: 40 cases, 3 different, 0 broken inputs (live reference);")
    assert "6 (collate, infer, iou, optim and 2 more; -v says why)" in f"{one} {two}"


def test_versions_and_notes_take_two_lines(printed):
    versions, note, *_ = printed().splitlines()
    assert versions == "mmseg 1.2.2, torch 2.13.0"
    assert note == "One note that is long enough to be cut where there is no ... (1 of 2 notes; -v)"


@pytest.mark.parametrize("columns", [50, 80])
def test_no_line_is_too_long_and_no_name_is_broken(printed, columns):
    text = printed(columns=columns)
    names = ("train/a_rather_long_name_of_a_photograph.jpg/seed", "mmsegmentation", "train/crop")
    assert all(name in text for name in names)
    assert all(len(line) <= columns for line in text.splitlines())


def test_verbose_leaves_nothing_out(printed):
    text = printed(verbose=True, columns=200)
    for told in ("mmcv 2.1.0", "CPU a fast one", "Another.", *LOSSES, "passed on", "both raise"):
        assert told in text
    assert "not exercised: collate, iou, optim, infer and tta (not given)" in text
    assert "-v" not in text


def test_quiet_is_the_verdict_alone(printed):
    assert printed(quiet=True, columns=200).count("\n") == 1


def test_text_is_neither_markup_nor_emoji(printed):
    told = "[red]a[/red] :smile: \x1b[31m"
    broken = (f"/data/{told}/x.jpg: truncated",)
    text = printed(CheckReport("live", {}, (told,), None, {}, ROWS, broken=broken), 200)
    assert text.count("[red]a[/red] :smile: \\x1b[31m") == 2


def test_a_group_that_is_equal_says_nothing_more(printed):
    text = printed(CheckReport("live", {}, (), None, {}, (row("train/load"),), cases=4))
    assert text.splitlines()[-1].startswith("equal: 4 cases")
    assert "differs" not in text
