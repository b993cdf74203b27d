"""Run directories made up line by line, in the formats of mmengine 0.10.7 and mmcv 1.x."""

import contextlib
import importlib
import json
from dataclasses import fields
from pathlib import Path

import pytest

from parity.runs.facts import Fact, Source

STAMP = "20260102_030405"
LATER = "20260103_030405"
KERNEL = (
    "error in ms_deformable_im2col_cuda: no kernel image is available for execution on the device"
)
CONFIG = """\
crop_size = (
    512,
    512,
)
data_preprocessor = dict(size=crop_size, type='SegDataPreProcessor')
load_from = None
model = dict(
    backbone=dict(
        depths=[2, 2, 18, 2],
        embed_dims=96,
        init_cfg=dict(checkpoint='swin_small.pth', type='Pretrained'),
        norm_cfg=dict(type='LN'),
        type='SwinTransformer'),
    decode_head=dict(
        norm_cfg=dict(requires_grad=True, type='SyncBN'),
        num_classes=150,
        type='Mask2FormerHead'),
    test_cfg=dict(mode='whole'),
    type='EncoderDecoder')
optim_wrapper = dict(
    clip_grad=dict(max_norm=0.01, norm_type=2),
    optimizer=dict(lr=0.0001, type='AdamW', weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0),
    type='OptimWrapper')
param_scheduler = [
    dict(begin=0, by_epoch=False, end=160000, eta_min=0, power=0.9, type='PolyLR'),
]
randomness = dict(seed=7)
train_cfg = dict(max_iters=160000, type='IterBasedTrainLoop', val_interval=5000)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        data_prefix=dict(img_path='images/training'),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(crop_size=crop_size, type='RandomCrop'),
        ],
        type='ADE20KDataset'))
val_dataloader = dict(
    batch_size=1,
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(scale=(2048, 512), type='Resize'),
            dict(reduce_zero_label=True, type='LoadAnnotations'),
        ],
        type='ADE20KDataset'))
val_evaluator = dict(iou_metrics=['mIoU'], type='IoUMetric')
"""


def live(module):
    """A module of the reference, imported the way the checks import it."""
    importlib.import_module("reference.compat").load_reference()
    return importlib.import_module(module)


@contextlib.contextmanager
def memory(limit):
    """Fails what takes `limit` bytes more than are taken now: MemoryError."""
    resource = pytest.importorskip("resource")
    mapped = Path("/proc/self/statm")
    if not mapped.exists():  # only Linux keeps to the limit
        yield
        return
    taken = int(mapped.read_text().split()[0]) * resource.getpagesize()
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


def value(run, name):
    """What a setting of `run` is."""
    return getattr(run.settings, name).value


def listed(folder):
    """Names in `folder`, sorted."""
    return sorted(path.name for path in Path(folder).iterdir())


def head(level="INFO", *, color=False, time="2026/01/02 03:04:05"):
    level = f"\x1b[4m\x1b[97m{level}\x1b[0m" if color else level
    return f"{time} - mmengine - {level} - "


def environment(*, gpus=1, distributed=False):
    return (
        f"{head()}\n{'-' * 60}\nSystem environment:\n"
        "    sys.platform: linux\n    CUDA available: True\n    GPU 0: NVIDIA H100 PCIe\n"
        "    PyTorch: 1.13.1\n    PyTorch compiling details: PyTorch built with:\n"
        "  - GCC 9.3\n  - CUDA Runtime 11.6\n\n    MMEngine: 0.10.7\n\n"
        "Runtime environment:\n    seed: 7\n    Distributed launcher: none\n"
        f"    Distributed training: {distributed}\n    GPU number: {gpus}\n{'-' * 60}\n\n"
    )


def printed_config(text=CONFIG):
    return f"{head()}Config:\n{text}\n"


