"""What only a GPU shows: each family trained on both sides at full size, and how fast.

    python scripts/gpu.py [--out reports/gpu] [--lockstep 200]

Data are synthetic, in the shapes of ADE20K. Writes training.md and training.json, after each
family anew, and of each family what ``parity train`` writes.
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from parity.errors import InputError, ParityError
from parity.files import make_folder, write_atomically
from parity.probes.device import check_device
from parity.report.training import render_training, verdict
from parity.report.training_json import render_training_json
from parity.train.asked import CANDIDATE, REFERENCE, TrainOptions
from parity.train.equivalence import MARGIN
from parity.train.record import train
from parity.train.seeds import Trainings
from parity.train.settings import TrainingSettings, read_settings

DINO = str(Path(__file__).parent / "runs/configs/dinov2_vitb14_linear_ade20k-518x518.py")
FAMILIES = (
    "fcn_r50-d8_4xb4-80k_ade20k-512x512",
    "pspnet_r50-d8_4xb4-80k_ade20k-512x512",
    "upernet_r50_4xb4-160k_ade20k-512x512",
    "swin-small-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512",
    "segformer_mit-b2_8xb2-160k_ade20k-512x512",
    "knet-s3_r50-d8_upernet_8xb2-adamw-80k_ade20k-512x512",
    "mask2former_swin-s_8xb2-160k_ade20k-512x512",
    DINO,
)
IMAGES, SIZE, CLASSES = 64, (512, 683), 150
ALONE = 30  # iterations of each side by itself, of which the first WARM are not timed
WARM = 5
SIDES = (REFERENCE, CANDIDATE)


@dataclass
class GpuRow:
    """Of one config. rate: iterations a second; memory: most MiB on the GPU; by side."""

    config: str
    verdict: str
    rate: dict[str, float]
    memory: dict[str, float]

    @property
    def markdown(self) -> str:
        numbers = [f"{part[side]:.2f}" for part in (self.rate, self.memory) for side in SIDES]
        return f"| {self.config} | {self.verdict} | {' | '.join(numbers)} |"


def make_data(root: Path, images: int) -> None:
    """Smooth noise, and labels of a few blobs, as ADE20K lies on a disk."""
    rng = np.random.RandomState(0)
    height, width = SIZE
    for kind in ("images", "annotations"):
        (root / kind / "training").mkdir(parents=True)
    for index in range(images):
        coarse = rng.randint(0, 256, (16, 22, 3), np.uint8)
        labels = rng.randint(0, CLASSES + 1, (6, 8), np.uint8)
        image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        label = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(root / "images" / "training" / f"{index:04}.jpg"), image)
        cv2.imwrite(str(root / "annotations" / "training" / f"{index:04}.png"), label)


def measure(settings: TrainingSettings, options: TrainOptions) -> tuple[float, float]:
    """Iterations a second and most MiB of one side by itself."""
    times: list[float] = []

    def tick(iteration: int) -> None:
        if options.device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter())

    if options.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    train(settings, options, tick)
    known = times[min(WARM, len(times) - 2) :]
    peak = torch.cuda.max_memory_allocated() / 2**20 if options.device == "cuda" else 0.0
    return (len(known) - 1) / (known[-1] - known[0]), peak


def run(config: str, root: Path, out: Path, given: argparse.Namespace) -> GpuRow:
    """Both sides in lockstep, held to float64 where they are not bit-equal; then each alone."""
    settings = read_settings(config, data=root, small=given.small, options=given.option)
    name = Path(config).stem
    with tempfile.TemporaryDirectory(prefix="parity-gpu-") as work:
        common = {"device": given.device, "work_dir": Path(work)}
        count = given.lockstep
        together = TrainOptions(lockstep=count, iters=count, precise=True, **common)
        found = train(settings, together)
        alone = {
            side: measure(settings, TrainOptions(side=side, iters=min(ALONE, count), **common))
            for side in SIDES
        }
    shown = Trainings((found,), MARGIN)
    write_atomically(out / f"{name}.txt", render_training(shown).encode())
    write_atomically(out / f"{name}.json", render_training_json(shown).encode())
    rate, memory = ({side: pair[at] for side, pair in alone.items()} for at in (0, 1))
    return GpuRow(name, verdict(found), rate, memory)


def write(rows: Sequence[GpuRow], out: Path, device: str) -> None:
    where = torch.cuda.get_device_name() if device == "cuda" else device
    head = ("config", "verdict", "reference it/s", "ours it/s", "reference MiB", "ours MiB")
    lines = [f"{where}, torch {torch.__version__}", "", f"| {' | '.join(head)} |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: |", *(row.markdown for row in rows)]
    write_atomically(out / "training.md", "\n".join([*lines, ""]).encode())
    content = {"device": where, "torch": torch.__version__, "rows": [asdict(row) for row in rows]}
    write_atomically(out / "training.json", json.dumps(content, indent=2).encode())


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of mmengine and mmseg, about themselves
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=FAMILIES)
    parser.add_argument("--out", type=Path, default=Path("reports/gpu"))
    parser.add_argument("--lockstep", type=int, default=200)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="as of parity train")
    parser.add_argument("--option", action="append", default=[])
    given = parser.parse_args(arguments)
    rows: list[GpuRow] = []
    try:
        check_device(given.device)
        make_folder(given.out)
        with tempfile.TemporaryDirectory(prefix="parity-data-") as root, _quiet():
            make_data(Path(root), IMAGES)
            for config in given.configs:
                try:
                    rows.append(run(config, Path(root), given.out, given))
                except InputError as error:  # one family that does not go through ends no other
                    nothing = dict.fromkeys(SIDES, float("nan"))
                    rows.append(
                        GpuRow(Path(config).stem, f"not trained: {error}", nothing, nothing)
                    )
                write(rows, given.out, given.device)
    except ParityError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print((given.out / "training.md").read_text())
    good = [row.verdict.startswith(("equal", "no finding")) for row in rows]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
