"""Writes the work directories of the case that started this project, from its published facts.

Mask2Former Swin-S on ADE20K 512x512 from the 8xb2-160k config, one GPU, final
mIoU 44, the op's error line on the console; and beside it K-Net Swin-L on the
same machine, at the zoo's figure. Everything else is what mmengine 0.10.7
writes for these configs.
"""

import json
import pprint
from pathlib import Path

import numpy as np
import torch

from parity.runs.config import installed_configs, read_config
from parity.steps.deform_attn import initial_sampling_bias
from parity.steps.schedule import lr_table, schedulers_from_config

STAMP = "20240501_120000"
ERROR = (
    "error in ms_deformable_im2col_cuda: no kernel image is available for execution on the device"
)
START = "2024/05/01 12:00:09 - mmengine - INFO - Checkpoints will be saved to work_dirs."
SWIN_S = "mask2former_swin-s_8xb2-160k_ade20k-512x512"
KNET = "knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-512x512"
ENVIRONMENT = """
------------------------------------------------------------
System environment:
    sys.platform: linux
    Python: 3.8.18 (default, Sep 11 2023, 13:40:15) [GCC 11.2.0]
    CUDA available: True
    MUSA available: False
    numpy_random_seed: 1234
    GPU 0: NVIDIA GeForce RTX 3090
    CUDA_HOME: /usr/local/cuda
    NVCC: Cuda compilation tools, release 11.7, V11.7.99
    GCC: gcc (Ubuntu 9.4.0) 9.4.0
    PyTorch: 2.0.1+cu117
    OpenCV: 4.8.0
    MMEngine: 0.10.7

Runtime environment:
    cudnn_benchmark: True
    dist_cfg: {'backend': 'nccl'}
    seed: 1234
    Distributed launcher: none
    Distributed training: False
    GPU number: 1
------------------------------------------------------------
"""


def write_run(root: Path, name: str, *, folder: str, score: float, interval: int = 50) -> Path:
    """The work directory of a finished training of the zoo's config `name` on one GPU."""
    configs = installed_configs()
    config = read_config(configs / folder / f"{name}.py", configs_root=configs)
    run, start = root / name, root / name / STAMP
    (start / "vis_data").mkdir(parents=True)
    text = "\n".join(f"{k} = {pprint.pformat(v)}" for k, v in config.values.items()) + "\n"
    (run / f"{name}.py").write_text(text)
    (start / "vis_data" / "config.py").write_text(text)
    head = f"2024/05/01 12:00:00 - mmengine - INFO - {ENVIRONMENT}\n"
    head += f"2024/05/01 12:00:01 - mmengine - INFO - Config:\n{text}\n"
    weights = config.get("model", "pretrained")
    weights = weights or config.get("model", "backbone", "init_cfg", "checkpoint")
    head += f"2024/05/01 12:00:09 - mmengine - INFO - load model from: {weights}\n"
    log, scalars = _training(config, score, interval)
    (start / f"{STAMP}.log").write_text(head + log)
    (start / "vis_data" / "scalars.json").write_text(scalars)
    return run


def _training(config, score: float, interval: int) -> tuple[str, str]:
    planned = config.get("train_cfg", "max_iters")
    every = config.get("train_cfg", "val_interval")
    base = config.get("optim_wrapper", "optimizer", "lr")
    rates = lr_table(
        [base], schedulers_from_config(config.get("param_scheduler")), max_iters=planned
    )
    rng = np.random.RandomState(0)
    log, scalars = [], []
    for step in range(interval, planned + 1, interval):
        rate = float(rates[min(step, planned - 1), 0])
        loss = 20 + 60 * (1 - step / planned) + float(rng.normal(0, 0.5))
        row = {"base_lr": rate, "lr": rate / 10, "loss": loss, "iter": step, "step": step}
        scalars.append(json.dumps(row))
        log.append(
            f"2024/05/01 12:01:00 - mmengine - INFO - Iter(train) [{step:6d}/{planned}]  "
            f"base_lr: {rate:.4e} lr: {rate / 10:.4e}  loss: {loss:.4f}"
        )
        if step % every == 0:
            value = round(score - 6 * (1 - step / planned), 2)
            metrics = {"aAcc": 80.0, "mIoU": value, "mAcc": 55.0}
            scalars.append(json.dumps({**metrics, "step": step}))
            log.append(
                f"2024/05/01 12:01:00 - mmengine - INFO - Iter(val) [2000/2000]    "
                f"aAcc: 80.0000  mIoU: {value:.4f}  mAcc: 55.0000  data_time: 0.001  time: 0.1"
            )
    return "\n".join(log) + "\n", "\n".join(scalars) + "\n"


def write_console(run: Path, *, lines: int = 1000) -> None:
    """The captured terminal: C's printf between the log's lines."""
    (run / "nohup.out").write_text(f"{START}\n" + f"{ERROR}\n" * lines)


def write_checkpoint(run: Path, *, dead: bool, steps: int = 160_000, layers: int = 2) -> None:
    """The tensors of deformable attention after `steps` iterations of the run's config."""
    config = read_config(run / f"{run.name}.py")
    schedule = schedulers_from_config(config.get("param_scheduler"))
    options = config.get("optim_wrapper", "optimizer")
    rates = lr_table([options["lr"]], schedule, max_iters=steps)[:, 0]
    bias = initial_sampling_bias(8, 3, 4)
    for rate in rates:  # as AdamW does it, in float32
        bias.mul_(1 - rate * options["weight_decay"])
    generator = torch.Generator().manual_seed(0)

    def trained(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.01

    def untouched(*shape: int) -> torch.Tensor:
        return torch.zeros(shape) if dead else trained(*shape)

    state = {}
    for index in range(layers):
        prefix = f"decode_head.pixel_decoder.encoder.layers.{index}.self_attn."
        state |= {
            f"{prefix}sampling_offsets.weight": untouched(192, 16),
            f"{prefix}sampling_offsets.bias": bias.clone() if dead else bias + trained(192),
            f"{prefix}attention_weights.weight": untouched(96, 16),
            f"{prefix}attention_weights.bias": untouched(96),
            f"{prefix}value_proj.weight": trained(16, 16),
            f"{prefix}value_proj.bias": untouched(16),
            f"{prefix}output_proj.weight": trained(16, 16),
            f"{prefix}output_proj.bias": trained(16),
        }
    torch.save({"meta": {}, "state_dict": state}, run / f"iter_{steps}.pth")
