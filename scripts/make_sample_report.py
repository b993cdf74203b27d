"""Make reports/sample: one planted defect, small inputs, live mmsegmentation.

    python scripts/make_sample_report.py [FOLDER]

The candidate is this package's own pipeline in which the crop draws the left
offset before the top one. The same mmsegmentation gives the same files.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import RandomState

from parity.candidate.own import OWN, check_own
from parity.candidate.sides import OwnSteps
from parity.check.cases import Case, list_root, probe_cases
from parity.check.exhibit import Collector, Exhibit
from parity.check.plan import Plan
from parity.check.progress import Progress
from parity.check.workers import use_one_thread
from parity.environment import cpu_capability, environment
from parity.fixtures import inputs_root
from parity.live import reference_header
from parity.pipeline import TrainPipeline, ValPipeline
from parity.probes.catalogue import train_tail, val_tail
from parity.report.assemble import CheckDetails, report_of_check
from parity.report.document import CheckRun, Report
from parity.report.palette import CLASSES
from parity.report.write import write_report
from parity.sample import Sample
from parity.steps.crop import crop_sample

FOLDER = Path(__file__).resolve().parent.parent / "reports" / "sample"
PHOTOGRAPHS = ("astronaut", "coffee")
SEEDS = range(12)
# Every so many seeds the loss is computed, as parity check does every tenth.
SEEDS_PER_LOSS = 6
TRAIN = TrainPipeline(scale=(160, 80), crop_size=(64, 80))
VAL = ValPipeline(scale=(128, 64))
CAPABILITY = "CPU capability"
CANDIDATE = "mmseg-parity's own steps, one defect planted in crop"


def crop_left_first(sample: Sample, rng: RandomState, **options: Any) -> Sample:
    """The defect: the same crop, its two offsets drawn in the other order."""
    turned = sample.replace(
        image=sample.image.transpose(1, 0, 2), seg=np.ascontiguousarray(sample.seg.T)
    )
    options["crop_size"] = options["crop_size"][::-1]
    cropped = crop_sample(turned, rng, **options)
    image = np.ascontiguousarray(cropped.image.transpose(1, 0, 2))
    seg = np.ascontiguousarray(cropped.seg.T)
    return cropped.replace(
        image=image, seg=seg, meta=cropped.meta.replace(img_shape=image.shape[:2])
    )


def cases() -> list[Case]:
    """Training in turn on two photographs, validation on each, every single step once."""
    infos = [info for info in list_root(inputs_root()) if Path(info.img_path).stem in PHOTOGRAPHS]
    made = []
    for seed in SEEDS:
        info = infos[seed % len(infos)]
        steps = TRAIN.steps + (() if seed % SEEDS_PER_LOSS else train_tail(TRAIN.crop_size))
        info = TRAIN.data_info(info.img_path, info.seg_map_path)
        made.append(Case("train", Path(info.img_path).name, seed, steps, info=info))
    for info in infos:
        start = VAL.data_info(info.img_path, info.seg_map_path)
        name = Path(info.img_path).name
        made.append(Case("val", name, 0, VAL.steps + val_tail(), info=start))
    return made + probe_cases(range(1))


def make_report() -> Report:
    use_one_thread()
    versions, notes = reference_header()
    seeds = (SEEDS.start, SEEDS.stop)
    plan = Plan("live", cases(), {**versions, **machine()}, notes, seeds)
    collector, exhibits = Collector(), list[Exhibit]()
    check = check_own(
        plan,
        replace(OWN, class_names=CLASSES),
        Progress(collector.watch),
        own=OwnSteps({"crop": crop_left_first}),
        exhibits=exhibits,
        shown=1,
    )
    evidence = CheckDetails(collector.outcomes, exhibits)
    run = CheckRun("make sample-report", roots={"{inputs}": str(inputs_root())})
    report = report_of_check(check, evidence, run, candidate=CANDIDATE)
    return replace(report, run=replace(run, roots={"{inputs}": "fixtures/inputs"}))


def machine() -> dict[str, str]:
    """Versions without the name of the machine, but with what its float sums depend on."""
    kept = {name: text for name, text in environment().items() if name not in ("CPU", "GPU")}
    return {**kept, CAPABILITY: cpu_capability()}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for path in write_report(make_report(), folder):
        print(f"wrote {path}")
