"""How a score was made, and what it is compared with."""

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
from parity.causes.facts import steps
from parity.settings.terms import Terms
from parity.zoo.configs import model_signature
from parity.zoo.noise import judge

_RESIZES = ("Resize", "RandomResize", "ResizeShortestEdge", "ResizeToMultiple", "CenterCrop")
# A score from so late in the training, as a share of it, is one of nearly the same weights.
_LATE = 0.95
_SINGLE = ("none", "off", "False", "ss", "single scale", "")


def _metric(name: str, title: str, mechanism: str, effect: Effect, *words: str) -> Cause:
    fix = "Port mmseg's IoUMetric, or use it."
    seen = "a parity report (--parity); ruled out where mmseg's IoUMetric made the score"
    return Cause(name, title, mechanism, fix, seen, (effect,), step="iou*", words=words,
                 needs_config=True)  # fmt: skip


_NO_FIGURE = Effect("no figure", "torchmetrics #1693, #2558, #2866", "unmeasured")


@_metric(
    "iou-average",
    "IoU averaged per image",
    "mmseg sums areas over the data set; others average per image or batch.",
    _NO_FIGURE,
    *("per image", "average", "per batch"),
)
@_metric(
    "metric-ignore",
    "Ignored pixels in the metric",
    "mmseg masks prediction and label where the label is ignored.",
    Effect("disputed; no figure", "huggingface/evaluate#421, M#2655", "unmeasured"),
    *("ignore", "255"),
)
@_metric(
    "nan-class",
    "Absent classes counted as 0",
    "mmseg leaves classes that do not occur out of the mean; others count them as 0.",
    _NO_FIGURE,
    *("nan", "absent"),
)
def _own_metric(context: RunContext, terms: Terms) -> Verdict:
    """Ruled out when mmseg's IoUMetric made the score."""
    for place in ("val_evaluator", "test_evaluator"):
        found = terms.item(place, "IoUMetric")
        if found.fields:
            evidence = context.evidence(terms.source(found))
            return RuledOut("mmseg's IoUMetric made the score", evidence)
    why = "another metric, or none that the config names, made the score"
    return Unchecked(why, "a parity check of it (parity check iou), given by --parity FILE")


@Cause(
    id="best-vs-last",
    seen="all scores of the run",
    title="Best score against last score",
    mechanism="save_best reports a maximum over all validations.",
    fix="Report both, and compare like with like.",
    kind="marker",
)
def _best_vs_last(context: RunContext) -> Verdict:
    best, last = context.run.best, context.run.last
    if best is None or last is None:
        return Unchecked("the run has no score", "the log of a validation")
    difference = best.value - last.value
    if context.gap is None or not difference >= 0.005 or context.gap >= 0:
        return RuledOut(f"the last score, {last.value:.2f}, is the one compared")
    evidence = (
        *context.evidence(best.source, best.value),
        *context.evidence(last.source, last.value),
    )
    detail = (
        f"the best, {best.value:.2f} at iteration {best.step}, is {difference:.2f} above the last; "
        "a maximum over several validations is higher than a score fixed beforehand"
    )
    return Found(evidence, "possible", "which of its scores the zoo reports is not stated", detail)


@Cause(
    id="early-score",
    seen="the iteration of the last score against the last logged one",
    title="The score is not of the end of the training",
    mechanism="A validation in the middle scores weights at a larger learning rate.",
    fix="Score the last checkpoint (tools/test.py CONFIG CHECKPOINT).",
    test="score the run's last checkpoint, and explain it with the log of that test",
)
def _early_score(context: RunContext) -> Verdict:
    score, settings = context.run.last, context.run.settings
    if score is None or score.step is None:
        return Unchecked("no score with its iteration is in the run", "the log of a validation")
    trained = any(map(len, context.run.curves.values()))
    end = settings.iterations if trained else settings.max_iters
    if end.value is None:
        return Unchecked("how far the training went is not known", "the training's log")
    if score.step >= _LATE * end.value:
        return RuledOut(f"the score is of iteration {score.step} of {end.value}")
    went = "the training went on to" if trained else "the config plans"
    told = f"the score is of iteration {score.step}, and {went} {end.value}"
    evidence = (*context.evidence(score.source, score.value), *context.of_fact(end))
    why, severity = "the files state both", 1 - score.step / end.value
    return Found(evidence, "certain", why, told, severity, part_of="truncated-run")


@Cause(
    id="seed-noise",
    seen="the gap against the spread of published repeats",
    title="Within seed noise",
    mechanism="Seeds, data order and nondeterministic kernels make runs of one config differ.",
    effects=(
        Effect.within(0.37, "pooled standard deviation 0.37 of five-run repeats", "M#2191"),
        Effect('Mask2Former: "very large variance"', "F#5", "unmeasured"),
        Effect.within(0.7, "nondeterministic bilinear backward, 0.7 on Cityscapes", "M#255"),
    ),
    fix="Repeat with several seeds and test for equivalence.",
    kind="marker",
)
def _seed_noise(context: RunContext) -> Verdict:
    if context.gap is None:
        return Unchecked("there is no gap", "a score, and a zoo row (--against NAME)")
    verdict = judge(context.gap, zoo=context.other is None)
    told = f"gap {context.gap:+.2f}, noise from {verdict.low:+.2f} to {verdict.high:+.2f}"
    if verdict.outside:
        return RuledOut(told)
    last = context.run.last
    evidence = context.evidence(last.source if last else None)
    return Found(evidence, "likely", "two runs of one config differ by as much", told)


