"""Runs that were really trained: the shipped ones, and one trained here."""

import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from parity.fixtures import inputs_root
from parity.runs import find_runs, read_run
from tests.runs.builders import (
    assert_evidence_exists,
    write,
)

RUNS = inputs_root().parent / "runs"


def kept_runs():
    return sorted(find_runs(RUNS)) if RUNS.is_dir() else []


@pytest.mark.parametrize("path", kept_runs(), ids=lambda path: path.name)
def test_the_shipped_runs_are_read_whole_with_evidence_that_exists(path):
    run = read_run(path)
    assert_evidence_exists(run)
    assert run.last is not None
    assert run.last.signature == "mIoU|ss|whole|ignore=255|reduce0=y|orig-size"
    assert math.isfinite(run.curves["loss"].values[-1])
    assert run.settings.framework.value == "mmengine 0.10.7"
    assert run.unread == ()


TRAIN = """
import sys
from reference.compat import load_reference
load_reference()
from mmengine.config import Config
from mmengine.runner import Runner
Runner.from_cfg(Config.fromfile(sys.argv[1])).train()
"""


TINY = """
default_scope = 'mmseg'
norm_cfg = dict(type='SyncBN', requires_grad=True)
crop_size = (32, 32)
load = [dict(type='LoadImageFromFile')]
labels = [dict(type='LoadAnnotations')]
pack = [dict(type='PackSegInputs')]
dataset = dict(type='ADE20KDataset', data_root='{root}', data_prefix=dict(
    img_path='images/validation', seg_map_path='annotations/validation'))
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size=crop_size),
    backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, norm_cfg=norm_cfg),
    decode_head=dict(type='FCNHead', in_channels=64, in_index=3, channels=8, num_convs=1,
        num_classes=255, norm_cfg=norm_cfg, concat_input=False, align_corners=False),
    test_cfg=dict(mode='whole'))
train_dataloader = dict(batch_size=2, num_workers=0, sampler=dict(type='InfiniteSampler'),
    dataset=dict(pipeline=[*load, *labels, dict(type='RandomCrop', crop_size=crop_size), *pack],
        **dataset))
val_dataloader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler',
    shuffle=False), dataset=dict(pipeline=[*load, *labels, *pack], **dataset))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=4, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
val_cfg = dict(type='ValLoop')
default_hooks = dict(logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2, save_best='mIoU'))
log_processor = dict(by_epoch=False)
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=5)
work_dir = '{work}'
"""


@pytest.mark.live
def test_a_run_trained_now_by_mmengine(tmp_path):
    config = TINY.replace("{root}", str(inputs_root())).replace("{work}", str(tmp_path / "run"))
    path = write(tmp_path / "tiny_fcn.py", config)
    command = [sys.executable, "-c", TRAIN, str(path)]
    done = subprocess.run(
        command, capture_output=True, timeout=300, cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    console = write(tmp_path / "console.out", done.stdout + done.stderr)
    run = read_run(tmp_path / "run", console=console)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    assert run.unread == ()
    assert run.notes == ()
    assert run.curves["loss"].steps.tolist() == [1, 2, 3, 4]
    assert [score.step for score in run.scores] == [2, 4]
    assert run.settings.config_name.value == "tiny_fcn"
    assert run.settings.sync_bn_reverted.value is True
    assert run.settings.crop_size.value == (32, 32)
    assert run.settings.seed.value == 5
    assert run.settings.pretrained.value == "none"
    last = next(item for item in run.checkpoints if item.file == "iter_4.pth")
    trained = torch.load(tmp_path / "run/iter_4.pth", weights_only=False)
    assert set(last.content.tensors) == set(trained["state_dict"])
    assert last.content.meta["iter"] == 4
    assert last.content.param_groups[0]["initial_lr"] == 0.01
    # Lines that only the console has are quoted from it: it lies outside of the run.
    assert_evidence_exists(read_run(tmp_path / "run"))
