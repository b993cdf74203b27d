"""Which package a run was trained with."""

import pytest

from parity.runs import read_run
from parity.runs.config import parse_config
from parity.runs.facts import Fact, Source
from parity.runs.families import scope_of
from tests.runs.builders import CONFIG, STAMP, environment, train_line, write


def config(text):
    return parse_config(text, file="c.py")


@pytest.mark.parametrize(
    ("text", "logger", "expected"),
    [
        ("default_scope = 'mmdet'", "mmengine", "mmdet"),
        ("default_scope = 'mmcls'", "mmengine", "mmpretrain"),
        ("a = 1", "mmpose", "mmpose"),
        ("model = dict(type='EncoderDecoder')", "mmengine", "mmseg"),
        ("model = dict(type='TopdownPoseEstimator')", "mmengine", "mmpose"),
        ("model = dict(type='MaskRCNN')", "", "mmdet"),
        ("model = dict(type='mmrotate.OrientedRCNN')", "mmengine", "mmrotate"),
        ("model = dict(type='ImageClassifier')", "mmcv", "mmpretrain"),
        ("model = dict(type='Mine')", "mmengine", None),
        ("model = 3", "mmengine", None),
    ],
)
def test_by_what_the_run_says(text, logger, expected):
    assert scope_of(config(text), logger, {}).value == expected


def test_by_the_versions_in_the_log():
    versions = {"MMDetection": Fact("2.25.0+", Source("a.log", 9))}
    fact = scope_of(None, "mmcv", versions)
    assert (fact.value, fact.source.line) == ("mmdet", 9)


@pytest.mark.parametrize("name", ["mmdet", "mmpose", "mmrotate", "mmcls", "mmaction", "mmdet3d"])
def test_logs_of_other_packages_are_read(tmp_path, name):
    log = (environment() + train_line(50)).replace(" - mmengine - ", f" - {name} - ")
    run = read_run(write(tmp_path / f"{STAMP}.log", log))
    assert run.curves["loss"].steps.tolist() == [50]
    assert run.settings.scope.value == name.replace("mmcls", "mmpretrain")


def test_nothing_said_nothing_claimed(tmp_path):
    run = read_run(write(tmp_path / f"{STAMP}.log", train_line(50)))
    assert run.settings.scope.value is None
    assert run.settings.scope.note
    write(tmp_path / "vis_data/config.py", f"default_scope = 'mmseg'\n{CONFIG}")
    fact = read_run(tmp_path).settings.scope
    assert (fact.value, fact.source.line) == ("mmseg", 1)
