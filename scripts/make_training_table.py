"""The tables of docs/training.md: each config trained on both sides, small, on the CPU.

    python scripts/make_training_table.py [WORD ...] [--lockstep 20]
    python scripts/make_training_table.py [WORD ...] --whole

With words only the rows that hold one of them are made anew; the others stay as they are.
--whole: the table of trainings to a score, with three seeds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "training.md"
BEGIN, END = "<!-- table: scripts/make_training_table.py -->", "<!-- end of table -->"
WHOLE = "<!-- table of whole trainings: scripts/make_training_table.py -->"
WHOLE_HEADER = (
    "| config | smaller by | iterations | mIoU of ours | of the reference | verdict | seconds |"
)
WHOLE_RULE = "| --- | --- | ---: | --- | --- | --- | ---: |"
HEADER = "| config | optimizer | further | iterations | values | verdict | seconds |"
RULE = "| --- | --- | --- | ---: | ---: | --- | ---: |"
ADAMW = "optim_wrapper.optimizer={'type': 'AdamW', 'lr': 1e-4, 'weight_decay': 0.01}"
SGD = "optim_wrapper.optimizer={'type': 'SGD', 'lr': 0.01, 'momentum': 0.9, 'weight_decay': 5e-4}"
CLIP = "optim_wrapper.clip_grad={'max_norm': 0.5}"
OWN = "the loss of its head is not ours"
ACCUMULATE = "optim_wrapper.accumulative_counts=3"
EPOCHS = (
    "train_cfg={'type': 'EpochBasedTrainLoop', 'max_epochs': 10, 'val_interval': 1}",
    "train_dataloader.sampler={'type': 'DefaultSampler', 'shuffle': True}",
    "param_scheduler=[{'type': 'LinearLR', 'start_factor': 1e-6, 'by_epoch': True, 'begin': 0, "
    "'end': 1, 'convert_to_iter_based': True}, "
    "{'type': 'PolyLR', 'power': 1.0, 'by_epoch': True, 'begin': 1, 'end': 10}]",
)


@dataclass(frozen=True)
class TrainingRow:
    """One row. second: the optimizer; of whole trainings, what of the model is smaller."""

    config: str
    second: str
    further: str | None = None
    arguments: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """Its first cells, by which it is known."""
        cells = (self.config, self.second, self.further)
        return f"| {' | '.join(cell for cell in cells if cell is not None)} |"


KNET = "knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512"
SWIN = "swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512"
FCN = "fcn_r50-d8_4xb4-80k_ade20k-512x512"
SEGFORMER = "segformer_mit-b0_8xb2-160k_ade20k-512x512"


def options(*texts: str) -> tuple[str, ...]:
    return tuple(part for text in texts for part in ("--option", text))


def smaller(**values: object) -> tuple[str, ...]:
    """Options of the command, `__` for a dot."""
    return options(*(f"model.{key.replace('__', '.')}={one!r}" for key, one in values.items()))


SHARED = options(ACCUMULATE, CLIP)
CASES = (
    TrainingRow(FCN, "SGD", ""),
    TrainingRow("pspnet_r50-d8_4xb4-80k_ade20k-512x512", "SGD", ""),
    TrainingRow("upernet_r50_4xb4-80k_ade20k-512x512", "SGD", ""),
    TrainingRow(SWIN, "AdamW", ""),
    TrainingRow(SEGFORMER, "AdamW", ""),
    TrainingRow(KNET, "AdamW", f"clipping; {OWN}"),
    TrainingRow("mask2former_swin-t_8xb2-160k_ade20k-512x512", "AdamW", OWN),
    TrainingRow("ocrnet_hr18s_4xb4-80k_ade20k-512x512", "SGD", "two heads in a cascade"),
    TrainingRow("pointrend_r50_4xb4-160k_ade20k-512x512", "SGD", OWN),
    TrainingRow("segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512", "AdamW", ""),
    TrainingRow(FCN, "AdamW", "", options(ADAMW)),
    TrainingRow(SEGFORMER, "SGD", "", options(SGD)),
    TrainingRow(SEGFORMER, "AdamW", "accumulation of 3, clipping", SHARED),
    TrainingRow(FCN, "SGD", "accumulation of 3, clipping", SHARED),
    TrainingRow(SEGFORMER, "AdamW", "by epoch, `DefaultSampler`", options(*EPOCHS)),
    *(
        TrainingRow(SEGFORMER, "AdamW", f"workers: {number}", ("--workers", str(number)))
        for number in (1, 2, 4)
    ),
)


WHOLE_CASES = (
    TrainingRow(
        FCN,
        "ResNet-18, a quarter of its channels",
        arguments=smaller(
            backbone__depth=18,
            backbone__base_channels=16,
            backbone__stem_channels=16,
            decode_head__in_channels=128,
            decode_head__channels=32,
            auxiliary_head__in_channels=64,
            auxiliary_head__channels=16,
        ),
    ),
    TrainingRow(SEGFORMER, "nothing"),
    TrainingRow(
        SWIN,
        "a quarter of its channels, two blocks a stage",
        arguments=smaller(
            backbone__embed_dims=24,
            backbone__depths=(2, 2, 2, 2),
            backbone__num_heads=(1, 2, 4, 8),
            decode_head__in_channels=[24, 48, 96, 192],
            decode_head__channels=32,
            auxiliary_head__in_channels=96,
            auxiliary_head__channels=16,
        ),
    ),
    TrainingRow(
        KNET,
        "ResNet-18",
        arguments=smaller(
            backbone__depth=18,
            decode_head__kernel_generate_head__in_channels=512,
            auxiliary_head__in_channels=256,
        ),
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--lockstep", type=int, default=20)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    begin, cases = (WHOLE, WHOLE_CASES) if given.whole else (BEGIN, CASES)
    title = (WHOLE_HEADER, WHOLE_RULE) if given.whole else (HEADER, RULE)
    for case in cases:
        if given.words and not any(word in case.head for word in given.words):
            continue
        made = whole_row(case) if given.whole else row(case, given.lockstep)
        before, rest = DOCUMENT.read_text("utf-8").split(begin)
        old, after = rest.split(END, 1)
        kept = replaced(old, case.head, made).splitlines()
        kept = [line for line in kept if any(line.startswith(c.head) for c in cases)]
        kept.sort(key=lambda line: [line.startswith(c.head) for c in cases].index(True))
        table = "\n".join([*title, *kept])
        DOCUMENT.write_text(f"{before}{begin}\n\n{table}\n\n{END}{after}", "utf-8")


def replaced(table: str, head: str, made: str) -> str:
    lines = [line for line in table.splitlines() if not line.startswith(head)]
    return "\n".join([*lines, made])


def trained(case: TrainingRow, *arguments: str) -> tuple[dict, str, int]:
    """What training.json says, whether all was bit-equal or where it was not, and seconds."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "parity", "train", case.config, "--small"]
        command += [*arguments, "--out", folder, *case.arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{case.head} {done.stderr}")
        content = json.loads((Path(folder) / "training.json").read_text("utf-8"))
    found = next((one["verdict"] for one in content["trainings"] if not one["equal"]), "bit-equal")
    seconds = round(time.monotonic() - began)
    print(case.head, found, seconds, flush=True)
    return content, found, seconds


def row(case: TrainingRow, iterations: int) -> str:
    content, found, seconds = trained(case, "--lockstep", str(iterations))
    counts = content["trainings"][0]["counts"].values()
    values = sum(count["compared"] for count in counts)
    return f"{case.head} {iterations} | {values:,} | {found} | {seconds} |"


def whole_row(case: TrainingRow) -> str:
    asked = ("--iters", "300", "--shorten", "--lockstep", "2", "--seeds", "0,1,2")
    content, found, seconds = trained(case, *asked)
    scores = content["scores"]
    ours, theirs = (
        ", ".join(f"{score:.3f}" for score in scores[side]) for side in ("candidate", "reference")
    )
    return (
        f"{case.head} 300 | {ours} | {theirs} | {found}; scores {scores['verdict']} | {seconds} |"
    )


if __name__ == "__main__":
    main()
