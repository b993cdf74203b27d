"""Writes the work directory that a training of a config leaves, as mmengine 0.10.7 writes it."""

import copy
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reference.dump import class_names, config_text
from tests.explain.edits.log import STAMP, class_table, losses, rates, training_steps

INFO = "2024/03/05 %s - mmengine - INFO - %s\n"
CARD = "Tesla V100-SXM2-32GB"
ENVIRONMENT = """
------------------------------------------------------------
System environment:
    sys.platform: linux
    Python: 3.8.18 (default, Sep 11 2023, 13:40:15) [GCC 11.2.0]
    CUDA available: True
    MUSA available: False
    numpy_random_seed: {seed}
    GPU {gpus}: {card}
    CUDA_HOME: /usr/local/cuda
    NVCC: Cuda compilation tools, release 11.7, V11.7.99
    GCC: gcc (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0
    PyTorch: 2.0.1+cu117
    PyTorch compiling details: PyTorch built with:
  - GCC 9.3
  - C++ Version: 201703
  - CUDA Runtime 11.7
  - CuDNN 8.5

    TorchVision: 0.15.2+cu117
    OpenCV: 4.8.0
    MMEngine: 0.10.7

Runtime environment:
{runtime}    seed: {seed}
    Distributed launcher: {launcher}
    Distributed training: {distributed}
    GPU number: {processes}
------------------------------------------------------------
"""
REVERTED = (
    "Distributed training is not used, all SyncBatchNorm (SyncBN) layers in the model will be "
    "automatically reverted to BatchNormXd layers if they are used."
)
# Images of the split that is scored.
VALIDATION = {
    "ADE20KDataset": 2000,
    "CityscapesDataset": 500,
    "PascalVOCDataset": 1449,
    "PascalContextDataset": 5105,
}
_BATCH = re.compile(r"_(\d+)xb(\d+)-")


def zoo_batch(name: str) -> int:
    """Samples per step that a config's name states, e.g. 16 of ``8xb2``."""
    gpus, samples = _BATCH.search(name).groups()
    return int(gpus) * int(samples)


def samples_per_step(config: Mapping[str, Any], processes: int) -> int:
    """GPUs x samples x accumulation of 1.x."""
    accumulated: int = config["optim_wrapper"].get("accumulative_counts", 1)
    samples: int = config["train_dataloader"]["batch_size"]
    return processes * samples * accumulated


def for_processes(config: Mapping[str, Any], name: str, processes: int) -> dict[str, Any]:
    """`config` with as many samples per process as keep the zoo's batch."""
    changed = copy.deepcopy(dict(config))
    changed["train_dataloader"]["batch_size"] = zoo_batch(name) // processes
    return changed


def write_run(
    root: Path,
    name: str,
    config: Mapping[str, Any],
    *,
    score: float,
    processes: int = 1,
    wrapped: bool = True,
    lines: int = 40,
) -> Path:
    """The work directory of a finished training of `config` on `processes` GPUs.

    score: the last mIoU. lines: about how many training lines, all of them
    right. wrapped: False leaves yapf out, which is most of the time it takes.
    """
    launcher = "none" if processes == 1 else "pytorch"
    work_dir = f"./work_dirs/{name}"
    text = config_text({**config, "launcher": launcher, "work_dir": work_dir}, wrapped=wrapped)
    run, start = root / name, root / name / STAMP
    (start / "vis_data").mkdir(parents=True)
    for path in (run / f"{name}.py", start / "vis_data" / "config.py"):
        path.write_text(text)
    log, scalars = _training(config, name, score, processes, lines)
    (start / f"{STAMP}.log").write_text(_head(config, text, processes, launcher, work_dir) + log)
    for path in (f"{STAMP}.json", "scalars.json"):
        (start / "vis_data" / path).write_text(scalars)
    return run


def _head(config: Mapping[str, Any], text: str, processes: int, launcher: str, place: str) -> str:
    randomness = config.get("randomness", {})
    seed = randomness.get("seed") or 1_823_704_551
    runtime = {**config.get("env_cfg", {}), **randomness}
    runtime.pop("seed", None)
    environment = ENVIRONMENT.format(
        seed=seed,
        gpus=",".join(map(str, range(processes))),
        card=CARD,
        runtime="".join(f"    {key}: {value}\n" for key, value in runtime.items()),
        launcher=launcher,
        distributed=processes > 1,
        processes=processes,
    )
    head = INFO % ("10:00:00", environment) + INFO % ("10:00:01", f"Config:\n{text}")
    if processes == 1:
        head += INFO % ("10:00:02", REVERTED)
    head += "".join(_hooks(config)) + "".join(_weights(config))
    return head + INFO % ("10:00:09", f"Checkpoints will be saved to {place}.")


