"""The table of docs/training.md: each config trained on both sides, small, on the CPU.

    python scripts/make_training_table.py [WORD ...] [--lockstep 20]

With words only the rows that hold one of them are made anew; the others stay as they are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "training.md"
BEGIN, END = "<!-- table: scripts/make_training_table.py -->", "<!-- end of table -->"
HEADER = "| config | optimizer | further | iterations | values | verdict | seconds |"
RULE = "| --- | --- | --- | ---: | ---: | --- | ---: |"
ADAMW = "optim_wrapper.optimizer={'type': 'AdamW', 'lr': 1e-4, 'weight_decay': 0.01}"
SGD = "optim_wrapper.optimizer={'type': 'SGD', 'lr': 0.01, 'momentum': 0.9, 'weight_decay': 5e-4}"
CLIP = "optim_wrapper.clip_grad={'max_norm': 0.5}"
OWN = "the loss of its head is not ours"
ACCUMULATE = "optim_wrapper.accumulative_counts=3"


@dataclass(frozen=True)
class TrainingRow:
    """One row."""

    config: str
    optimizer: str
    further: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        return f"| {self.config} | {self.optimizer} | {self.further} |"


FCN = "fcn_r50-d8_4xb4-80k_ade20k-512x512"
SEGFORMER = "segformer_mit-b0_8xb2-160k_ade20k-512x512"
CASES = (
    TrainingRow(FCN, "SGD"),
    TrainingRow("pspnet_r50-d8_4xb4-80k_ade20k-512x512", "SGD"),
    TrainingRow("upernet_r50_4xb4-80k_ade20k-512x512", "SGD"),
    TrainingRow("swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512", "AdamW"),
    TrainingRow(SEGFORMER, "AdamW"),
    TrainingRow(
        "knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512",
        "AdamW",
        f"clipping; {OWN}",
    ),
    TrainingRow("mask2former_swin-t_8xb2-160k_ade20k-512x512", "AdamW", OWN),
    TrainingRow("ocrnet_hr18s_4xb4-80k_ade20k-512x512", "SGD", "two heads in a cascade"),
    TrainingRow("pointrend_r50_4xb4-160k_ade20k-512x512", "SGD", OWN),
    TrainingRow("segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512", "AdamW"),
    TrainingRow(FCN, "AdamW", "", ("--option", ADAMW)),
    TrainingRow(SEGFORMER, "SGD", "", ("--option", SGD)),
    TrainingRow(
        SEGFORMER,
        "AdamW",
        "accumulation of 3, clipping",
        ("--option", ACCUMULATE, "--option", CLIP),
    ),
    TrainingRow(
        FCN, "SGD", "accumulation of 3, clipping", ("--option", ACCUMULATE, "--option", CLIP)
    ),
    *(
        TrainingRow(SEGFORMER, "AdamW", f"workers: {number}", ("--workers", str(number)))
        for number in (1, 2, 4)
    ),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("words", nargs="*")
    options.add_argument("--lockstep", type=int, default=20)
    given = options.parse_args()
    text = DOCUMENT.read_text("utf-8")
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    for case in CASES:
        if not given.words or any(word in case.head for word in given.words):
            old = replaced(old, case.head, row(case, given.lockstep))
    kept = [line for line in old.splitlines() if any(line.startswith(c.head) for c in CASES)]
    kept.sort(key=lambda line: [line.startswith(case.head) for case in CASES].index(True))
    table = "\n".join([HEADER, RULE, *kept])
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", "utf-8")


def replaced(table: str, head: str, made: str) -> str:
    lines = [line for line in table.splitlines() if not line.startswith(head)]
    return "\n".join([*lines, made])


def row(case: TrainingRow, iterations: int) -> str:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "parity", "train", case.config, "--small"]
        command += ["--lockstep", str(iterations), "--out", folder, *case.arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{case.head} {done.stderr}")
    verdict = next(
        line for line in done.stdout.splitlines() if line.startswith(("equal:", "different:"))
    )
    values = verdict.partition("all ")[2].partition(" ")[0]
    told = "bit-equal" if done.returncode == 0 else verdict
    seconds = round(time.monotonic() - began)
    print(case.head, told, values, seconds, flush=True)
    return f"{case.head} {iterations} | {values} | {told} | {seconds} |"


if __name__ == "__main__":
    main()
