"""Configs as people edit them, each checked by one command."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.steps import warp
from parity.suspects.mistake import bound, places_of

CONFIGS = Path(__file__).with_name("users")
# Of each, what is said not to be compared.
SAID = {
    "old_style": (),
    "mixed": ("Albu in train", "mixed.py:"),
    "scheduled": ("the length of an epoch", "made up"),
}
pytestmark = pytest.mark.live


def checked(name, tmp_path, *steps, seeds="0:1"):
    config = tmp_path / f"{name}.py"
    shutil.copy(CONFIGS / f"{name}.config", config)
    options = ["--seeds", seeds, "--jobs", "1", "-v", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["check", *steps, "--config", str(config), *options])
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize("name", SAID)
def test_a_user_s_config(name, tmp_path):
    code, told = checked(name, tmp_path)
    assert code == 0, told
    assert " 0 different" in told
    assert [words for words in SAID[name] if words not in told] == []
    for step in ("collate", "loss", "infer", "iou", "schedule", "optim_groups"):
        assert f"/{step} equal" in told, step


def test_a_mistake_in_an_added_step_is_placed(tmp_path):
    rotate = warp.rotate
    with bound(places_of(rotate), lambda array, angle, **rest: rotate(array, -angle, **rest)):
        code, told = checked("mixed", tmp_path, "rotate", seeds="0:2")
    assert code == 1
    assert "train/rotate differs" in told
