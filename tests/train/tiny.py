"""A config of a few convolutions that both sides train in a second."""

from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch
from typer.testing import CliRunner

from parity.cli import app
from parity.live import reference_module
from parity.train.asked import TrainOptions
from parity.train.lockstep import lockstep
from parity.train.loop import Loop
from parity.train.plan import plan_of
from parity.train.settings import read_settings
from parity.train.sides import TrainingSide
from parity.train.whole import for_whole

ITERATIONS = 3
CONFIG = """
norm = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0],
        bgr_to_rgb=True, size=(16, 24), pad_val=0, seg_pad_val=255),
    pretrained='open-mmlab://resnet18_v1c',
    backbone=dict(
        type='ResNet', depth=18, base_channels=4, stem_channels=4, num_stages=1, strides=(1,),
        dilations=(1,), out_indices=(0,), norm_cfg=norm),
    decode_head=dict(
        type='FCNHead', in_channels=4, in_index=0, channels=4, num_convs=1, num_classes=150,
        dropout_ratio=0.1, norm_cfg=norm,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    auxiliary_head=dict(
        type='FCNHead', in_channels=4, in_index=0, channels=4, num_convs=1, num_classes=150,
        concat_input=False, norm_cfg=norm,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='ADE20KDataset', serialize_data=False, data_root='data/missing',
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', reduce_zero_label=True),
            dict(type='RandomResize', scale=(96, 24), ratio_range=(0.5, 2.0), keep_ratio=True),
            dict(type='RandomCrop', crop_size=(16, 24), cat_max_ratio=0.75),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSegInputs')]))
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.01),
    clip_grad=dict(max_norm=0.1), paramwise_cfg=dict(norm_decay_mult=0.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=2),
    dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, begin=2, end=4)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=1, num_workers=0, persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ADE20KDataset', serialize_data=False, data_root='data/missing',
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(48, 24), keep_ratio=True),
            dict(type='LoadAnnotations', reduce_zero_label=True),
            dict(type='PackSegInputs')]))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
default_hooks = dict(param_scheduler=dict(type='ParamSchedulerHook'))
visualizer = dict(
    type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer')
default_scope = 'mmseg'
custom_hooks = [dict(type='EMAHook', momentum=0.1, begin_iter=2)]
log_level = 'ERROR'
"""


def terse():
    """The Runner prints its config five times, in a style that takes longer than to train."""
    return mock.patch("mmengine.config.Config.pretty_text", "")


def parity(*arguments):
    """The command, ended."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def settings(folder: Path, data: Path, *options: str, workers: int = 0, text: str = CONFIG, **more):
    file = folder / "tiny.py"
    file.write_text(text)
    return read_settings(str(file), spare=data, workers=workers, options=options, **more)


def run(given, folder: Path, *, loop=Loop, iters=ITERATIONS, plan=lambda plan: plan, **options):
    """Our side, with `loop` in the place of ours and `plan` changed, beside the Runner."""
    live = reference_module("training_loop")
    common = {"seed": 0, "iters": iters, "device": "cpu"}

    def ours(observe):
        source = live.ReferenceModel(given, "cpu")
        loop(plan(plan_of(given)), source, observe=observe, **common).train()

    def theirs(observe):
        live.train(given, work_dir=folder / "work", observe=observe, **common)

    with terse():
        return lockstep(TrainingSide("ours", ours), TrainingSide("theirs", theirs), **options)


# -- to a score


def options(folder, **changes):
    made = TrainOptions(lockstep=1, iters=4, work_dir=folder, keep=True, interval=2)
    return replace(made, **changes)


def whole(folder, data, *given, workers=0, **changes):
    made = settings(folder, data, *given, workers=workers, validated=True)
    return for_whole(made, 4, 2, **{"shorten": False, "amp": False, **changes})


def weights(folder, iteration=4):
    with reference_module("checkpoints").mmengine_checkpoints():
        content = torch.load(folder / f"iter_{iteration}.pth", weights_only=True)
    return {**content["state_dict"], **content.get("ema_state_dict", {})}


def same(one, other):
    assert list(one) == list(other)
    return all(torch.equal(one[name], other[name]) for name in one)
