"""Runs of mmseg 0.x tell as much as those of 1.x."""

import json
import math

import pytest

from parity.runs import read_run
from tests.runs import legacy
from tests.runs.builders import (
    STAMP,
    assert_evidence_exists,
    value,
    write,
)
from tests.runs.legacy import CONFIG, HEAD, NAME, WEIGHTS, write_legacy

EXPECTED = {
    "config_name": NAME,
    "framework": "mmcv 1.6.2",
    "scope": "mmseg",
    "method": "UPerNet",
    "dataset": "ADE20K",
    "world_size": 4,
    "samples_per_gpu": 4,
    "accumulation": 2,
    "effective_batch": 32,
    "max_iters": 160000,
    "iterations": 16000,
    "pretrained": WEIGHTS,
}


def test_a_work_directory_tells_everything(tmp_path):
    run = read_run(write_legacy(tmp_path))
    assert run.unread == ()
    assert {name: value(run, name) for name in EXPECTED} == EXPECTED
    assert (value(run, "loaded_images"), value(run, "dataset_size")) == (20210, 20210)
    assert run.environment["GPU 0,1,2,3"].value == "NVIDIA GeForce RTX 3090"
    (evaluation,) = run.evaluations
    assert (evaluation.step, evaluation.samples) == (16000, 500)
    assert evaluation.metrics["mIoU"] == pytest.approx(40)
    assert_evidence_exists(run)


@pytest.mark.parametrize("kept", [".log", ".log.json"])
def test_either_file_alone_is_enough(tmp_path, kept):
    text = legacy.log() if kept == ".log" else legacy.records()
    run = read_run(write(tmp_path / "w" / f"{STAMP}{kept}", text).parent)
    found = {name: value(run, name) for name in EXPECTED}
    # JSON names no logger, and its environment gives the version instead.
    assert found == EXPECTED
    assert run.evaluations[0].samples == 500
    assert "CUDA Runtime 11.3" in run.environment["PyTorch compiling details"].value
    assert_evidence_exists(run)


def test_what_the_header_of_the_json_says_is_in_its_first_line(tmp_path):
    run = read_run(write(tmp_path / f"{STAMP}.log.json", legacy.records()))
    place = run.config.source("model", "backbone", "depth")
    assert (place.file, place.line) == (f"{STAMP}.log.json", 1)
    assert run.environment["GPU 0,1,2,3"].source.line == 1
    assert run.settings.world_size.source.line == 1


def test_weights_that_initialize_a_backbone_are_loads(tmp_path):
    said = f"{HEAD}initialize ResNetV1c with init_cfg {{'type': 'Pretrained', 'checkpoint': "
    said = f"{said}'{WEIGHTS}'}}\n"
    fetched = f"{HEAD}load model from: {WEIGHTS}\n"
    fetched += f"{HEAD}load checkpoint from openmmlab path: {WEIGHTS}\n"
    for extra in (said, said + fetched, legacy.INITIALIZED, said + fetched + legacy.INITIALIZED):
        run = read_run(write_legacy(tmp_path, text=legacy.log(extra=extra)))
        assert [(load.path, load.purpose) for load in run.weights] == [(WEIGHTS, "init")]
        assert_evidence_exists(run)


def test_weights_to_go_on_from_are_no_initialization(tmp_path):
    extra = f"{HEAD}load checkpoint from a.pth\n{HEAD}load checkpoint from local path: a.pth\n"
    run = read_run(write_legacy(tmp_path, text=legacy.log(extra=extra)))
    assert [(load.path, load.purpose) for load in run.weights] == [("a.pth", "load")]


@pytest.mark.parametrize(
    ("distributed", "gpus", "expected", "word"),
    [
        (True, "gpu_ids = range(0, 8)", 8, "length of gpu_ids"),
        (True, "gpu_ids = [0, 1]", 2, "length of gpu_ids"),
        (True, "", 4, "4 GPUs were visible"),
        (False, "", 1, "not distributed"),
    ],
)
def test_how_many_processes(tmp_path, distributed, gpus, expected, word):
    config = CONFIG.replace("gpu_ids = range(0, 4)", gpus)
    write(tmp_path / f"{STAMP}.log", legacy.log(config=config, distributed=distributed))
    fact = read_run(tmp_path).settings.world_size
    assert fact.value == expected
    assert word in fact.note


def test_the_iterations_of_early_versions(tmp_path):
    config = CONFIG.replace("runner = dict(type='IterBasedRunner', max_iters=160000)", "")
    config += "total_iters = 40000\n"
    assert value(read_run(write_legacy(tmp_path, config=config)), "max_iters") == 40000


