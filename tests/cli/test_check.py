import json
import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.fixtures import inputs_root
from parity.probes.catalogue import DATA_PROBES, PROBES
from parity.report.json import read_report
from tests.cli.support import run as parity

RUNNER = CliRunner()
# A multiple of ten, so that the loss is computed, on the built-in image with labels 254 and 255.
SEED_OF_STRANGE_LABELS = 60
DATA_STEPS = ["load", "resize", "crop", "flip", "photometric"]


@pytest.fixture
def data_root(tmp_path):
    """One usable pair of a training split; tests break it."""
    for kind, suffix in (("images", ".jpg"), ("annotations", ".png")):
        folder = tmp_path / kind / "training"
        folder.mkdir(parents=True)
        shutil.copy(
            inputs_root() / kind / "validation" / f"odd_37x53{suffix}", folder / f"a{suffix}"
        )
    return tmp_path


def image(root):
    return root / "images" / "training" / "a.jpg"


def label(root):
    return root / "annotations" / "training" / "a.png"


def make_directory(path):
    path.unlink()
    path.mkdir()


def other_size(root):
    shutil.copy(inputs_root() / "annotations" / "validation" / "wide_21x160.png", label(root))


BROKEN = {
    "truncated image": (
        lambda r: image(r).write_bytes(image(r).read_bytes()[:900]),
        "truncated",
        image,
    ),
    "empty image": (lambda r: image(r).write_bytes(b""), "empty", image),
    "image that is text": (lambda r: image(r).write_text("hello"), "not an image", image),
    "missing label": (lambda r: label(r).unlink(), "no such file", label),
    "empty label": (lambda r: label(r).write_bytes(b""), "empty", label),
    "truncated label": (
        lambda r: label(r).write_bytes(label(r).read_bytes()[:-20]),
        "truncated",
        label,
    ),
    "label of another size": (other_size, "has shape", label),
    "label is a directory": (lambda r: make_directory(label(r)), "is a directory", label),
}


@pytest.mark.live
@pytest.mark.parametrize(("damage", "message", "path"), BROKEN.values(), ids=BROKEN)
def test_broken_input_is_named_and_stops_nothing(data_root, damage, message, path):
    damage(data_root)
    result = RUNNER.invoke(
        app,
        ["check", *DATA_STEPS, "--data", str(data_root), "--seeds", "0:8", "--jobs", "1"],
        env={"COLUMNS": "300"},
    )
    assert result.exit_code == 2, result.output
    lines = [line for line in result.output.splitlines() if line.startswith("broken input")]
    assert len(lines) == 1
    assert str(path(data_root)) in lines[0]
    assert message in lines[0]
    assert "0 different, 1 broken inputs" in result.output


@pytest.mark.live
def test_unreadable_file(data_root):
    image(data_root).chmod(0)
    if os.geteuid() == 0:  # root reads everything; become nobody for the check
        for folder in (data_root, *data_root.rglob("*")):
            if folder.is_dir():
                folder.chmod(0o755)
        parents = [parent for parent in data_root.parents if parent.stat().st_mode & 0o005 != 0o005]
        if [parent for parent in parents if parent != Path("/")]:
            for parent in parents:
                parent.chmod(0o755)
        os.seteuid(65534)
    try:
        from parity.errors import InputError
        from parity.steps.load import load_image

        with pytest.raises(InputError, match="no permission"):
            load_image(image(data_root))
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


@pytest.mark.live
def test_equal(tmp_path):
    result = parity(
        "check",
        *DATA_STEPS,
        *("--seeds", "0:3", "--jobs", 1, "--out", tmp_path, "--json", tmp_path / "x.json"),
    )
    assert result.returncode == 0, result.stderr
    assert "equal: 63 cases, 0 different, 0 broken inputs (live reference)" in result.stdout
    document = json.loads((tmp_path / "report.json").read_text())
    assert (document["format"], document["verdict"]) == (2, "equal")
    assert document["cases_total"] == 63
    assert {row["step"] for row in document["steps"]} >= {"load", "resize", "crop", "flip"}
    assert (tmp_path / "x.json").read_bytes() == (tmp_path / "report.json").read_bytes()
    assert (tmp_path / "report.md").read_text().startswith("# Parity: equal\n")


def without_run_block(text):
    """`text` without the one block that holds times and paths, which must be there."""
    shorter = re.sub(
        r'"run": \{.*?\n \}|<!-- run: times and paths -->.*?<!-- end of run -->',
        "",
        text,
        flags=re.S,
    )
    assert shorter != text
    return shorter


@pytest.mark.live
def test_same_seeds_same_bytes(tmp_path):
    for name in ("a", "b"):
        assert (
            parity("check", "--seeds", "0:2", "--jobs", 1, "--out", tmp_path / name).returncode == 0
        )
    for name in ("report.json", "report.md"):
        one, other = (without_run_block((tmp_path / folder / name).read_text()) for folder in "ab")
        assert one == other


