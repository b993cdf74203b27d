"""A small source checkout, laid out as that of mmsegmentation 1.2.2, and runs beside it."""

import json
from dataclasses import replace

import yaml

from parity.runs.read import read_run
from parity.scores.runs import RunVerdict, run_row
from parity.scores.table import score_table
from parity.zoo.rows import read_all_rows

HOST = "https://host/mmsegmentation/v0.5/net"
HEADER = (
    "| Method | Backbone | Crop Size | Lr schd | Mem (GB) | Inf time (fps) | Device | "
    "mIoU | mIoU(ms+flip) | config | download |"
)
SIGNATURE = "mIoU|ss|whole|ignore=255|reduce0=y|orig-size"


def model(name="net_r50_4xb4-80k_ade20k-512x512", miou=40.0, **changes):
    return {
        "Name": name,
        "In Collection": "Net",
        "Config": f"configs/net/{name}.py",
        "Metadata": {
            "Batch Size": 16,
            "Architecture": ["R-50", "Net"],
            "Memory (GB)": 6.1,
            "Training Resources": "4x V100 GPUS",
        },
        "Results": {"Dataset": "ADE20K", "Metrics": {"mIoU": miou, "mIoU(ms+flip)": 41.5}},
        "Weights": f"{HOST}/{weights(name)}",
        **changes,
    }


def weights(name):
    return f"{name}_20200615-abc.pth"


def line(
    name="net_r50_4xb4-80k_ade20k-512x512",
    *,
    method="Net",
    crop="512x512",
    schedule="80000",
    memory="6.1",
    fps="21.01",
    device="V100",
    miou="40.00",
    miou_ms="41.50",
    file=None,
):
    """One row of a README table, its links and escaped pipe as in the real ones."""
    file = file or weights(name)
    cells = (
        method,
        "R-50",
        crop,
        schedule,
        memory,
        fps,
        device,
        miou,
        miou_ms,
        f"[config](https://github.com/x/y/blob/main/configs/net/{name}.py)",
        f"[model]({HOST}/{file}) \\| [log]({HOST}/{file}.log.json)",
    )
    return f"| {'   | '.join(cells)}  |"


def readme(*lines, heading="### ADE20K", header=HEADER):
    rule = "| " + " | ".join(["---"] * (header.count("|") - 1)) + " |"
    return "\n".join(
        ["# Net", "", "## Results and models", "", heading, "", header, rule, *lines, ""]
    )


def config(*, crop=(512, 512), iterations=80000, test_cfg="dict(mode='whole')", extra=""):
    return f"""
crop_size = (7, 7)
train_dataloader = dict(dataset=dict(type='ADE20KDataset', pipeline=[
    dict(type='RandomCrop', crop_size={crop})]))
val_dataloader = dict(dataset=dict(type='ADE20KDataset', pipeline=[
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),{extra}
    dict(type='LoadAnnotations', reduce_zero_label=True)]))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
model = dict(type='EncoderDecoder', test_cfg={test_cfg})
train_cfg = dict(type='IterBasedTrainLoop', max_iters={iterations})
"""


def checkout(root, models, text, *, configs=None):
    """A checkout with one method, `models` its metafile, `text` its README."""
    folder = root / "configs" / "net"
    folder.mkdir(parents=True)
    (folder / "metafile.yaml").write_text(yaml.safe_dump({"Models": list(models)}))
    (folder / "README.md").write_text(text)
    for name, content in (configs or {}).items():
        (folder / f"{name}.py").write_text(content)
    (root / "mmseg").mkdir()
    (root / "mmseg" / "version.py").write_text("__version__ = '9.9.9'\n")
    return root


def zoo_rows(root, *models):
    """The rows of a checkout of `models`, by default two, as if their configs had been read."""
    models = models or (model(), model("net_b", 39.0))
    path = checkout(root, models, "") / "configs" / "net" / "metafile.yaml"
    return [replace(row, signature=SIGNATURE) for row in read_all_rows([path])]


def run_dir(root, name="net_r50_4xb4-80k_ade20k-512x512", scores=((80000, 39.5),), **stated):
    """A run that another program wrote as a table; parity.runs.table documents the form."""
    folder = root / name
    folder.mkdir(parents=True)
    told = {
        "method": "Net",
        "backbone": "R-50",
        "dataset": "ADE20K",
        "crop_size": [512, 512],
        "max_iters": 80000,
        "world_size": 1,
        "samples_per_gpu": 2,
        "accumulation": 1,
        "signature": SIGNATURE,
        **stated,
    }
    records = [{"step": step, "loss": 0.5, "mIoU": score} for step, score in scores]
    run = {key: value for key, value in told.items() if value is not None}
    (folder / "run.json").write_text(json.dumps({"run": run, "records": records}))
    return folder


def own(tmp_path, name="mine", path="runs/mine", verdict=None, **stated):
    run = replace(read_run(run_dir(tmp_path / "runs", "mine", **stated)), name=name)
    verdict = verdict or RunVerdict(
        "explained", ("dead-kernel", "effective-batch"), -0.5, "net_b", "pages/mine.html"
    )
    return run_row(path, run, verdict, dataset="ADE20K")


def table_of(rows, runs=(), **options):
    """The table of `rows` and own runs, of a made-up version."""
    return score_table(rows, runs, dataset="ADE20K", version="9.9.9", origin="a test", **options)
