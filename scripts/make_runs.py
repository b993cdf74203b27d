"""Make fixtures/runs: train small models with mmseg's own Runner, in 5 CPU minutes.

    python scripts/make_runs.py

Trains in /tmp/ade_tiny, whose name is in the logs, and removes it at the end.
Tensors, losses and scores are the same every time on the same machine and
versions; timestamps are not. See fixtures/runs/README.md.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from runs import dataset, plan
from runs.keep import keep_run, scrub
from safetensors.torch import load_file, save_file

from reference.zoo import metafiles

REPOSITORY = Path(__file__).resolve().parent.parent
TARGET = REPOSITORY / "fixtures" / "runs"
ROOT = Path("/tmp/ade_tiny")
CONFIGS = Path(__file__).resolve().parent / "runs" / "configs"


def main() -> None:
    if ROOT.exists():
        sys.exit(f"{ROOT}: exists already, and its name is part of the logs; remove it")
    try:
        prepare(ROOT)
        for run in (*plan.KEPT, *plan.HEALTHY[1:]):
            for index, part in enumerate(run.parts):
                train(ROOT, run, index, part)
        write()
    finally:
        shutil.rmtree(ROOT, ignore_errors=True)


def prepare(root: Path) -> None:
    """The data, mmseg's configs with ours beside them, and the pretrained weights."""
    dataset.write(root / "data" / "ade" / "ADEChallengeData2016")
    shutil.copytree(metafiles()[0].parent.parent, root / "configs")
    shutil.copytree(CONFIGS, root / "configs" / "tiny")
    weights = root / "pretrain"
    weights.mkdir()
    for name, config in plan.PRETRAINED.items():
        run = plan.one(name, config)
        train(root, run, 0, run.parts[0])
        path = root / "work_dirs" / name / "iter_200.pth"
        state = torch.load(path, weights_only=False)["state_dict"]  # written a moment ago
        part = "backbone."
        backbone = {key[len(part) :]: state[key] for key in state if key.startswith(part)}
        torch.save({"state_dict": backbone}, weights / f"{name}.pth")
    renamed = {
        key.replace("backbone.", "encoder.").replace("decode_head.", "decoder."): value
        for key, value in state.items()
    }
    torch.save({"state_dict": renamed}, weights / "fcn_r18-tiny_other-names.pth")


def train(root: Path, run: plan.WorkDirectory, index: int, part: plan.Part) -> None:
    """In a process of its own, whose output is what a console would have shown."""
    job = asdict(part) | {
        "config": f"configs/tiny/{part.config}.py",
        "work_dir": f"work_dirs/{run.name}",
        "changes": {"randomness": {"seed": part.seed}, **part.changes},
        "initial": f"{run.name}.safetensors" if "mask2former" in part.config else "",
    }
    if part.processes > 1:
        job["changes"]["launcher"] = "pytorch"
        job["initial"] = ""
    path = root / f"{run.name}-{index}.job"
    path.write_text(repr(job))  # JSON has no tuples, which some transforms insist on
    command = [*_python(part.processes), str(CONFIGS.parent / "train.py"), path.name]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    environment["PYTHONUNBUFFERED"] = "" if part.buffered else "1"  # C's buffer, too
    done = subprocess.run(
        command, cwd=root, env=environment, check=False, stdout=-1, stderr=subprocess.STDOUT
    )
    path.with_suffix(".out").write_bytes(done.stdout)
    print(f"{run.name} {index + 1}/{len(run.parts)}: exit {done.returncode}", flush=True)
    if (done.returncode == 0) == bool(part.stop):
        sys.exit(done.stdout.decode(errors="replace")[-2000:])


def _python(processes: int) -> list[str]:
    """One interpreter, or as many as there are processes to train together."""
    several = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return [sys.executable, *(several if processes > 1 else [])]


def write() -> None:
    """Replace every run directory below `TARGET`, the initial tensors and the figures."""
    for path in TARGET.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    initial = {}
    for run in plan.KEPT:
        keep_run(ROOT / "work_dirs" / run.name, TARGET / run.name, checkpoints=run.checkpoints)
        if run.console:
            content = scrub((ROOT / f"{run.name}-0.out").read_bytes())
            (TARGET / run.name / "console.out").write_bytes(content)
        if run.checkpoints and (ROOT / f"{run.name}.safetensors").exists():
            for name, value in load_file(ROOT / f"{run.name}.safetensors").items():
                if name.endswith("_proj.weight"):
                    initial[f"{run.name}/{name}"] = value
    save_file(initial, TARGET / "initial.safetensors")
    measured = {"dead_vs_healthy": [measure(run) for run in (*plan.HEALTHY, *plan.DEAD)]}
    (TARGET / "measured.json").write_text(json.dumps(measured, indent=2) + "\n")


def measure(run: plan.WorkDirectory) -> dict[str, Any]:
    """Score and last logged loss of one finished training."""
    [scalars] = (ROOT / "work_dirs" / run.name).glob("*/vis_data/scalars.json")
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    return {
        "run": run.name,
        "op": "dead" if run.parts[0].dead else "healthy",
        "seed": run.parts[0].seed,
        "iterations": rows[-1]["step"],
        "mIoU": round(rows[-1]["mIoU"], 2),
        "loss": round([row["loss"] for row in rows if "loss" in row][-1], 3),
    }


if __name__ == "__main__":
    main()