@Cause(
    id="tta",
    seen="the test pipeline that made the score",
    title="Several scales and flips for one",
    mechanism="Test-time augmentation averages over scales and flips and scores higher.",
    effects=(
        Effect("SegFormer 0.74 to 1.57", "zoo", low=0.74, high=1.57),
        Effect.of(1.19, "K-Net Swin-L 1.19", "zoo"),
        Effect.of(2.36, "DINOv2 48.94 against 51.3", "zshn25/DINOv2_mmseg#2"),
    ),
    fix="Compare scores that were made in the same way.",
)
def _tta(context: RunContext) -> Verdict:
    fact = context.run.settings.test_time_augmentation
    if not fact.known:
        return Unchecked("how the score was made is not known", "the log of the test")
    if str(fact.value) in _SINGLE:
        return RuledOut("scored on a single scale, as the zoo's mIoU column is")
    if context.other is None and context.row is None:
        return Unchecked(f"scored with {fact.value}; nothing to compare it with", NO_ROW.needs)
    if context.other is not None:
        theirs = context.other.settings.test_time_augmentation
        if theirs.value == fact.value:
            return RuledOut(f"both runs are scored with {fact.value}")
    detail = f"{fact.value}; the zoo's mIoU column is of a single scale"
    return Found(context.of_fact(fact), "certain", "the files state it", detail)


@Cause(
    id="wrong-row",
    seen="the row given against the one that the run's config is of",
    title="Compared with another row than its own",
    mechanism="Another backbone, crop or test, or a paper's figure instead of the zoo's.",
    effects=(Effect.within(1.2, "Mask2Former Swin-S 512 is 51.24; 52.44 is Swin-B 640", "zoo"),),
    fix="Compare with the row of the same config.",
    kind="marker",
)
def _wrong_row(context: RunContext) -> Verdict:
    row, own = context.row, context.own
    if context.other is not None:
        return RuledOut("compared with a run, not with a row")
    if row is None:
        return NO_ROW
    if own is not None and own.name != row.name:
        detail = f"the run's config is that of {own.name} ({own.miou:.2f}), not of {row.name}"
        evidence = context.of_setting("model", "backbone", "type")
        return Found(evidence, "certain", f"compared with {row.miou:.2f}", detail, kind="marker")
    if context.run.config is None:
        return NO_CONFIG
    if context.expected is None or context.expected.config is None:
        return Unchecked("the row's config cannot be read", "mmsegmentation, installed")
    mine = model_signature(context.run.config)
    if mine == model_signature(context.expected.config):
        return RuledOut(f"decode head and backbone are those of {row.name}")
    evidence = context.of_setting("model", "backbone", "type")
    detail = f"the run's model is not that of {row.name}"
    return Found(evidence, "certain", "both configs state it", detail, kind="marker")


@Cause(
    id="lowres-eval",
    seen="the order of loading labels and resizing in the validation pipeline",
    title="Scored on reduced label maps",
    mechanism="Labels are resized with the image, so the score is not of the original size.",
    effects=(Effect.of(-5.9, "DINOv2-L 41.8 instead of 47.7", "valeoai/Franca#2"),),
    fix="Load labels after resizing, and score at the original size.",
    paths=("val_dataloader.dataset.pipeline.*.position",),
    step="load_annotation",
    words=("size", "resize"),
    needs_config=True,
)
def _lowres(context: RunContext, terms: Terms) -> Verdict:
    items = steps(terms, "val")
    names = [item.kind for item in items]
    if "LoadAnnotations" not in names:
        return Unchecked("the validation pipeline loads no labels", "the code that scores")
    at = names.index("LoadAnnotations")
    later = [index for index, name in enumerate(names) if name in _RESIZES and index > at]
    if not later:
        return RuledOut("labels are loaded after the image is resized, at their own size")
    places = [terms.source(items[index]) for index in (at, later[0])]
    evidence = tuple(item for place in places for item in context.evidence(place))
    return Found(evidence, "certain", "the config loads labels first, then resizes both")


@Cause(
    id="pad-not-removed",
    seen="Pad in the validation pipeline",
    title="Padding kept in the prediction",
    mechanism="A padded prediction is resized to the image's size, so every pixel is shifted.",
    effects=(Effect('"significant decrease"; no figure', "M#3685, M#2290, M#3421", "unmeasured"),),
    fix="Crop the padding off before resizing, or do not pad in the test pipeline.",
    paths=("val_dataloader.dataset.pipeline.Pad*",),
    step="postprocess*",
    needs_config=True,
)
def _pad_kept(context: RunContext, terms: Terms) -> Verdict:
    pads = [item for item in steps(terms, "val") if item.kind == "Pad"]
    if not pads:
        return RuledOut("the test pipeline does not pad")
    if context.expected is not None and any(
        item.kind == "Pad" for item in steps(context.expected, "val")
    ):
        return RuledOut("the zoo's test pipeline pads as well")
    why = "mmseg removes the padding of its preprocessor, not that of the Pad transform"
    return Found(context.evidence(terms.source(pads[0])), "likely", why)
