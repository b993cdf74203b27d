"""The pytest plugin in a repository that uses it, and in one that does not."""

import os
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import parity
from parity.testing import assert_parity

FOREIGN = """
import sys

def test_untouched():
    heavy = {"torch", "cv2", "hypothesis", "pandas", "parity.testing"} & set(sys.modules)
    assert not heavy
"""

USING = """
from parity.steps.crop import crop_sample

def test_right(parity_check):
    parity_check("crop", crop_sample, seeds=range(3))

def test_wrong(parity_check):
    parity_check("crop", lambda sample, rng, **options: None, seeds=range(3))

def test_unknown(parity_check):
    parity_check("krop", crop_sample)
"""


@pytest.fixture
def foreign(tmp_path):
    """A repository of somebody else, with this package installed as an entry point."""
    info = tmp_path / "site" / "mmseg_parity_plugin-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mmseg-parity-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pytest11]\nmmseg-parity = parity.pytest_fixtures\n")
    repository = tmp_path / "repository"
    repository.mkdir()

    def run(content, *arguments):
        (repository / "test_a.py").write_text(content)
        roots = [str(tmp_path / "site"), str(Path(parity.__file__).parent.parent)]
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=repository,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
            check=False,
        )

    return run


def test_plugin_is_silent_and_cheap(foreign):
    done = foreign(FOREIGN, "--strict-markers", "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parity" not in done.stdout.replace("mmseg-parity-plugin-1", "").replace(
        "plugins:", ""
    ).replace("hypothesis", "").replace("repository", "")


def test_fixture(foreign, tmp_path):
    done = foreign(USING, "--parity-recorded", "--parity-examples", str(tmp_path / "found"))
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "crop differs from the steps of mmseg-parity in 6 of 6 cases" in done.stdout
    assert (tmp_path / "found" / "test_wrong" / "train-crop" / "reproduce.py").is_file()
    places = re.findall(r"^(\S+\.py):\d+:", done.stdout, flags=re.MULTILINE)
    assert set(places) == {"test_a.py"}, done.stdout


MINE = """
import numpy as np
from parity.steps import photometric as ours

def photometric(image, rng):
    done = ours.photometric(image, ours.draw_photometric(rng))
    done[0, 0] = np.where(done[0, 0] < 255, done[0, 0] + {more}, 255 - {more})
    return done
"""
GATE = """
[tool.parity]
candidate = "mine.py"
seeds = "0:3"

[[tool.parity.accepted]]
step = "photometric"
max_abs = 1
reason = "a grey level in the corner"
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (1, ""),
        (2, "beyond what is accepted (by at most 1)"),
        (0, "photometric no longer differs from the steps of mmseg-parity as is accepted"),
    ],
)
def test_the_settings_of_the_repository_count(tmp_path, monkeypatch, more, told):
    (tmp_path / "pyproject.toml").write_text(GATE)
    (tmp_path / "mine.py").write_text(MINE.format(more=more))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(AssertionError, match=re.escape(told)) if told else nullcontext():
        assert_parity("photometric", diagnose=None, live=False)


def test_options_exclude_each_other(foreign):
    done = foreign(FOREIGN, "--parity-live", "--parity-recorded")
    assert done.returncode == 4
    assert "exclude each other" in done.stderr
