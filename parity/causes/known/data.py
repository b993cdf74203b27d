"""The images that a run trained on and was scored on, and how they were augmented."""

from parity.causes.cause import (
    NO_CONFIG,
    NO_ROW,
    Cause,
    Effect,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.facts import dataset, steps
from parity.causes.known.table import nothing_to_compare
from parity.runs.counts import scored_images, trained_images
from parity.runs.datasets import planned_images, planned_validation
from parity.runs.facts import Fact
from parity.runs.record import Run
from parity.settings.diff import shown

_DATA = "train_dataloader.dataset"
_AUGMENTS = {
    "random resize": ("RandomResize", "RandomChoiceResize"),
    "random crop": ("RandomCrop",),
    "flip": ("RandomFlip",),
    "photometric distortion": ("PhotoMetricDistortion",),
}
FEW = 2  # this many augmentations fewer than the zoo's config is another training
# Fewer images than this share of the whole are a part of it.
ENOUGH = 0.95


@Cause(
    id="data-subset",
    seen="images by the log's epochs and validation batches, or by what the config asks for",
    title="Only part of the data",
    mechanism="Fewer, smaller or broken images are trained on, or scored.",
    effects=(
        Effect.of(
            -11.1,
            "DINOv2-B, semi-supervised: 38.7 with 316 images, 49.8 with 2526",
            "LiheYoung/UniMatch-V2",
        ),
    ),
    fix="Use the whole data set.",
    paths=(
        f"{_DATA}.indices",
        f"{_DATA}.ann_file",
        f"{_DATA}.type",
        f"{_DATA}.datasets*",
        "val_dataloader.dataset.indices",
    ),
)
def _data_subset(context: RunContext) -> Verdict:
    terms = context.mine
    if terms is None and context.run.settings.dataset_size.value is None:
        return NO_CONFIG
    if terms is not None:
        for split in ("train", "val"):
            part = dataset(terms, split).get("indices")
            if not part.is_empty and (split == "train" or _whole(context, split) is not None):
                evidence = context.evidence(terms.source(part))
                detail = f"{split}_dataloader.dataset.indices is {shown(part)}"
                why = "the config takes a part of the data set"
                return Found(evidence, "certain", why, detail)
    wanted = _whole(context, "train")
    mine = _images(context.run, "train")
    scored = _too_few_scored(context)
    if scored is not None:
        return scored
    if wanted is None or mine is None:
        return NO_ROW if context.expected is None else Unchecked(
            "how many images were trained on is not known", "the number of training images"
        )  # fmt: skip
    detail = f"{mine.value} of {wanted} training images"
    evidence = context.of_fact(mine)
    if (mine.value or 0) < ENOUGH * wanted:
        severity = 1 - (mine.value or 0) / wanted
        return Found(evidence, "certain", "the files count them", detail, severity)
    if trained_images(context.run) is None:
        why = f"the config asks for all {wanted} training images; no log counts those there were"
        return Unchecked(why, "the number of files in the folder of the training images")
    return RuledOut(f"the log counts {detail}", evidence)


def _images(run: Run, split: str) -> Fact[int] | None:
    """The most images that a run can have had, by its log, else by its config."""
    counted = trained_images(run) if split == "train" else scored_images(run)
    if counted is not None:
        return Fact(counted[1], counted[2])
    if split == "val":
        planned = Fact[int]() if run.config is None else planned_validation(run.config)
        return planned if planned.known else None
    size = run.settings.dataset_size
    return size if size.known else None


def _whole(context: RunContext, split: str) -> int | None:
    """How many images what the run is compared with has."""
    if context.other is not None:
        found = _images(context.other, split)
        return found.value if found is not None else None
    if context.expected is None or context.expected.config is None:
        return None
    config = context.expected.config
    return (planned_images(config) if split == "train" else planned_validation(config)).value


def _too_few_scored(context: RunContext) -> Found | None:
    counted, whole = scored_images(context.run), _whole(context, "val")
    if counted is None or whole is None or counted[1] >= ENOUGH * whole:
        return None
    evidence = context.evidence(counted[2])
    detail = f"scored on at most {counted[1]} of {whole} images"
    return Found(evidence, "certain", "the log counts the batches", detail, 1 - counted[1] / whole)


@Cause(
    id="minimal-port",
    seen="the training pipeline's steps against the zoo's",
    title="A minimal port of the training",
    mechanism="A linear head and flips alone stand in for the whole pipeline.",
    effects=(Effect.of(-11.0, "DINOv2-S 0.33 instead of 0.44", "facebookresearch/dinov2#385"),),
    fix="Port the whole pipeline.",
    paths=tuple(f"{_DATA}.pipeline.{name}" for names in _AUGMENTS.values() for name in names),
)
def _minimal_port(context: RunContext) -> Verdict:
    lacking = nothing_to_compare(context)
    if lacking is not None or context.mine is None or context.expected is None:
        return lacking or NO_ROW
    mine = {item.kind for item in steps(context.mine, "train")}
    theirs = {item.kind for item in steps(context.expected, "train")}
    left_out = [
        what
        for what, names in _AUGMENTS.items()
        if theirs.intersection(names) and not mine.intersection(names)
    ]
    if not mine:
        return NO_CONFIG
    if len(left_out) < FEW:
        return RuledOut("the training pipeline has the zoo's augmentations")
    evidence = context.evidence(context.mine.source(dataset(context.mine, "train").get("pipeline")))
    return Found(evidence, "certain", "the config states it", f"without {', '.join(left_out)}")