def _hooks(config: Mapping[str, Any]) -> Iterator[str]:
    """The first of the stages that mmengine lists, with the hooks of the config."""
    custom = [hook["type"] for hook in config.get("custom_hooks") or []]
    rows = ["(VERY_HIGH   ) RuntimeInfoHook", "(NORMAL      ) IterTimerHook"]
    rows += [f"(NORMAL      ) {kind}" for kind in custom] + ["(VERY_LOW    ) CheckpointHook"]
    listed = "\n".join(f"{row:35}" for row in rows)
    title = "Hooks will be executed in the following order:"
    yield INFO % ("10:00:03", f"{title}\nbefore_train:\n{listed}\n -------------------- ")


def _weights(config: Mapping[str, Any]) -> Iterator[str]:
    model = config["model"]
    backbone = model["backbone"]
    inner = (backbone.get("backbone_cfg") or {}).get("init_cfg")
    given = backbone.get("init_cfg") or inner or {}
    source = given.get("checkpoint") if isinstance(given, Mapping) else None
    source = model.get("pretrained") or source
    if source:
        backend = "openmmlab" if source.startswith("open-mmlab") else "http"
        yield INFO % ("10:00:05", f"load model from: {source}")
        yield INFO % ("10:00:05", f"Loads checkpoint by {backend} backend from path: {source}")
    if config.get("load_from"):
        path = config["load_from"]
        yield INFO % ("10:00:07", f"Loads checkpoint by http backend from path: {path}")
        yield INFO % ("10:00:07", f"Load checkpoint from {path}")


def _training(
    config: Mapping[str, Any], name: str, score: float, processes: int, lines: int
) -> tuple[str, str]:
    planned, every = config["train_cfg"]["max_iters"], config["train_cfg"]["val_interval"]
    hooks = config.get("default_hooks", {})
    steps = training_steps(planned, hooks.get("logger", {}).get("interval", 10), lines)
    saved = hooks.get("checkpoint", {}).get("interval", every)
    table, rng = rates(config), np.random.RandomState(0)
    ends = {*range(every, planned + 1, every), *range(saved, planned + 1, saved)}
    log, scalars = [], []
    for step in sorted({*steps, *ends}):
        if step in steps:
            row = _row(config, step, planned, {k: v[step - 1] for k, v in table.items()}, rng)
            scalars.append(json.dumps(row))
            log.append(INFO % ("11:00:00", _train_line(row, step, planned)))
        if step % saved == 0:
            log.append(INFO % ("11:00:01", f"Saving checkpoint at {step} iterations"))
        if step % every == 0:
            value = round(score - 6 * (1 - step / planned), 2)
            log += _evaluation(config, value, processes, rng)
            metrics = {"aAcc": 80.0, "mIoU": value, "mAcc": 55.0}
            scalars.append(json.dumps({**metrics, "data_time": 0.002, "time": 0.1, "step": step}))
    return "".join(log), "\n".join(scalars) + "\n"


def _row(
    config: Mapping[str, Any],
    step: int,
    planned: int,
    rates_now: Mapping[str, float],
    rng: np.random.RandomState,
) -> dict[str, float]:
    row = {key: float(value) for key, value in rates_now.items()}
    row |= {"data_time": 0.0051, "time": 0.4012}
    if config["optim_wrapper"].get("clip_grad"):
        row["grad_norm"] = float(rng.uniform(2, 30))
    loss = 0.4 + 2 * (1 - step / planned) ** 2 + float(rng.uniform(0, 0.05))
    return {**row, **losses(config, loss), "iter": step, "step": step}


def _train_line(row: Mapping[str, float], step: int, planned: int) -> str:
    known = {"base_lr", "lr", "data_time", "time", "iter", "step"}
    head = " ".join(f"{key}: {row[key]:.4e}" for key in ("base_lr", "lr") if key in row)
    rest = "  ".join(f"{key}: {value:.4f}" for key, value in row.items() if key not in known)
    width = len(str(planned))
    return (
        f"Iter(train) [{step:{width}d}/{planned}]  {head}  eta: 10:00:00  "
        f"time: {row['time']:.4f}  data_time: {row['data_time']:.4f}  memory: 9012  {rest}"
    )


def _evaluation(
    config: Mapping[str, Any], value: float, processes: int, rng: np.random.RandomState
) -> list[str]:
    loader = config["val_dataloader"]
    kind = loader["dataset"]["type"]
    images = loader["dataset"].get("indices") or VALIDATION[kind]
    batches = math.ceil(math.ceil(images / processes) / loader["batch_size"])
    scores = f"aAcc: 80.0000  mIoU: {value:.4f}  mAcc: 55.0000  data_time: 0.0020  time: 0.1000"
    said = (
        "per class results:",
        f"\n{class_table(class_names(kind), value, rng)}",
        f"Iter(val) [{batches}/{batches}]    {scores}",
    )
    return [INFO % ("11:30:00", text) for text in said]