REVERTED = (
    f"{head()}Distributed training is not used, all SyncBatchNorm (SyncBN) layers in the model "
    "will be automatically reverted to BatchNormXd layers if they are used.\n"
)


def train_line(step, *, total=160000, loss=30.0, lr=1e-4, start=None):
    return (
        f"{start or head()}Iter(train) [{step:6d}/{total}]  lr: {lr:.4e}  eta: 1:00:00  "
        f"time: 0.4000  data_time: 0.0100  memory: 9000  grad_norm: 12.5000  loss: {loss:.4f}\n"
    )


def val_lines(miou=44.0, *, images=2000, classes=(("wall", 77.1, 86.0), ("building", "nan", 0.0))):
    rows = "".join(f"|  {name}  | {iou} | {acc} |\n" for name, iou, acc in classes)
    return (
        f"{head()}Iter(val) [  50/{images}]    eta: 0:10:00  time: 0.1  data_time: 0.01  \n"
        f"{head()}per class results:\n"
        f"{head()}\n+----+----+----+\n|  Class  | IoU | Acc |\n{rows}+----+----+----+\n"
        f"{head()}Iter(val) [{images}/{images}]    aAcc: 80.1234  mIoU: {miou:.4f}  mAcc: 55.0000  "
        "data_time: 0.01  time: 0.1\n"
    )


def train_record(step, **values):
    return json.dumps({"lr": 1e-4, "loss": 30.0, **values, "iter": step, "step": step})


def val_record(step, miou=44.0):
    return json.dumps({"aAcc": 80.1234, "mIoU": miou, "mAcc": 55.0, "time": 0.1, "step": step})


def write(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write_run(root, *, stamp=STAMP, steps=range(50, 201, 50), miou=44.0, log="", config=CONFIG):
    """A short mmengine work directory; `log` is put behind the environment block."""
    steps = list(steps)
    body = environment() + printed_config(config) + log
    body += "".join(train_line(step) for step in steps) + val_lines(miou)
    records = [train_record(step) for step in steps] + [val_record(steps[-1], miou)]
    write(root / stamp / f"{stamp}.log", body)
    write(root / stamp / "vis_data" / "scalars.json", "\n".join(records) + "\n")
    write(root / stamp / "vis_data" / f"{stamp}.json", "\n".join(records) + "\n")
    write(root / stamp / "vis_data" / "config.py", config)
    write(root / "mask2former_swin-s_8xb2-160k_ade20k-512x512.py", config)
    return root


def sources(run):
    """Every source in a run, with what it is about."""
    for item in fields(run.settings):
        fact = getattr(run.settings, item.name)
        assert isinstance(fact, Fact)
        # A value without a place says how it came about; no value says why.
        assert fact.source or fact.note, item.name
        yield item.name, fact.source
    for name, fact in run.environment.items():
        yield name, fact.source
    for name, curve in run.curves.items():
        yield name, curve.source(0)
        yield name, curve.source(-1)
    for evaluation in run.evaluations:
        yield "evaluation", evaluation.source
    for load in run.weights:
        yield "weights", load.source
        yield "weights", load.listed
    for message in (*run.messages, *run.console):
        yield "message", message.source
        yield "message", Source(message.source.file, message.last_line)
    if run.config is not None:
        yield from run.config.origins.items()


def assert_evidence_exists(run):
    """Fails for a file or line that is not there, or does not hold the quoted text."""
    root = run.path if run.path.is_dir() else run.path.parent
    lines, checked = {}, 0
    for name, source in sources(run):
        if source is None:
            continue
        path = root / source.file
        assert path.is_file(), (name, source)
        if source.line is not None:
            if path not in lines:
                lines[path] = path.read_text("utf-8", "replace").split("\n")
            assert source.line <= len(lines[path]), (name, source)
            # Terminal colours are left out of quotes: the end of a line is compared.
            assert source.text[-40:] in lines[path][source.line - 1], (name, source)
            checked += 1
    assert checked > 0
