"""Whole runs, made up as directories."""

import json
import shutil

import pytest
import torch

from parity.errors import RunFormatError
from parity.runs import find_runs, quote, read_run
from parity.runs.facts import Source
from tests.runs.builders import (
    CONFIG,
    LATER,
    REVERTED,
    STAMP,
    assert_evidence_exists,
    environment,
    head,
    train_line,
    train_record,
    val_lines,
    val_record,
    value,
    write,
    write_run,
)
from tests.runs.test_tensorboard import event, record, scalar

NAME = "mask2former_swin-s_8xb2-160k_ade20k-512x512"


def test_a_work_directory_tells_everything(tmp_path):
    run = read_run(write_run(tmp_path / "my_run", log=REVERTED))
    assert run.unread == ()
    assert f"{STAMP}/vis_data/{STAMP}.json" in run.files
    assert (run.name, run.timestamps) == ("my_run", (STAMP,))
    expected = {
        "config_name": NAME,
        "framework": "mmengine 0.10.7",
        "method": "Mask2Former",
        "backbone": "Swin-S",
        "dataset": "ADE20K",
        "dataset_size": 20210,
        "crop_size": (512, 512),
        "iterations": 200,
        "max_iters": 160000,
        "world_size": 1,
        "samples_per_gpu": 2,
        "accumulation": 1,
        "effective_batch": 2,
        "passes": pytest.approx(200 * 2 / 20210),
        "lr_scaling": "off",
        "precision": "float32",
        "pretrained": "swin_small.pth",
        "norms": ("LN", "SyncBN"),
        "sync_bn_reverted": True,
        "test_mode": "whole",
        "test_time_augmentation": "none",
        "signature": "mIoU|ss|whole|ignore=255|reduce0=y|orig-size",
        "seed": 7,
    }
    assert {name: value(run, name) for name in expected} == expected
    assert value(run, "optimizer")["weight_decay"] == 0.05
    assert value(run, "schedule")[0]["power"] == 0.9
    assert value(run, "paramwise") == {"norm_decay_mult": 0.0}
    assert run.curves["loss"].steps.tolist() == [50, 100, 150, 200]
    (score,) = run.scores
    assert (score.value, score.step, score.split) == (44.0, 200, "val")
    assert run.evaluations[0].classes[0].name == "wall"
    assert run.environment["GPU 0"].value == "NVIDIA H100 PCIe"
    assert_evidence_exists(run)
    assert quote(run, run.curves["loss"].source(0)) == train_record(50)
    assert quote(run, Source("none", 1)) == ""


def test_best_and_last_are_not_the_same(tmp_path):
    root = write_run(tmp_path)
    records = [train_record(50), val_record(50, 45.5), train_record(100), val_record(100, 44.0)]
    write(root / STAMP / "vis_data/scalars.json", "\n".join(records))
    (root / STAMP / "vis_data" / f"{STAMP}.json").unlink()
    (root / STAMP / f"{STAMP}.log").unlink()
    run = read_run(root)
    assert (run.best.value, run.best.step) == (45.5, 50)
    assert (run.last.value, run.last.step) == (44.0, 100)


def test_resumed_runs_are_joined_in_time_order(tmp_path):
    root = write_run(tmp_path, steps=range(50, 251, 50), miou=30.0)
    resumed = f"{head()}Load checkpoint from iter_200.pth\n{head()}resumed epoch: 0, iter: 200\n"
    write_run(root, stamp=LATER, steps=range(250, 401, 50), miou=40.0, log=resumed)
    run = read_run(root)
    assert run.timestamps == (STAMP, LATER)
    assert run.curves["loss"].steps.tolist() == list(range(50, 401, 50))
    assert [run.curves["loss"].source(i).file.split("/")[0] for i in (3, 4)] == [STAMP, LATER]
    # The evaluation at 250 was of iterations that the resumption discarded.
    assert [score.step for score in run.scores] == [400]
    assert run.segments[1].resumed_at.value == 200
    assert [load.purpose for load in run.weights] == ["resume"]
    assert run.notes == ()


def test_a_start_from_earlier_weights_is_no_resumption(tmp_path):
    root = write_run(tmp_path, steps=range(50, 201, 50))
    write_run(root, stamp=LATER, log=f"{head()}Load checkpoint from iter_200.pth\n")
    run = read_run(root)
    assert "from the weights of iter_200.pth, without resuming" in run.notes[0]


def test_a_log_alone_gives_curves_and_scores(tmp_path):
    write(tmp_path / STAMP / f"{STAMP}.log", environment() + train_line(50) + val_lines())
    run = read_run(tmp_path)
    assert run.curves["loss"].steps.tolist() == [50]
    assert run.last.step == 50
    assert value(run, "max_iters") == 160000
    assert run.config is None
    assert "no readable config" in run.settings.method.note


def test_the_printed_config_serves_where_none_was_dumped(tmp_path):
    root = write_run(tmp_path)
    (root / STAMP / "vis_data/config.py").unlink()
    (root / f"{NAME}.py").unlink()
    run = read_run(root)
    assert value(run, "method") == "Mask2Former"
    assert run.settings.method.source.file.endswith(".log")
    assert_evidence_exists(run)


def test_a_time_stamped_directory_is_a_run_too(tmp_path):
    run = read_run(write_run(tmp_path) / STAMP)
    assert run.timestamps == (STAMP,)
    assert value(run, "backbone") == "Swin-S"


