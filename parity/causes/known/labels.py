"""Labels: which ids they hold, what was made of them, and the classes that learn them."""

from parity.causes.cause import (
    Cause,
    Effect,
    Evidence,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.facts import classes_of, dataset, environment, steps
from parity.runs.datasets import KNOWN
from parity.settings.items import Item, walk
from parity.settings.terms import Terms, signatures

_FIXED = (1, 2, 2)  # reads reduce before map in mmseg/datasets/transforms/loading.py
# Their task is the boundary between classes.
_BINARY = ("STDCHead",)


@Cause(
    id="reduce-zero",
    seen="reduce_zero_label of both sides, and what the data set's labels need",
    title="Labels off by one: label 0 handled in two ways",
    mechanism="ADE20K's label 0 becomes 255 and every other is lowered by one; left out, done "
    "twice, or done on one side only, the model is scored on other classes than it learnt.",
    effects=(Effect("IoU stays constant; no figure", "M#2050, M#1609", "unmeasured"),),
    fix="Set reduce_zero_label alike, as the zoo's config does, in data sets and pipelines.",
    kind="broken",
    paths=("*.reduce_zero_label",),
    step="load*",
    words=("zero", "reduce", "254", "255"),
    needs_config=True,
)
def _reduce_zero(context: RunContext, terms: Terms) -> Verdict:
    train, val = (dataset(terms, s).get("reduce_zero_label") for s in ("train", "val"))
    if train.value is None or val.value is None:
        why = "whether both sides reduce label 0 is not in the config"
        return Unchecked(why, "both LoadAnnotations options")
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


def _place(context: RunContext, terms: Terms, item: Item, split: str) -> tuple[Evidence, ...]:
    place = item if item.place is not None else dataset(terms, split)
    return context.evidence(terms.source(place), f"reduce_zero_label={item.value}")


@Cause(
    id="num-classes",
    seen="num_classes of every head against the classes of the data",
    title="The head has another number of classes than the data",
    mechanism="Classes that no label holds take part in every softmax, or labels lie outside "
    "the classes.",
    fix="Set num_classes of every head to the number of classes of the data set.",
    paths=("model.*num_classes", "model.*out_channels"),
    needs_config=True,
)
def _num_classes(context: RunContext, terms: Terms) -> Verdict:
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


@Cause(
    id="label-map-order",
    seen="chosen classes with mmseg's version in the log",
    title="Labels mapped before label 0 was taken out",
    mechanism="With chosen classes, older versions map ids before they are lowered by one.",
    fix="Upgrade mmseg to 1.2.2 (M#2500).",
    step="load*",
    words=("label_map", "label map", "mapping"),
    needs_config=True,
)
def _label_map_order(context: RunContext, terms: Terms) -> Verdict:
    owner = dataset(terms, "train")
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
    evidence = (*context.evidence(terms.source(owner)), *context.of_fact(version))
    detail = f"mmseg {version.value} with chosen classes"
    return Found(evidence, "possible", "which versions map first is not settled", detail,
                 kind="marker")  # fmt: skip


@Cause(
    id="label-interpolated",
    seen="a parity report (--parity); ruled out where every transform is mmseg's own",
    title="Labels resized by interpolation",
    mechanism="Bilinear resizing of a label map invents ids between neighbours.",
    fix="Resize labels to the nearest neighbour.",
    kind="broken",
    step="resize",
    words=("label", "nearest", "ids"),
    needs_config=True,
)
def _label_interpolated(context: RunContext, terms: Terms) -> Verdict:
    used = [item.kind for item in steps(terms, "train")]
    known = {**signatures()["mmseg"], **signatures()["mmengine"]}
    own = [name for name in used if name not in known]
    if used and not own:
        return RuledOut("every transform is mmseg's own, and these resize labels to the nearest")
    why = f"the pipeline uses {own[0]}" if own else "the config has no training pipeline"
    return Unchecked(why, "the code of that transform, or parity check of it (--parity FILE)")