def test_recorded():
    result = parity("check", "--recorded")
    assert result.returncode == 0, result.stderr
    assert "(recorded reference)" in result.stdout
    assert "not with live mmsegmentation" in result.stdout


def test_only_some_steps():
    result = parity("check", "crop", "load", "--recorded", "-v")
    assert result.returncode == 0
    assert "load_annotation" in result.stdout
    assert "crop" in result.stdout
    assert "photometric" not in result.stdout


@pytest.mark.live
def test_a_mistake_in_our_own_step_is_shown_and_made_small(monkeypatch, tmp_path):
    """No suspect of a step that is wrong itself can be told from it, so that none is named."""
    from parity.steps import crop

    monkeypatch.setattr(crop, "MAX_TRIES", 0)
    result = RUNNER.invoke(
        app,
        ["check", "crop", "flip", "--seeds", "0:14", "--jobs", "1", "--out", str(tmp_path)],
        env={"COLUMNS": "300"},
    )
    assert result.exit_code == 1
    assert "train/crop diagnosis: No known mistake explains it" in result.output
    report = read_report(tmp_path / "report.json")
    steps = {step.step: step for step in report.steps}
    assert (steps["crop"].enters, steps["flip"].enters) == (True, False)
    assert not steps["flip"].diagnosis.text
    for step, chained in (("crop", False), ("flip", True)):
        first = report.exhibits[steps[step].exhibits[0]]
        assert first.facts.chained is chained
        assert first.pictures
    # A page that names no machine but in its run block, where the examples are.
    assert set(report.run.minimal) == {"train/crop", "crop/crop_windows"}
    page = Path(report.run.minimal["train/crop"])
    assert page == tmp_path / "examples" / "train-crop" / "README.md"
    assert "differs" in page.read_text() or "different" in page.read_text()
    assert str(tmp_path) not in without_run_block((tmp_path / "report.md").read_text())


def test_diagnosis_against_the_recording(monkeypatch, tmp_path):
    from parity.steps import crop

    monkeypatch.setattr(crop, "MAX_TRIES", 0)
    result = RUNNER.invoke(app, ["check", "crop", "--recorded", "--out", str(tmp_path)])
    assert result.exit_code == 1, result.output
    report = read_report(tmp_path / "report.json")
    [step] = [step for step in report.steps if step.failed]
    assert step.diagnosis.text
    assert step.exhibits
    assert report.run.minimal == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "krop"], "no step krop"),
        (["check", "--seeds", "9"], "A:B"),
        (["check", "--seeds", "5:5"], "A < B"),
        (["check", "--seeds", "-1:5"], "A:B"),
        (["check", "--data", "/nowhere"], "/nowhere"),
        (["check", "--data", "/etc"], "/etc: holds neither"),
        (["check", "--jobs", "0"], "jobs"),
        (["check", "--recorded", "--data", "."], "recorded"),
        (["check", "--nonsense"], "nonsense"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage(arguments, message):
    result = parity(*arguments)
    assert result.returncode == 2, result.stdout
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["record", "--help"], ["--version"]]
)
def test_help(arguments):
    result = parity(*arguments)
    assert result.returncode == 0
    assert result.stdout.strip()


@pytest.mark.live
def test_whole_chain_and_probes():
    result = parity("check", "--seeds", "0:1", "-v")
    assert result.returncode == 0, result.stderr
    for name in ("train", "val", "loss_dice", "postprocess", "optim_train", "deform_attn"):
        assert name in result.stdout
    # A sample, 7 validation images, the model side; data steps and 32 loads by themselves.
    assert f"equal: {1 + 7 + len(PROBES) + len(DATA_PROBES) + 32} cases" in result.stdout


@pytest.mark.live
def test_what_both_refuse_is_said():
    """The loss of a label outside the classes, which neither side can take."""
    seeds = f"{SEED_OF_STRANGE_LABELS}:{SEED_OF_STRANGE_LABELS + 1}"
    result = parity("check", "loss", "--seeds", seeds, "-v")
    assert result.returncode == 0, result.stderr
    assert "train/loss 1 not compared, first: train/wide_21x160.jpg" in result.stdout
    assert "both raise" in result.stdout
    assert "not exercised: 1 (train/loss)" in result.stdout


def test_device_that_is_not_there():
    result = parity("check", "--device", "nonsense")
    assert result.returncode == 2
    assert result.stderr.startswith("error: device 'nonsense' cannot be used")


@pytest.mark.live
def test_other_device_runs_the_reference_twice():
    """cpu:0 is the CPU under another name, so nothing is unstable there."""
    result = parity("check", "loss_ce", "deform_attn", "--device", "cpu:0", "--seeds", "0:3")
    assert result.returncode == 0, result.stderr
    assert "(live, on cpu:0 reference)" in result.stdout
    assert "differs from itself" not in result.stdout


def test_report_that_cannot_be_written():
    result = parity("check", "--recorded", "--json", "/proc/nowhere/x.json")
    assert result.returncode == 2
    assert "/proc/nowhere/x.json: cannot be written" in result.stderr
