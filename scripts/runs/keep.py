"""What is kept of a work directory: its text without this machine's paths, small checkpoints."""

import re
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import torch

# Read for the fingerprint, and enough others to see that an optimizer ran.
KEPT = re.compile(
    r"pixel_decoder\.encoder\.layers\.\d+\.(self_attn|norms)\.|backbone\.(gn1|bn1)\."
    r"|decode_head\.(conv_seg\.bias|convs\.0\.(gn|bn)\.)"
)
ONLY_LAST = re.compile(r"encoder\.layers\.[1-9]\d*\.self_attn")
GROUP_KEYS = ("lr", "initial_lr", "weight_decay", "params")
TEXT = {".log", ".json", ".py", ".out", ""}


def keep_run(work_dir: Path, target: Path, *, checkpoints: bool) -> None:
    """Copy `work_dir` to `target`, reduced; without `checkpoints`, what points to them goes too."""
    shutil.copytree(work_dir, target, ignore=shutil.ignore_patterns("*.pth"))
    if not checkpoints:
        (target / "last_checkpoint").unlink()
    for path in sorted(work_dir.glob("*.pth")) if checkpoints else ():
        reduced = reduce_checkpoint(path, last=not path.name.startswith("best"))
        torch.save(reduced, target / path.name)
    for path in target.rglob("*"):
        if path.is_file() and path.suffix in TEXT:
            path.write_bytes(scrub(path.read_bytes()))


def reduce_checkpoint(path: Path, *, last: bool) -> dict[str, Any]:
    """Few tensors, ``meta``, schedulers and learning rates: plain types, without the history."""
    full = torch.load(path, map_location="cpu", weights_only=False)  # written a moment ago
    kept = {
        name: value.clone()
        for name, value in full["state_dict"].items()
        if KEPT.search(name) and (last or not ONLY_LAST.search(name))
    }
    reduced = {"meta": full["meta"], "state_dict": kept}
    if "optimizer" in full:
        groups = full["optimizer"]["param_groups"]
        groups = [{key: group[key] for key in GROUP_KEYS} for group in groups]
        reduced["optimizer"] = {"state": {}, "param_groups": groups}
        reduced["param_schedulers"] = full["param_schedulers"]
    return reduced


def scrub(content: bytes) -> bytes:
    """Where Python and its packages lie is nobody's business."""
    places = {
        sysconfig.get_paths()["purelib"]: "/venv/lib/site-packages",
        str(Path(__file__).resolve().parents[2]): "/mmseg-parity",
        sys.prefix: "/venv",
        sys.base_prefix: "/usr",
    }
    for place, neutral in places.items():
        content = content.replace(place.encode(), neutral.encode())
    return content
