"""A few configs of the zoo, others every day, equal in every stage that has steps here."""

from datetime import datetime, timezone

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.compare import Verdict
from parity.coverage.page import page
from parity.coverage.stages import DAYS, ORDER, Stages, config_files, stages_of_files
from parity.errors import InputError


@pytest.mark.live
@pytest.mark.filterwarnings("ignore")
def test_todays_sample():
    """A thirtieth of all configs a day, so that a month has seen them all."""
    today = datetime.now(timezone.utc).date().toordinal()
    for found in stages_of_files(config_files(day=today)):
        assert found.different == [], found.name
        assert Verdict.EQUAL in found.verdicts.values(), found.name


@pytest.mark.live
def test_days_share_all_configs():
    days = [config_files(day=day) for day in range(DAYS)]
    assert sorted(path for one in days for path in one) == config_files()


def test_no_such_config_or_stage():
    with pytest.raises(InputError, match="no config"):
        config_files("no_such_*")
    result = CliRunner().invoke(app, ["coverage", "--stage", "loss"])
    assert "no stage loss" in str(result.exception)


def test_page():
    rows = [
        Stages("a_ade20k", dict.fromkeys(ORDER, Verdict.EQUAL)),
        Stages("b", {"metric": Verdict.DIFFERENT}, ["iou: 1 is 2"], ["Mine in train"]),
    ]
    text = page(rows, "1.2.2")
    assert "| metric | 1 | 1 | 0 |" in text
    assert "| data | 1 | 0 | 1 |" in text
    assert "| Mine in train | 1 | b |" in text
    assert "- b: iou: 1 is 2" in text
