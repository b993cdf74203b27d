"""One training in a process of its own: ``python train.py JOB``, in the training root.

The job is a Python literal. Its keys: config, work_dir, changes (as ``--cfg-options``), dead (the
deformable attention op fails at every launch), initial (where to keep the
initial self_attn tensors), stop_at and stop (``interrupt`` or ``file-size``).
"""

import ast
import contextlib
import ctypes
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from reference.checkpoints import mmengine_checkpoints
from reference.training import build_runner, call_before, on_device, zero_deform_attn

ERROR = "error in %s: no kernel image is available for execution on the device\n"


def main(job: dict[str, Any]) -> None:
    with contextlib.ExitStack() as stack:
        if not torch.cuda.is_available():
            distribute_on_cpu()
            stack.enter_context(on_device("cpu"))
        stack.enter_context(mmengine_checkpoints())
        if job["dead"]:
            stack.enter_context(zero_deform_attn(print_error))
        run(job)


def run(job: dict[str, Any]) -> None:
    runner = build_runner(Path(job["config"]), work_dir=job["work_dir"], changes=job["changes"])
    if job["initial"]:
        call_before(runner, "before_train", lambda: keep_initial(runner, job["initial"]))
    if job["stop"]:
        call_before(runner, "before_train_iter", lambda **values: stop(runner, job))
    runner.train()


def distribute_on_cpu() -> None:
    """mmengine 0.10.7 distributes over GPUs only, though torch does so here."""
    parallel = torch.nn.parallel.DistributedDataParallel
    init = parallel.__init__

    def without_devices(self: Any, module: Any, device_ids: Any = None, **options: Any) -> None:
        init(self, module, **options)

    parallel.__init__ = without_devices
    torch.cuda.set_device = lambda device: None


def print_error(launch: str) -> None:
    """C `printf`, with its own buffer: where the lines come out is where the op's would."""
    ctypes.CDLL(None).printf(ERROR.encode(), launch.encode())


def keep_initial(runner: Any, path: str) -> None:
    state = runner.model.state_dict()
    kept = {name: value.clone() for name, value in state.items() if ".encoder.layers." in name}
    save_file({name: value for name, value in kept.items() if ".self_attn." in name}, path)


def stop(runner: Any, job: dict[str, Any]) -> None:
    if runner.iter != job["stop_at"]:
        return
    if job["stop"] == "interrupt":
        raise KeyboardInterrupt
    # As on a full disk: what fits of the next line is written, then the kernel ends the process.
    log = Path(runner.log_dir) / f"{runner.timestamp}.log"
    limit = log.stat().st_size + 60
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


if __name__ == "__main__":
    main(ast.literal_eval(Path(sys.argv[1]).read_text()))