def test_checkpoints_and_which_are_opened(tmp_path):
    root = write_run(tmp_path)
    for name in ("iter_100.pth", "iter_200.pth", "best_mIoU_iter_100.pth"):
        document = {"state_dict": {"a": torch.ones(2)}, "meta": {"iter": 1}}
        torch.save(document, root / name)
    write(root / "last_checkpoint", "/some/other/machine/iter_200.pth")
    run = read_run(root)
    assert [(item.file, item.kind, item.step) for item in run.checkpoints] == [
        ("best_mIoU_iter_100.pth", "best", 100),
        ("iter_100.pth", "iter", 100),
        ("iter_200.pth", "iter", 200),
    ]
    assert [item.content is not None for item in run.checkpoints] == [True, False, True]
    assert run.unread == ()
    assert not any(item.content for item in read_run(root, checkpoints=False).checkpoints)
    write(root / "last_checkpoint", "iter_300.pth")
    assert "not in the run" in read_run(root).unread[0].reason


def test_training_by_epoch(tmp_path):
    config = CONFIG.replace("max_iters=160000", "max_epochs=3").replace("IterBased", "EpochBased")
    line = "{}Epoch(train)  [{}][10/27]  lr: 1.0e-02  loss: 1.5\n"
    log = "".join(line.format(head(), epoch) for epoch in (1, 2))
    write(tmp_path / STAMP / f"{STAMP}.log", environment(gpus=4) + log)
    write(tmp_path / STAMP / "vis_data/config.py", config)
    run = read_run(tmp_path)
    assert run.curves["loss"].steps.tolist() == [10, 37]
    assert value(run, "max_iters") == 81
    # 27 batches of 4 x 2: the log itself tells the size of the data set.
    assert value(run, "dataset_size") == 216
    assert "at most" in run.settings.dataset_size.note


def test_a_test_afterwards_leaves_training_as_it_was(tmp_path):
    root = write_run(tmp_path)
    load = f"{head()}Load checkpoint from work/iter_200.pth\n"
    tested = environment() + load + val_lines(45.5).replace("Iter(val)", "Iter(test)")
    write(root / LATER / f"{LATER}.log", tested)
    write(root / LATER / f"{LATER}.json", '{"aAcc": 80.1234, "mIoU": 45.5, "mAcc": 55.0}')
    run = read_run(root)
    expected = [("val", 44.0, 200), ("test", 45.5, 200)]
    assert [(s.split, s.value, s.step) for s in run.scores] == expected
    assert (run.last.value, run.best.value) == (44.0, 44.0)
    assert value(run, "iterations") == 200
    assert run.config is run.segments[0].config
    assert run.notes == ()


def test_logs_of_other_ranks_give_only_their_messages(tmp_path):
    root = write_run(tmp_path)
    other = train_line(77) + f"{head('ERROR')}rank 1 lost its connection\n"
    write(root / STAMP / f"{STAMP}_host_device1_rank1.log", other)
    run = read_run(root)
    assert 77 not in run.curves["loss"].steps
    assert [message.kind for message in run.messages] == ["ERROR"]


def test_event_files_fill_what_is_missing(tmp_path):
    root = write_run(tmp_path)
    records = [record(event(step, scalar("loss", 9.0))) for step in (200, 250)]
    write(root / STAMP / "vis_data/events.out.tfevents.1", b"".join(records))
    run = read_run(root)
    assert run.curves["loss"].steps.tolist() == [50, 100, 150, 200, 250]
    assert run.curves["loss"].values[-2:].tolist() == [30.0, 9.0]
    assert run.curves["loss"].source(-1).file.endswith("tfevents.1")


def test_more_iterations_are_known_from_a_checkpoint(tmp_path):
    root = write_run(tmp_path)
    torch.save({"a": torch.ones(2)}, root / "iter_5000.pth")
    fact = read_run(root).settings.iterations
    assert (fact.value, fact.source.file) == (5000, "iter_5000.pth")


def test_a_table_of_another_program(tmp_path):
    stated = {"method": "Mask2Former", "samples_per_gpu": 2, "world_size": 1, "accumulation": 1}
    records = [{"step": 100, "loss": 3.0}, {"step": 100, "mIoU": 44.0}]
    path = write(tmp_path / "run.json", json.dumps({"run": stated, "records": records}))
    for given in (path, tmp_path):
        run = read_run(given)
        assert (run.last.value, value(run, "effective_batch")) == (44.0, 2)
        assert run.settings.method.note == "stated in the table"
        assert run.settings.method.source.file == "run.json"
    assert read_run(write(tmp_path / "a.csv", "step,loss,mIoU\n5,1,40\n")).last.value == 40


def test_an_evaluation_on_a_part_leaves_the_size_of_the_data_set_open(tmp_path):
    root = write_run(tmp_path)
    text = (root / STAMP / f"{STAMP}.log").read_text().replace("2000", "32")
    write(root / STAMP / f"{STAMP}.log", text)
    fact = read_run(root).settings.dataset_size
    assert fact.value is None
    assert "32 batches" in fact.note


def test_runs_below_a_directory(tmp_path):
    for name in ("b", "a/deep"):
        write_run(tmp_path / name)
    write(tmp_path / "c/readme.txt", "no run")
    assert list(find_runs(tmp_path)) == [tmp_path / "a/deep", tmp_path / "b"]
    with pytest.raises(RunFormatError, match=r"there are runs below it.*deep"):
        read_run(tmp_path)


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_what_is_no_run_says_so(tmp_path, what):
    write(tmp_path / "folder/readme.txt", "x")
    with pytest.raises(RunFormatError, match="give a work directory"):
        read_run(tmp_path / what)


def test_a_start_whose_folder_was_renamed_is_read_whole(tmp_path):
    write_run(tmp_path / "made")
    shutil.copytree(tmp_path / "made" / STAMP, tmp_path / "renamed")
    run = read_run(tmp_path / "renamed")
    assert run.timestamps == (STAMP,)
    assert run.curves["loss"].source(0).file == "vis_data/scalars.json"
    assert run.settings.method.source.file == "vis_data/config.py"
