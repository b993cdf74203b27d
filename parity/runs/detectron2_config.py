"""What ``config.yaml`` of detectron2 states, in the words of settings.

Keys: detectron2/config/defaults.py, and mask2former/config.py of Mask2Former.
"""

from collections.abc import Mapping
from typing import Any

from parity.runs.facts import Config, Fact, Source
from parity.runs.foreign import Foreign, backbone_like, plain_list, text, whole

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
    decoder = "MODEL.MASK_FORMER.TRANSFORMER_DECODER_NAME"
    run.take(given, "method", decoder, lambda name: _METHODS.get(str(name)))
    run.take(given, "method", "MODEL.META_ARCHITECTURE", text)
    run.state("backbone", *_backbone(given))
    run.take(given, "classes", "MODEL.SEM_SEG_HEAD.NUM_CLASSES")
    run.take(
        given, "pretrained", "MODEL.WEIGHTS", lambda path: "none" if path == "" else text(path)
    )
    run.take(given, "max_iters", "SOLVER.MAX_ITER")
    run.take(given, "seed", "SEED")
    _batch(run, given)
    _schedule(run, given)
    _data(run, given)


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


def _backbone(given: Config) -> tuple[str | None, Source]:
    """In the zoo's words where the keys of it are known, else as the config names it."""
    source = given.source("MODEL", "BACKBONE", "NAME")
    written = given.get("MODEL", "BACKBONE", "NAME")
    swin, resnet = given.get("MODEL", "SWIN"), given.get("MODEL", "RESNETS")
    if written == "D2SwinTransformer" and isinstance(swin, Mapping):
        dims, depths = swin.get("EMBED_DIM"), plain_list(swin.get("DEPTHS"))
        return backbone_like(type="SwinTransformer", embed_dims=dims, depths=depths), source
    if "resnet" in str(written) and isinstance(resnet, Mapping):
        strides = (1, 2, 2, 1 if resnet.get("RES5_DILATION", 1) == 2 else 2)
        return backbone_like(type="ResNet", depth=resnet.get("DEPTH"), strides=strides), source
    return text(written), source
