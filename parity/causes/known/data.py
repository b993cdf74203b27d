"""The images and labels that a run trained on, and how they were loaded."""

from __future__ import annotations

from parity.causes.cause import (
    UNMEASURED,
    Cause,
    Effect,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.facts import classes_of, dataset, environment, steps
from parity.causes.table import NO_CONFIG, NO_ROW, nothing_to_compare
from parity.runs.counts import scored_images, trained_images
from parity.runs.datasets import KNOWN, planned_images, planned_validation
from parity.runs.facts import Fact
from parity.runs.record import Run
from parity.settings.diff import shown
from parity.settings.items import Item, walk
from parity.settings.terms import Terms, signatures

_DATA = "train_dataloader.dataset"
_FIXED = (1, 2, 2)  # reads reduce before map in mmseg/datasets/transforms/loading.py
_AUGMENTS = {
    "random resize": ("RandomResize", "RandomChoiceResize"),
    "random crop": ("RandomCrop",),
    "flip": ("RandomFlip",),
    "photometric distortion": ("PhotoMetricDistortion",),
}
# Their task is the boundary between classes.
_BINARY = ("STDCHead",)
FEW = 2  # this many augmentations fewer than the zoo's config is another training
# Fewer images than this share of the whole are a part of it.
ENOUGH = 0.95


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
        return Unchecked(
            f"the config asks for all {wanted} training images; no log counts those there were",
            "the number of files in the folder of the training images",
        )
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


def _reduce_zero(context: RunContext) -> Verdict:
    terms = context.mine
    if terms is None:
        return NO_CONFIG
    train, val = (_reduction(terms, split) for split in ("train", "val"))
    if train.value is None or val.value is None:
        return Unchecked(
            "whether both sides reduce label 0 is not in the config", "both LoadAnnotations options"
        )
    evidence = (*_place(context, terms, train, "train"), *_place(context, terms, val, "val"))
    if train.value != val.value:
        detail = f"reduce_zero_label is {train.value} in training and {val.value} in validation"
        why = "the config states both; every class is then off by one between them"
        return Found(evidence, "certain", why, detail, 0.9)
    kind = dataset(terms, "train").kind
    info = KNOWN.get(kind)
    if info is not None and info.reduces and not train.value:
        detail = f"reduce_zero_label is False; in the labels of {info.name}, 0 is no class"
        return Found(evidence, "certain", "the config states it", detail, 0.9)
    if context.differing("*.dataset.reduce_zero_label"):
        detail = f"reduce_zero_label is {train.value}, not so in {context.expected_name}"
        why = "both configs state it"
        if info is None:
            return Found(evidence, "certain", why, detail, 0.9)
        detail += f"; {train.value} is what the labels of {info.name} need"
        title = "Label 0 is handled as the data needs it, there otherwise"
        fix = "Nothing here; set reduce_zero_label there as the data needs it."
        return Found(evidence, "certain", why, detail, kind="different", title=title, fix=fix)
    if info is None:
        return Unchecked(
            f"reduce_zero_label is {train.value} on both sides; whether the labels of {kind} need "
            "it is not known here",
            "the ids in one label map",
        )
    return RuledOut(f"reduce_zero_label is {train.value}, as the labels of {info.name} need it",
                    evidence)  # fmt: skip


def _reduction(terms: Terms, split: str) -> Item:
    return dataset(terms, split).get("reduce_zero_label")


def _place(context: RunContext, terms: Terms, item: Item, split: str) -> tuple:  # type: ignore[type-arg]
    place = item if item.place is not None else dataset(terms, split)
    return context.evidence(terms.source(place), f"reduce_zero_label={item.value}")


def _num_classes(context: RunContext) -> Verdict:
    terms = context.mine
    if terms is None:
        return NO_CONFIG
    classes = classes_of(context.run, terms)
    if classes is None or classes.how == "head":
        return Unchecked("how many classes the data set has is not known", "its classes, or a log "
                         "with a table per class")  # fmt: skip
    heads = [
        item.get("num_classes")
        for key in ("decode_head", "auxiliary_head")
        for path, item in walk(terms.item("model", key))
        if type(item.get("num_classes").value) is int
        and len(path) <= 1
        and item.kind not in _BINARY
    ]
    wrong = [head for head in heads if head.value != classes.count]
    if wrong and context.expected is not None and not context.differing("model.*num_classes"):
        return RuledOut(f"as in {context.expected_name}")
    if not wrong:
        return RuledOut(f"every head has the {classes.count} classes of the data ({classes.how})")
    evidence = tuple(e for head in wrong for e in context.evidence(terms.source(head), head.value))
    numbers = ", ".join(sorted({str(head.value) for head in wrong}))
    detail = f"num_classes is {numbers}; the data has {classes.count} classes ({classes.how})"
    return Found(evidence, "certain", "the config states it", detail)


def _label_map_order(context: RunContext) -> Verdict:
    if context.mine is None:
        return NO_CONFIG
    owner = dataset(context.mine, "train")
    if owner.get("metainfo", "classes").is_empty:
        return RuledOut("no classes are chosen, so labels are not mapped")
    version = environment(context, "MMSegmentation")
    number = tuple(
        int(part) for part in (version.value or "").split("+")[0].split(".")[:3] if part.isdigit()
    )
    if not number:
        return Unchecked("the log does not name mmseg's version", "mmseg's version in training")
    if number >= _FIXED:
        return RuledOut(f"mmseg {version.value} reduces first", context.of_fact(version))
    evidence = (*context.evidence(context.mine.source(owner)), *context.of_fact(version))
    detail = f"mmseg {version.value} with chosen classes"
    return Found(evidence, "possible", "which versions map first is not settled", detail,
                 kind="marker")  # fmt: skip


def _label_interpolated(context: RunContext) -> Verdict:
    if context.mine is None:
        return NO_CONFIG
    used = [item.kind for item in steps(context.mine, "train")]
    known = {**signatures()["mmseg"], **signatures()["mmengine"]}
    own = [name for name in used if name not in known]
    if used and not own:
        return RuledOut("every transform is mmseg's own, and these resize labels to the nearest")
    return Unchecked(
        f"the pipeline uses {own[0]}" if own else "the config has no training pipeline",
        "the code of that transform, or parity check of it (--parity FILE)",
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


CAUSES = (
    Cause(
        id="data-subset",
        seen="images by the log's epochs and validation batches, or by what the config asks for",
        title="Only part of the data",
        mechanism="Fewer, smaller or broken images are trained on, or scored.",
        effects=(
            Effect(
                "DINOv2-B, semi-supervised: 38.7 with 316 images, 49.8 with 2526",
                "LiheYoung/UniMatch-V2",
                low=-11.1,
                high=-11.1,
            ),
        ),
        fix="Use the whole data set.",
        detect=_data_subset,
        paths=(
            f"{_DATA}.indices",
            f"{_DATA}.ann_file",
            f"{_DATA}.type",
            f"{_DATA}.datasets*",
            "val_dataloader.dataset.indices",
        ),
    ),
    Cause(
        id="reduce-zero",
        seen="reduce_zero_label of both sides, and what the data set's labels need",
        title="Labels off by one: label 0 handled in two ways",
        mechanism=(
            "ADE20K's label 0 becomes 255 and every other is lowered by one; left out, done twice, "
            "or done on one side only, the model is scored on other classes than it learnt."
        ),
        effects=(Effect("IoU stays constant; no figure", "M#2050, M#1609", "unmeasured"),),
        fix="Set reduce_zero_label alike, as the zoo's config does, in data sets and pipelines.",
        detect=_reduce_zero,
        kind="broken",
        paths=("*.reduce_zero_label",),
        step="load*",
        words=("zero", "reduce", "254", "255"),
    ),
    Cause(
        id="num-classes",
        seen="num_classes of every head against the classes of the data",
        title="The head has another number of classes than the data",
        mechanism="Classes that no label holds take part in every softmax, or labels lie outside "
        "the classes.",
        effects=(UNMEASURED,),
        fix="Set num_classes of every head to the number of classes of the data set.",
        detect=_num_classes,
        paths=("model.*num_classes", "model.*out_channels"),
    ),
    Cause(
        id="label-map-order",
        seen="chosen classes with mmseg's version in the log",
        title="Labels mapped before label 0 was taken out",
        mechanism="With chosen classes, older versions map ids before they are lowered by one.",
        effects=(UNMEASURED,),
        fix="Upgrade mmseg to 1.2.2 (M#2500).",
        detect=_label_map_order,
        step="load*",
        words=("label_map", "label map", "mapping"),
    ),
    Cause(
        id="label-interpolated",
        seen="a parity report (--parity); ruled out where every transform is mmseg's own",
        title="Labels resized by interpolation",
        mechanism="Bilinear resizing of a label map invents ids between neighbours.",
        effects=(UNMEASURED,),
        fix="Resize labels to the nearest neighbour.",
        detect=_label_interpolated,
        kind="broken",
        step="resize",
        words=("label", "nearest", "ids"),
    ),
    Cause(
        id="minimal-port",
        seen="the training pipeline's steps against the zoo's",
        title="A minimal port of the training",
        mechanism="A linear head and flips alone stand in for the whole pipeline.",
        effects=(
            Effect(
                "DINOv2-S 0.33 instead of 0.44",
                "facebookresearch/dinov2#385",
                low=-11.0,
                high=-11.0,
            ),
        ),
        fix="Port the whole pipeline.",
        detect=_minimal_port,
        paths=tuple(f"{_DATA}.pipeline.{name}" for names in _AUGMENTS.values() for name in names),
    ),
)
