"""Transforms, packing, preprocessor and score of the reference beside ours."""

import copy
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from parity.errors import NotExercised
from parity.live import reference_module
from parity.recipe.forms import FORMS, Form
from parity.sample import DEPTH, EDGE, SEG, Batch, Meta, Sample
from parity.steps.collate import collate
from parity.steps.iou import ClassCounts, class_ratios, intersect_and_union
from parity.steps.iou.metric import summarise
from parity.steps.load import load_annotation, load_image
from parity.steps.resize import keep_ratio_size
from suite.beside import Call, Twin, copied, options_of
from suite.patching import Patched

_TRANSFORMS = "mmseg.datasets.transforms"
# These two of mmseg add to classes of mmcv that do the same to image and label map.
_OF_MMCV = ("Resize", "RandomFlip")
# These of mmcv leave the work to one of the registry's, which is mmseg's.
_AROUND = ("RandomResize", "RandomChoiceResize")
_LABELS = "gt_seg_map"


def _transform(form: Form, call: Call) -> Twin:
    """Image, label map and meta, from ``results`` on."""
    if form.name == "mosaic":
        raise NotExercised("the other images are drawn before the call, and here within it")
    results, options = call.args["results"], _of(form, call)
    labels = _labels(call.obj, results)
    moved = form.name == "depth_mix" or _moves_depth(call.obj, results)
    function = call.ours(form.function)
    sample, other = _sample(copied(results), labels, depth=moved), copied(results)
    obj = copied(call.obj)
    return Twin(
        form.name,
        lambda rng: form.run(function, sample, rng, **options),
        lambda: _sample(call.original(obj, other), labels, depth=moved),
    )


def _of_mmcv(obj: Any) -> bool:
    """Whether it changes ``gt_seg_map`` alone; mmseg changes what ``seg_fields`` names."""
    return type(obj).__module__.startswith("mmcv") and type(obj).__name__ not in _AROUND


def _moves_depth(obj: Any, results: Mapping[str, Any]) -> bool:
    """Whether a depth map goes where the label map goes, or stays as it is."""
    return DEPTH in results.get("seg_fields", ()) and not _of_mmcv(obj)


def _of(form: Form, call: Call) -> dict[str, Any]:
    asked = replace(call, made={k: v for k, v in call.made.items() if k not in form.ignored})
    taken = options_of(asked, form.takes, form.fixed)
    return {form.renamed.get(key, key): value for key, value in taken.items()}


def _labels(obj: Any, results: Mapping[str, Any]) -> str:
    """The name of the label map; raises NotExercised where that is not the one map there is."""
    if "img" not in results:
        raise NotExercised("no image in results")
    if _of_mmcv(obj):
        return _LABELS
    fields = [name for name in dict.fromkeys(results.get("seg_fields", ())) if name != DEPTH]
    if len(fields) > 1:
        raise NotExercised(f"{' and '.join(fields)} in one sample")
    if not fields and _LABELS in results:
        raise NotExercised(f"a {_LABELS} that seg_fields does not name")
    return fields[0] if fields else _LABELS


def _sample(
    results: dict[str, Any] | None, labels: str = _LABELS, *, depth: bool = True
) -> Sample | None:
    """depth: whether the depth map is looked at, where there is one."""
    if results is None:
        return None
    found: Sample = reference_module("results").to_sample(results, None)
    maps = {name: one for name, one in found.maps.items() if depth or name != DEPTH}
    return found.replace(seg=results.get(labels), maps=maps)


def _loaded_image(call: Call) -> Twin:
    fixed = {"file_client_args": None, "backend_args": None, "ignore_empty": False}
    options = options_of(call, lambda key: key != "imdecode_backend", fixed)
    options["backend"] = call.made["imdecode_backend"]
    path, obj = call.args["results"]["img_path"], call.obj
    function = call.ours(load_image)
    return Twin(
        "load",
        lambda rng: function(path, **options),
        lambda: call.original(obj, {"img_path": path})["img"],
    )


def _loaded_labels(call: Call) -> Twin:
    results = call.args["results"]
    fixed = {"file_client_args": None, "backend_args": None}
    options_of(call, lambda key: key in ("reduce_zero_label", "imdecode_backend"), fixed)
    obj, info = call.obj, copied(results)
    reduces = call.made["reduce_zero_label"]
    options = {
        "reduce_zero_label": results["reduce_zero_label"] if reduces is None else reduces,
        "label_map": results.get("label_map"),
        "backend": call.made["imdecode_backend"],
    }
    function = call.ours(load_annotation)
    return Twin(
        "load",
        lambda rng: function(results["seg_map_path"], **options),
        lambda: copied(call.original(copy.copy(obj), info)[_LABELS]),
    )


def _packed(call: Call) -> Twin:
    """Packing beside a collation that does nothing else."""
    results, obj = copied(call.args["results"]), call.obj
    keys = tuple(call.made["meta_keys"])
    meta = Meta(**{key: results[key] for key in keys if key in results})
    whole: Sample = reference_module("results").to_sample(copied(results), None)
    sample, function = whole.replace(meta=meta), call.ours(collate)
    nothing = {"mean": None, "std": None, "bgr_to_rgb": False, "training": False}

    def theirs() -> Batch:
        packed = call.original(obj, results)
        return _batch(packed["inputs"][None].float(), [packed["data_samples"]], training=False)

    return Twin("collate", lambda rng: function([sample], meta_keys=keys, **nothing), theirs)


