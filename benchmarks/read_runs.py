"""How fast training runs are read, and in how much memory.

A 160,000-iteration run, many small runs, and captured consoles of gigabytes, all made up here:

    python benchmarks/read_runs.py
    python benchmarks/read_runs.py --runs 50 --gigabytes 0.1
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

STAMP = "20260102_030405"
NAME = "mask2former_swin-s_8xb2-160k_ade20k-512x512.py"
KERNEL = "error in ms_deformable_{}_cuda: no kernel image is available for execution on the device"
CLASSES = 150
# Mask2Former logs three losses for each of ten decoder outputs.
OUTPUTS = ["", *(f"d{index}." for index in range(9))]
LOSSES = [f"decode.{output}loss_{kind}" for output in OUTPUTS for kind in ("cls", "mask", "dice")]
LAYERS = 900
CONFIG = """\
train_cfg = dict(type='IterBasedTrainLoop', max_iters={iterations}, val_interval=5000)
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='SwinTransformer', embed_dims=96, depths=[2, 2, 18, 2]),
    decode_head=dict(type='Mask2FormerHead', num_classes=150),
    test_cfg=dict(mode='whole'))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.0001))
train_dataloader = dict(batch_size=2, dataset=dict(type='ADE20KDataset', pipeline=[
{steps}]))
val_dataloader = dict(batch_size=1, dataset=dict(type='ADE20KDataset', pipeline=[
{steps}]))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
"""
ENVIRONMENT = """
------------------------------------------------------------
System environment:
    sys.platform: linux
    CUDA available: True
    GPU 0: NVIDIA H100
    MMEngine: 0.10.7

Runtime environment:
    seed: 0
    Distributed launcher: none
    Distributed training: False
    GPU number: 1
------------------------------------------------------------
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--work", type=Path, help="where to write; default: the temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        measure_all(Path(folder), runs=options.runs, gigabytes=options.gigabytes)


def measure_all(work: Path, *, runs: int, gigabytes: float) -> None:
    report("160k-iteration run", alone(read_one, write_run(work / "long", 160_000)))
    for index in range(runs):
        write_run(work / "many" / f"run_{index:04d}", 1_000, checkpoint=False)
    report(f"{runs} runs", alone(read_all, work / "many"))
    for name, kernels in (("of a dead kernel", True), ("all lines different", False)):
        console = write_console(work / "console.out", gigabytes, kernels=kernels)
        report(f"{gigabytes:g} GB console, {name}", alone(read_console, console))


def report(name: str, figures: dict[str, float]) -> None:
    shown = "  ".join(f"{key} {value:g}" for key, value in figures.items())
    print(f"{name:<36}{shown}", flush=True)


def alone(task: Callable[[Path], dict[str, float]], path: Path) -> dict[str, float]:
    """`task` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (task, path))


def measured(task: Callable[[Path], dict[str, float]], path: Path) -> dict[str, float]:
    import parity.runs  # noqa: F401, PLC0415 - importing is not part of what is timed

    before = peak_megabytes()
    start, start_cpu = time.perf_counter(), time.process_time()
    found = task(path)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    if "bytes" in found:
        found["MB/s"] = round(found.pop("bytes") / seconds / 1e6)
    memory = {"MB after import": before, "MB at most": peak_megabytes()}
    return {"seconds": round(seconds, 2), "CPU seconds": round(cpu, 2), **memory, **found}


def peak_megabytes() -> float:
    """The largest resident memory of this process so far; mapped files count as far as read."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    return round(int(match[1]) / 1024) if match else float("nan")


def read_one(path: Path) -> dict[str, float]:
    from parity.runs import read_run  # noqa: PLC0415

    run = read_run(path)
    assert run.settings.iterations.value == 160_000
    assert not run.unread
    return {"points": len(run.curves["loss"])}


def read_all(path: Path) -> dict[str, float]:
    from parity.runs import find_runs, read_run  # noqa: PLC0415

    return {"runs": sum(read_run(run).last is not None for run in find_runs(path))}


def read_console(path: Path) -> dict[str, float]:
    from parity.runs import read_run  # noqa: PLC0415

    run = read_run(path)
    found = sum(message.count for message in run.console)
    return {"bytes": path.stat().st_size, "failures": found}