def test_early_versions_wrote_the_iteration_where_later_ones_write_the_count(tmp_path):
    log = legacy.log(evaluation=f"Iter(val) [16000]\t{legacy.SCORES}")
    write_legacy(tmp_path, text=log, json_lines=legacy.records(evaluation=16000))
    (evaluation,) = read_run(tmp_path).evaluations
    assert (evaluation.step, evaluation.samples) == (16000, None)


def test_a_count_that_grows_is_the_iteration(tmp_path):
    line = "{}Iter(val) [{}]\tmIoU: 0.4{}00\n"
    text = "".join(line.format(HEAD, step, step // 8000) for step in (8000, 16000, 24000))
    run = read_run(write(tmp_path / f"{STAMP}.log", text))
    assert [(e.step, e.samples) for e in run.evaluations] == [
        (step, None) for step in (8000, 16000, 24000)
    ]


def test_a_class_without_pixels_stays_not_a_number(tmp_path):
    run = read_run(write_legacy(tmp_path))
    (evaluation,) = run.evaluations
    assert [item.name for item in evaluation.classes] == ["wall", "crt screen"]
    assert math.isnan(evaluation.classes[1].iou)


def test_rates_of_several_optimizers(tmp_path):
    record = {"mode": "train", "epoch": 1, "iter": 50, "lr": {"head": 0.1, "backbone": 0.01}}
    run = read_run(write(tmp_path / f"{STAMP}.log.json", json.dumps({**record, "loss": 1.0})))
    assert run.curves["lr_head"].values.tolist() == [0.1]
    assert run.curves["lr_backbone"].values.tolist() == [0.01]


def test_iterations_within_epochs_are_not_taken_for_others(tmp_path):
    """By epoch, the JSON counts anew in each; the log beside it gives the length of one."""
    lines = [
        {"mode": "train", "epoch": epoch, "iter": at, "lr": 0.01, "loss": 1.0 / epoch}
        for epoch in (1, 2)
        for at in (50, 100)
    ]
    text = "".join(
        f"{HEAD}Epoch [{r['epoch']}][{r['iter']}/120]\tlr: 0.01, loss: {r['loss']}\n" for r in lines
    )
    write(tmp_path / f"{STAMP}.log.json", "\n".join(map(json.dumps, lines)))
    write(tmp_path / f"{STAMP}.log", text)
    run = read_run(tmp_path)
    assert run.curves["loss"].steps.tolist() == [50, 100, 170, 220]
    assert "count within epochs" in run.unread[0].reason


def test_mmcv_0x(tmp_path):
    start = "2021-05-01 12:00:00,123 - mmseg - INFO - "
    config = (
        "model = dict(type='EncoderDecoder', backbone=dict(type='ResNetV1c', depth=50, "
        "strides=(1, 2, 1, 1), norm_cfg=dict(type='SyncBN')), "
        "decode_head=dict(type='PSPHead'), test_cfg=dict(mode='whole'))\n"
        "data = dict(samples_per_gpu=2, train=dict(type='ADE20KDataset', pipeline=[]), "
        "val=dict(type='ADE20KDataset', pipeline=[dict(type='MultiScaleFlipAug', flip=False, "
        "transforms=[dict(type='Resize')])]))\n"
        "optimizer = dict(type='SGD', lr=0.01)\nlr_config = dict(policy='poly')\n"
        "runner = dict(type='IterBasedRunner', max_iters=80000)\ngpu_ids = range(0, 4)\n"
    )
    log = (
        f"{start}Environment info:\n{'-' * 60}\nsys.platform: linux\nMMCV: 1.7.0\n{'-' * 60}\n"
        f"{start}Loaded 20210 images\n"
        f"{start}Iter [50/80000]\tlr: 1.000e-02, loss: 3.0\n"
    )
    records = [
        {"env_info": "MMCV: 1.7.0", "config": config, "seed": 1},
        {"mode": "train", "epoch": 1, "iter": 50, "lr": 0.01, "loss": 3.0},
        {"mode": "val", "epoch": 1, "iter": 2000, "mIoU": 0.4254},
    ]
    write(tmp_path / f"{STAMP}.log", log)
    write(tmp_path / f"{STAMP}.log.json", "\n".join(map(json.dumps, records)))
    write(tmp_path / "pspnet_r50-d8_512x512_80k_ade20k.py", config)
    run = read_run(tmp_path)
    assert run.unread == ()
    expected = {
        "framework": "mmcv 1.7.0",
        "method": "PSPNet",
        "backbone": "R-50-D8",
        "dataset_size": 20210,
        "world_size": 4,
        "effective_batch": 8,
        "max_iters": 80000,
        "seed": 1,
        "signature": "mIoU|ss|whole|ignore=255|reduce0=y|orig-size",
        "config_name": "pspnet_r50-d8_512x512_80k_ade20k",
    }
    assert {name: value(run, name) for name in expected} == expected
    assert (run.last.value, run.last.step) == (pytest.approx(42.54), 50)
    assert_evidence_exists(run)
