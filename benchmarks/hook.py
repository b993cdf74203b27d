"""What the guard's monitor costs an iteration: ``python benchmarks/hook.py [--device cuda]``.

A model of the zoo with a stand-in for its loss, so that forward and backward alone are timed
against: with data, loss and optimizer the share is smaller.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch

from parity.guard.guard import Monitor
from parity.live import reference_module

CONFIG = "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py"
EVERY, ROUNDS = 50, 10


def cost(run: Callable[[], object], device: str) -> float:
    """The median of the seconds that `run` takes; on the CPU, of the process's own."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    found = []
    for _ in range(ROUNDS):
        started = clock()
        run()
        if device != "cpu":
            torch.cuda.synchronize()
        found.append(clock() - started)
    return median(found)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--config", default="segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    torch.manual_seed(0)
    changes = {"model.pretrained": None, "model.backbone.init_cfg": None}
    model, _ = reference_module("optim.models").config_model(options.config, changes)
    model = model.to(options.device).train()
    for module in model.modules():  # one process has no SyncBN
        if isinstance(module, torch.nn.SyncBatchNorm):
            module.eval()
    images = torch.rand(2, 3, options.size, options.size, device=options.device)
    monitor = Monitor(print, zero=10**6)
    monitor.start(model)
    losses = []

    def iteration() -> None:
        outputs = model(images, mode="tensor")
        outputs = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
        losses.append(outputs.square().mean())
        losses[-1].backward()

    def looked_at() -> None:
        """Everything the monitor does in an iteration, on the gradients of one."""
        monitor.before()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                monitor._seen(name)(parameter.grad)
        monitor.after(losses[-1])

    plain, looked = cost(iteration, options.device), cost(looked_at, options.device)
    share = looked / EVERY / plain
    count = sum(1 for _ in model.parameters())
    print(f"{options.config}, {options.device}, {count} parameters, 2 x {options.size}^2")
    print(f"an iteration: {plain * 1e3:.1f} ms; the monitor, when it looks: {looked * 1e3:.1f} ms")
    print(f"one in {EVERY}: {share:.3%} of an iteration")


if __name__ == "__main__":
    main()
