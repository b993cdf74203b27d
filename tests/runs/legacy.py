"""A work directory of mmseg 0.x (mmcv 1.x), made up line by line."""

import json

from tests.runs.builders import STAMP, write

HEAD = "2022-10-17 15:50:41,123 - mmseg - INFO - "
NAME = "upernet_r50_512x512_160k_ade20k"
WEIGHTS = "open-mmlab://resnet50_v1c"
CONFIG = """\
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    pretrained=None,
    backbone=dict(type='ResNetV1c', depth=50, strides=(1, 2, 2, 2), norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c')),
    decode_head=dict(type='UPerHead', num_classes=150),
    test_cfg=dict(mode='whole'))
data = dict(
    samples_per_gpu=4,
    train=dict(type='ADE20KDataset', img_dir='images/training', pipeline=[]),
    val=dict(type='ADE20KDataset', img_dir='images/validation', pipeline=[]))
optimizer = dict(type='SGD', lr=0.01, momentum=0.9)
optimizer_config = dict(type='GradientCumulativeOptimizerHook', cumulative_iters=2)
lr_config = dict(policy='poly', power=0.9, min_lr=0.0001, by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=160000)
gpu_ids = range(0, 4)
seed = 0
"""
ENVIRONMENT = """\
sys.platform: linux
Python: 3.8.11 (default, Jun  9 2022, 23:46:41) [GCC 7.5.0]
GPU 0,1,2,3: NVIDIA GeForce RTX 3090
PyTorch: 1.11.0+cu113
PyTorch compiling details: PyTorch built with:
  - GCC 7.3
  - CUDA Runtime 11.3

MMCV: 1.6.2
MMSegmentation: 0.29.0+"""
INITIALIZED = f"""\
Name of parameter - Initialization information

backbone.stem.0.weight - torch.Size([32, 3, 3, 3]):\x20
PretrainedInit: load from {WEIGHTS}\x20

decode_head.conv_seg.weight - torch.Size([150, 512, 1, 1]):\x20
NormalInit: mean=0, std=0.01, bias=0\x20
"""
SCORES = "aAcc: 0.8021, mIoU: 0.4000, mAcc: 0.5244, IoU.wall: 0.7287, IoU.crt screen: nan"


def log(*, config=CONFIG, distributed=True, extra="", evaluation=f"Iter(val) [500]\t{SCORES}"):
    dashes = "-" * 60
    return (
        f"{HEAD}Environment info:\n{dashes}\n{ENVIRONMENT}\n{dashes}\n\n"
        f"{HEAD}Distributed training: {distributed}\n{HEAD}Config:\n{config}\n"
        f"{HEAD}Set random seed to 3, deterministic: False\n{extra}"
        f"{HEAD}Loaded 20210 images\n{HEAD}Loaded 2000 images\n"
        f"{HEAD}Iter [50/160000]\tlr: 9.997e-03, eta: 1 day, 2:00:00, time: 0.5, loss: 1.4000\n"
        f"{HEAD}Iter [16000/160000]\tlr: 9.0e-03, eta: 1 day, 0:00:00, time: 0.5, loss: 1.1000\n"
        f"{HEAD}Exp name: {NAME}.py\n{HEAD}{evaluation}\n"
    )


def records(*, config=CONFIG, evaluation=500):
    header = {"env_info": ENVIRONMENT, "seed": 0, "exp_name": f"{NAME}.py", "config": config}
    training = [
        {"mode": "train", "epoch": 1, "iter": step, "lr": 0.01, "loss": loss}
        for step, loss in ((50, 1.4), (16000, 1.1))
    ]
    scores = {"aAcc": 0.8021, "mIoU": 0.4, "mAcc": 0.5244}
    val = {"mode": "val", "epoch": 1, "iter": evaluation, "lr": 0.01, **scores}
    return "\n".join(map(json.dumps, [header, *training, val])) + "\n"


def write_legacy(root, *, text=None, json_lines=None, config=CONFIG):
    write(root / f"{STAMP}.log", log(config=config) if text is None else text)
    write(root / f"{STAMP}.log.json", records(config=config) if json_lines is None else json_lines)
    write(root / f"{NAME}.py", config)
    return root
