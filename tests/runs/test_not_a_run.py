"""What is no run, or several, or not there: one error that says what to do."""

import pytest

from parity.errors import FolderOfRuns, RunFormatError
from parity.runs import read_run
from tests.runs.builders import KERNEL, STAMP, train_line, write, write_run

STRAY = {
    "console.out": KERNEL + "\n",
    "table.csv": "step,loss\n1,2\n",
    "notes.log": "nothing of a run\n",
    "old.pth": b"weights",
    "last_checkpoint": "somewhere/iter_1.pth",
    "config.py": "a = 1\n",
}


@pytest.mark.parametrize("stray", [None, *STRAY])
def test_a_folder_of_runs_names_some_of_them(tmp_path, stray):
    for number in range(5):
        write_run(tmp_path / f"run{number}")
    if stray is not None:
        write(tmp_path / stray, STRAY[stray])
    with pytest.raises(FolderOfRuns) as caught:
        read_run(tmp_path)
    told = str(caught.value)
    assert "5 in all" in told
    assert all(str(tmp_path / f"run{number}") in told for number in range(3))
    assert str(tmp_path / "run3") not in told


def test_a_folder_of_runs_of_every_kind(tmp_path):
    write_run(tmp_path / "a")
    write(tmp_path / "b/trainer_state.json", "{}")
    write(tmp_path / "c/version_0/metrics.csv", "epoch,step\n")
    write(tmp_path / "d/log.txt", "")
    write(tmp_path / "d/metrics.json", "")
    with pytest.raises(FolderOfRuns, match="4 in all"):
        read_run(tmp_path)


def test_a_run_with_others_below_it_is_a_run(tmp_path):
    write_run(tmp_path)
    write_run(tmp_path / "ablation/other")
    assert read_run(tmp_path).last.value == 44.0


@pytest.mark.parametrize("name", ["missing.out", "folder"])
def test_a_console_that_cannot_be_read(tmp_path, name):
    write_run(tmp_path / "run")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunFormatError, match=name):
        read_run(tmp_path / "run", console=tmp_path / name)


@pytest.mark.parametrize("file", ["notes.txt", "a.json", "b.csv", "c.log", "d.bin"])
def test_a_file_of_none_of_these(tmp_path, file):
    path = write(tmp_path / file, "just words\n")
    with pytest.raises(RunFormatError):
        read_run(path)


def test_what_is_read_is_listed(tmp_path):
    write(tmp_path / "readme.md", "x")
    with pytest.raises(RunFormatError, match=r"mmengine.*detectron2.*Hugging Face.*Lightning"):
        read_run(tmp_path)


def test_weights_in_a_folder_of_their_own(tmp_path):
    """As `out_dir` of mmengine's CheckpointHook and mmcv's writes them; not those of other runs."""
    write(tmp_path / f"{STAMP}.log", train_line(50))
    for file in ("saved/iter_100.pth", "saved/best_mIoU_iter_50.pth", "saved/notes.pth"):
        write(tmp_path / file, b"")
    write(tmp_path / "other/iter_999.pth", b"")
    write(tmp_path / f"other/{STAMP}.log", train_line(50))
    write(tmp_path / "last_checkpoint", "/elsewhere/saved/iter_200.pth\n")
    run = read_run(tmp_path, checkpoints=False)
    expected = ["saved/best_mIoU_iter_50.pth", "saved/iter_100.pth"]
    assert [item.file for item in run.checkpoints] == expected
    assert run.settings.iterations.value == 100
    assert "'iter_200.pth', which is not in the run" in run.unread[0].reason


@pytest.mark.parametrize("whole", [True, False])
def test_a_folder_of_links_asks_for_the_real_one(tmp_path, whole):
    run = write_run(tmp_path / "run")
    linked = tmp_path / "linked"
    linked.mkdir()
    for item in [run] if whole else run.iterdir():
        (linked / item.name).symlink_to(item)
    with pytest.raises(RunFormatError) as caught:
        read_run(linked)
    told = str(caught.value)
    assert "links out of it are not followed" in told
    assert str(run) in told
    assert told.endswith("give the real directory")