def write_run(folder: Path, iterations: int, *, checkpoint: bool = True) -> Path:
    """A work directory as mmengine leaves one, every 50 iterations logged, ten evaluations."""
    rng = np.random.RandomState(0)
    data = folder / STAMP / "vis_data"
    data.mkdir(parents=True)
    lines, records = [entry(ENVIRONMENT), entry(f"Config:\n{config(iterations)}")], []
    for step in range(50, iterations + 1, 50):
        values = {"lr": 1e-4 * (1 - step / iterations) ** 0.9, "grad_norm": 9.0, "loss": 30.0}
        values |= dict(zip(LOSSES, rng.rand(len(LOSSES)).tolist(), strict=True))
        lines.append(training_line(step, iterations, values))
        records.append(json.dumps({**values, "time": 0.4, "iter": step, "step": step}))
        if step % (iterations // 10) == 0:
            lines.append(evaluation())
            records.append(json.dumps({"aAcc": 80.0, "mIoU": 44.0, "mAcc": 55.0, "step": step}))
    (folder / STAMP / f"{STAMP}.log").write_text("".join(lines))
    for name in ("scalars.json", f"{STAMP}.json"):
        (data / name).write_text("\n".join(records) + "\n")
    for path in (data / "config.py", folder / NAME):
        path.write_text(config(iterations))
    if checkpoint:
        write_checkpoint(folder / f"iter_{iterations}.pth", iterations)
        (folder / "last_checkpoint").write_text(f"/elsewhere/iter_{iterations}.pth")
    return folder


def entry(text: str) -> str:
    return f"2026/01/02 03:04:05 - mmengine - INFO - {text}\n"


def config(iterations: int) -> str:
    step = "    dict(type='Step', scale=(2048, 512), keep_ratio=True, ratio_range=(0.5, 2.0)),\n"
    return CONFIG.format(iterations=iterations, steps=40 * step)


def training_line(step: int, iterations: int, values: dict[str, float]) -> str:
    shown = "  ".join(f"{name}: {value:.4f}" for name, value in values.items() if name != "lr")
    lr = f"lr: {values['lr']:.4e}"
    return entry(f"Iter(train) [{step:6d}/{iterations}]  {lr}  eta: 1:00:00  time: 0.4  {shown}")


def evaluation() -> str:
    progress = "Iter(val) [{}/2000]    eta: 0:00:01  time: 0.1  data_time: 0.01"
    lines = [entry(progress.format(index)) for index in range(50, 2001, 50)]
    rows = [f"| class {index} | 44.0 | 55.0 |" for index in range(CLASSES)]
    lines.append(entry("per class results:"))
    lines.append(entry("\n" + "\n".join(["| Class | IoU | Acc |", *rows])))
    lines.append(entry("Iter(val) [2000/2000]    aAcc: 80.0000  mIoU: 44.0000  mAcc: 55.0000"))
    return "".join(lines)


def write_checkpoint(path: Path, iterations: int) -> None:
    """As many keys as a Swin-S Mask2Former with AdamW, small tensors, the history in full."""
    import torch  # noqa: PLC0415 - the measured processes must not hold it in memory

    small = torch.zeros(8, 8)
    states = {index: {"exp_avg": small + 0, "exp_avg_sq": small + 0} for index in range(LAYERS)}
    groups = [{"lr": 1e-7, "weight_decay": 0.05, "params": [index]} for index in range(LAYERS)]
    scalars = {f"train/{name}": (np.random.rand(iterations), np.ones(2)) for name in LOSSES}
    document = {
        "meta": {"iter": iterations, "cfg": config(iterations)},
        "state_dict": {f"decode_head.layer_{i}.weight": small + 0 for i in range(LAYERS)},
        "message_hub": {"log_scalars": scalars},
        "optimizer": {"state": states, "param_groups": groups},
    }
    torch.save(document, path)


def write_console(path: Path, gigabytes: float, *, kernels: bool) -> Path:
    """Captured output: 600 failed launches every 50 iterations, or lines that all differ."""
    forward, backward = (f"{KERNEL.format(name)}\n" for name in ("im2col", "col2im"))
    launches = (6 * forward + 6 * backward) * 50
    step = size = 0
    with path.open("w") as stream:
        while size < gigabytes * 1e9:
            step += 50
            between = (f"loader: sample {step * 1000 + index} read\n" for index in range(2000))
            line = training_line(step, 100_000_000, {"lr": 1e-4, "loss": 30.0 + step})
            size += stream.write(line + (launches if kernels else "".join(between)))
    return path


if __name__ == "__main__":
    main()
