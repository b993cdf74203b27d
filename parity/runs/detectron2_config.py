"""What ``config.yaml`` of detectron2 states, in the words of settings.

Keys: detectron2/config/defaults.py, and mask2former/config.py of Mask2Former.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parity.runs.facts import Config, Fact, Source
from parity.runs.families import backbone_of
from parity.runs.foreign import Foreign, plain_list, whole

# The beginning of a data set's registered name: our name, images to train on, classes.
_DATASETS: Mapping[str, tuple[str, int | None]] = {
    "ade20k_sem_seg_": ("ADE20K", 20_210),
    "ade20k_panoptic_": ("ADE20K", 20_210),
    "cityscapes_fine_": ("Cityscapes", 2_975),
    "coco_2017_train_stuff_10k_": ("COCO-Stuff 10k", 9_000),
    "mapillary_vistas_": ("Mapillary Vistas v1.2", 18_000),
}
_OPTIMIZERS = {"ADAMW": "AdamW"}
_METHODS = {
    "MultiScaleMaskedTransformerDecoder": "Mask2Former",
    "StandardTransformerDecoder": "MaskFormer",
}


def state_config(run: Foreign, given: Config) -> None:
    """Add what `given` states; the number of processes is known from the log or not at all."""
    _batch(run, given)
    _schedule(run, given)
    _data(run, given)
    _model(run, given)


def _batch(run: Foreign, given: Config) -> None:
    total = given.fact("SOLVER", "IMS_PER_BATCH")
    count = run.stated.get("world_size", Fact[int]()).value
    batch = whole(total.value)
    run.state("effective_batch", batch, total.source, "images of all processes together")
    if batch and count and batch % count == 0:
        run.state("samples_per_gpu", batch // count, total.source, f"{batch} / {count}")
        run.state("accumulation", 1, total.source, "detectron2 has none")


def _schedule(run: Foreign, given: Config) -> None:
    solver: Any = given.get("SOLVER")
    solver = solver if isinstance(solver, Mapping) else {}
    run.state("max_iters", whole(solver.get("MAX_ITER")), given.source("SOLVER", "MAX_ITER"))
    name = str(solver.get("OPTIMIZER", "SGD"))
    if solver.get("BASE_LR") is not None:
        rate, decay = solver.get("BASE_LR"), solver.get("WEIGHT_DECAY")
        value = {"type": _OPTIMIZERS.get(name, name), "lr": rate, "weight_decay": decay}
        run.state("optimizer", value, given.source("SOLVER", "BASE_LR"))
    scheduler = solver.get("LR_SCHEDULER_NAME")
    if isinstance(scheduler, str):
        keys = ("POLY_LR_POWER", "STEPS", "GAMMA", "WARMUP_ITERS", "WARMUP_FACTOR")
        stage = {key.lower(): solver[key] for key in keys if key in solver}
        source = given.source("SOLVER", "LR_SCHEDULER_NAME")
        run.state("schedule", ({"type": scheduler, **stage},), source)
    clip = given.get("SOLVER", "CLIP_GRADIENTS")
    if isinstance(clip, Mapping) and clip.get("ENABLED") is True:
        norm, kind = clip.get("NORM_TYPE"), clip.get("CLIP_TYPE")
        value = {"max_norm": clip.get("CLIP_VALUE"), "norm_type": norm, "clip_type": kind}
        run.state("clip_grad", value, given.source("SOLVER", "CLIP_GRADIENTS", "CLIP_VALUE"))
    mixed = given.get("SOLVER", "AMP", "ENABLED")
    if isinstance(mixed, bool):
        precision = "amp float16" if mixed else "float32"
        run.state("precision", precision, given.source("SOLVER", "AMP", "ENABLED"))
    run.state("seed", whole(given.get("SEED")), given.source("SEED"))


def _data(run: Foreign, given: Config) -> None:
    names = [str(name) for name in plain_list(given.get("DATASETS", "TRAIN"))]
    source = given.source("DATASETS", "TRAIN")
    known = [v for name in names for start, v in _DATASETS.items() if name.startswith(start)]
    if names and len(known) == len(names) == 1:
        run.state("dataset", known[0][0], source, f"registered as {names[0]}")
        note = f"the published training split of {known[0][0]}; no file states how many images"
        run.state("dataset_size", known[0][1], source, note)
    elif names:
        run.state("dataset", " + ".join(names), source)
    crop = given.get("INPUT", "CROP")
    if isinstance(crop, Mapping) and crop.get("ENABLED") is True and crop.get("TYPE") == "absolute":
        size = tuple(plain_list(crop.get("SIZE")))
        run.state("crop_size", size or None, given.source("INPUT", "CROP", "SIZE"))
    _scoring(run, given, known[0][0] if known else "")


def _scoring(run: Foreign, given: Config, dataset: str) -> None:
    """detectron2 scores the whole picture at the size of its annotation."""
    augmented = given.get("TEST", "AUG", "ENABLED")
    if not isinstance(augmented, bool):
        return
    source = given.source("TEST", "AUG", "ENABLED")
    flips = given.get("TEST", "AUG", "FLIP") is not False
    kind = ("ms+flip" if flips else "ms") if augmented else "none"
    run.state("test_time_augmentation", kind, source)
    run.state("test_mode", "whole", source, "detectron2 has no sliding window")
    if dataset == "ADE20K":
        kind = "ss" if kind == "none" else kind
        note = "label 0 of ADE20K is turned into 255 when its annotations are prepared"
        run.state("signature", f"mIoU|{kind}|whole|ignore=255|reduce0=y|orig-size", source, note)


def _model(run: Foreign, given: Config) -> None:
    decoder = given.get("MODEL", "MASK_FORMER", "TRANSFORMER_DECODER_NAME")
    source = given.source("MODEL", "MASK_FORMER", "TRANSFORMER_DECODER_NAME")
    if isinstance(decoder, str) and decoder in _METHODS:
        run.state("method", _METHODS[decoder], source)
    else:
        kind = given.fact("MODEL", "META_ARCHITECTURE")
        run.state("method", kind.value if isinstance(kind.value, str) else None, kind.source)
    run.state("backbone", *_backbone(given))
    classes = given.fact("MODEL", "SEM_SEG_HEAD", "NUM_CLASSES")
    run.state("classes", whole(classes.value), classes.source)
    weights = given.fact("MODEL", "WEIGHTS")
    if isinstance(weights.value, str):
        run.state("pretrained", weights.value or "none", weights.source)


def _backbone(given: Config) -> tuple[str | None, Source]:
    """In the zoo's words where the keys of it are known, else as the config names it."""
    source = given.source("MODEL", "BACKBONE", "NAME")
    written = given.get("MODEL", "BACKBONE", "NAME")
    swin, resnet = given.get("MODEL", "SWIN"), given.get("MODEL", "RESNETS")
    alike: dict[str, Any] = {}
    if written == "D2SwinTransformer" and isinstance(swin, Mapping):
        alike = {"type": "SwinTransformer", "embed_dims": swin.get("EMBED_DIM")}
        alike["depths"] = plain_list(swin.get("DEPTHS"))
    elif "resnet" in str(written) and isinstance(resnet, Mapping):
        last = 1 if resnet.get("RES5_DILATION", 1) == 2 else 2
        alike = {"type": "ResNet", "depth": resnet.get("DEPTH"), "strides": (1, 2, 2, last)}
    if not alike:
        return (written if isinstance(written, str) else None), source
    named = backbone_of(replace(given, values={"model": {"backbone": alike}}))
    return named.value, source