def _batch(images: Any, samples: list[Any], *, training: bool) -> Batch:
    output = {"inputs": images, "data_samples": samples}
    found: Batch = reference_module("collate").to_batch(output, training=training)
    return found


def _preprocessed(call: Call) -> Twin:
    data, training = call.args["data"], bool(call.args["training"])
    options = _of(FORMS["SegDataPreProcessor"], call)
    given = options.pop("test_size", None) or {}
    options |= {f"test_{key}": value for key, value in given.items()}
    if data.get("data_samples") is None:
        raise NotExercised("images without data samples")
    pairs = zip(data["inputs"], data["data_samples"], strict=True)
    samples = [_unpacked(*copied(pair)) for pair in pairs]
    function, other, obj = call.ours(collate), copied(data), call.obj
    keys = tuple({key: None for one in samples for key in one.meta})
    whole = {"training": training, "meta_keys": keys, **options}
    theirs = partial(_given, call, obj, other)
    return Twin("collate", lambda rng: function(samples, **whole), theirs)


def _given(call: Call, obj: Any, data: Any) -> Batch:
    training = bool(call.args["training"])
    output = call.original(obj, data, training)
    return _batch(output["inputs"], output["data_samples"], training=training)


def _unpacked(image: Any, sample: Any) -> Sample:
    """A sample of what was packed."""
    present = set(sample.keys())
    if unknown := present - {SEG, EDGE, DEPTH}:
        raise NotExercised(f"{', '.join(sorted(unknown))} in the data samples")
    maps = {name: sample.get(name).data[0].numpy() for name in present}
    seg, meta = maps.pop(SEG, None), Meta(**sample.metainfo)
    return Sample(np.array(image.permute(1, 2, 0)), seg, meta, maps=maps)


def _counted(call: Call) -> Twin:
    pred, label, number, ignored = copied(list(call.args.values()))
    function, counts = call.ours(intersect_and_union), reference_module("iou")._counts
    return Twin(
        "iou",
        lambda rng: function(pred, label, num_classes=number, ignore_index=ignored),
        lambda: counts(call.original(pred, label, number, ignored)),
    )


def _rated(call: Call) -> Twin:
    *areas, metrics, nan_to_num, beta = copied(list(call.args.values()))
    counts = reference_module("iou")._counts(areas)
    options = {"iou_metrics": metrics, "nan_to_num": nan_to_num, "beta": beta}
    function = call.ours(class_ratios)
    return Twin(
        "iou",
        lambda rng: function(counts, **options),
        lambda: dict(call.original(*areas, metrics, nan_to_num, beta)),
    )


def _scored(call: Call) -> Twin:
    results, obj = copied(call.args["results"]), copy.copy(call.obj)
    if obj.format_only:
        raise NotExercised("format_only gives no score")
    counts = reference_module("iou")._counts
    images = [counts(areas) for areas in results]
    total = sum(images, start=ClassCounts.zeros(len(images[0].label)))
    names = {"iou_metrics": obj.metrics, "nan_to_num": obj.nan_to_num, "beta": obj.beta}
    function = call.ours(class_ratios)
    return Twin(
        "iou",
        lambda rng: summarise(function(total, **names)),
        lambda: dict(call.original(obj, results)),
    )


def _rescaled(call: Call) -> Twin:
    (width, height), scale = call.args["old_size"], call.args["scale"]
    if not isinstance(scale, tuple):
        raise NotExercised("a factor in the place of a scale")
    function, given = call.ours(keep_ratio_size), {**call.args, "return_scale": False}
    return Twin(
        "resize",
        lambda rng: function(height, width, scale)[::-1],
        lambda: call.original(**given),
    )


def _transforms() -> list[Patched]:
    loaders = ("LoadImageFromFile", "LoadAnnotations", "SegDataPreProcessor")
    return [
        Patched(f"{module}:{name}.transform", partial(_transform, form))
        for name, form in FORMS.items()
        if name not in loaders
        for module in _modules(name)
    ]


def _modules(name: str) -> list[str]:
    of_mmseg = [_TRANSFORMS] if hasattr(pkgutil.resolve_name(_TRANSFORMS), name) else []
    return [*of_mmseg, *(["mmcv.transforms"] if name in _OF_MMCV or not of_mmseg else [])]


def places() -> list[Patched]:
    """All of data and score."""
    metric = "mmseg.evaluation:IoUMetric"
    return [
        *_transforms(),
        Patched("mmcv.transforms:LoadImageFromFile.transform", _loaded_image),
        Patched(f"{_TRANSFORMS}:LoadAnnotations.transform", _loaded_labels),
        Patched(f"{_TRANSFORMS}:PackSegInputs.transform", _packed),
        Patched("mmseg.models:SegDataPreProcessor.forward", _preprocessed),
        Patched(f"{metric}.intersect_and_union", _counted),
        Patched(f"{metric}.total_area_to_metrics", _rated),
        Patched(f"{metric}.compute_metrics", _scored),
        Patched("mmcv.image.geometric:rescale_size", _rescaled),
    ]
