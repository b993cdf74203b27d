"""Configs of mmseg 0.x (mmcv 1.x) in the terms of mmseg 1.x.

Follows mmsegmentation's migration guide (docs/en/migration/interface.md of 1.2.2).
Every value keeps the place where the 0.x config wrote it.
"""

from parity.settings.items import NOTHING, Item, made

# 0.x's Collect and bundles are 1.x's one last step.
_PACKING = {"DefaultFormatBundle", "ImageToTensor", "Collect"}
# Behind these two, 1.x's preprocessor does the same as 0.x does in its pipeline.
_MAY_FOLLOW = {"Normalize": {"RandomCrop", "RandomFlip", "Pad", *_PACKING}, "Pad": _PACKING}
_AUGMENTED = "MultiScaleFlipAug"
_SCHEDULES = {
    "poly": "PolyLR",
    "step": "MultiStepLR",
    "CosineAnnealing": "CosineAnnealingLR",
    "cosine": "CosineAnnealingLR",
    "exp": "ExponentialLR",
    "fixed": "ConstantLR",
}
_FP16_HOOKS = {"Fp16OptimizerHook", "GradientCumulativeFp16OptimizerHook"}


def is_legacy(top: Item) -> bool:
    """Whether a config is of 0.x: it has ``data``, and no ``train_dataloader``."""
    return bool(top.get("data").fields) and "train_dataloader" not in top.fields


def upgraded(top: Item) -> Item:
    """A 0.x config in 1.x terms."""
    train, data = top.get("data", "train"), top.get("data")
    iterations = top.get("runner", "max_iters")
    iterations = iterations if iterations.value is not None else top.get("total_iters")
    per_gpu = data.get("samples_per_gpu")
    per_gpu = per_gpu if per_gpu.value is not None else data.get("imgs_per_gpu")
    entries = made(
        model=_model(top),
        train_dataloader=made(
            batch_size=per_gpu,
            num_workers=data.get("workers_per_gpu"),
            sampler=made(type="InfiniteSampler", shuffle=True),  # as 0.x by iterations shuffles
            dataset=_dataset(train),
        ),
        val_dataloader=made(
            batch_size=data.get("val_dataloader", "samples_per_gpu"),
            dataset=_dataset(data.get("val"), test=True),
        ),
        test_dataloader=made(
            batch_size=data.get("test_dataloader", "samples_per_gpu"),
            dataset=_dataset(data.get("test"), test=True),
        ),
        val_evaluator=_evaluator(top.get("evaluation")),
        test_evaluator=_evaluator(top.get("evaluation")),
        optim_wrapper=_optim_wrapper(top),
        param_scheduler=_schedule(top.get("lr_config"), iterations),
        train_cfg=made(
            type="IterBasedTrainLoop" if iterations.value is not None else "EpochBasedTrainLoop",
            max_iters=iterations,
            max_epochs=top.get("runner", "max_epochs"),
            val_interval=top.get("evaluation", "interval"),
        ),
        custom_hooks=top.get("custom_hooks"),
        load_from=top.get("load_from"),
        env_cfg=made(cudnn_benchmark=top.get("cudnn_benchmark")),
        randomness=made(seed=top.get("seed")),
    )
    return Item({k: v for k, v in entries.fields.items() if not v.is_empty}, ())


def _model(top: Item) -> Item:
    """With the normalisation and padding that 0.x has in its pipelines, and its test options."""
    model = top.get("model")
    outer = {key: top.get(key) for key in ("train_cfg", "test_cfg") if key not in model.fields}
    given = {key: item for key, item in outer.items() if item.value is not None}
    return model.having(data_preprocessor=_preprocessor(top), **given)


def _preprocessor(top: Item) -> Item:
    train = _inner(top.get("data", "train")).get("pipeline")
    normalize, pad = train.get("Normalize"), train.get("Pad")
    tested = _inner(top.get("data", "val")).get("pipeline", _AUGMENTED, "transforms", "Pad")
    padding = made(tested.place, size=tested.get("size"), size_divisor=tested.get("size_divisor"))
    return made(
        normalize.place,
        type="SegDataPreProcessor",
        mean=normalize.get("mean"),
        std=normalize.get("std"),
        bgr_to_rgb=_or(normalize.get("to_rgb"), Item(True) if normalize.fields else NOTHING),
        size=pad.get("size"),
        size_divisor=pad.get("size_divisor"),
        pad_val=_or(pad.get("pad_val"), Item(0)),
        seg_pad_val=_or(pad.get("seg_pad_val"), Item(255)),
        test_cfg=padding if padding.fields else NOTHING,
    )


def _or(item: Item, other: Item) -> Item:
    return other if item.value is None else item


def _inner(dataset: Item) -> Item:
    """The data set inside RepeatDataset and its like; of several, the first."""
    while dataset.parts or dataset.get("dataset").fields or dataset.get("datasets").parts:
        dataset = (dataset.parts or dataset.get("datasets").parts or [dataset.get("dataset")])[0]
    return dataset


def _dataset(given: Item, *, test: bool = False) -> Item:
    if given.parts:
        parts = [_dataset(part, test=test) for part in given.parts]
        return made(given.place, type="ConcatDataset", datasets=Item(parts, given.place))
    if given.get("dataset").fields:
        return given.having(dataset=_dataset(given.get("dataset"), test=test))
    if given.get("datasets").parts:
        parts = [_dataset(part, test=test) for part in given.get("datasets").parts]
        return given.having(datasets=Item(parts, given.get("datasets").place))
    if not given.fields:
        return NOTHING
    several = [key for key in ("img_dir", "ann_dir", "split") if given.get(key).parts]
    if several:  # 0.x makes several data sets of one whose folder or list of images is a list
        count = max(len(given.get(key).parts) for key in several)
        each = [_one_of(given, several, index) for index in range(count)]
        parts = [_dataset(part, test=test) for part in each]
        return made(given.place, type="ConcatDataset", datasets=Item(parts, given.place))
    prefix = made(given.place, img_path=given.get("img_dir"), seg_map_path=given.get("ann_dir"))
    classes = made(classes=given.get("classes"), palette=given.get("palette"))
    pipeline = given.get("pipeline")
    steps = _test_steps(pipeline) if test else _steps(pipeline)
    loading = next((p for p in pipeline.parts if p.kind == "LoadAnnotations"), NOTHING)
    reduces = given.get("reduce_zero_label")
    if reduces.value is None:
        reduces = loading.get("reduce_zero_label")
    return given.having(
        img_dir=None, ann_dir=None, split=None, classes=None, palette=None,
        data_prefix=None if prefix.is_empty else prefix,
        metainfo=None if classes.is_empty else classes,
        ann_file=None if given.get("split").value is None else given.get("split"),
        reduce_zero_label=None if reduces.value is None else reduces,
        pipeline=Item(steps, pipeline.place),
    )  # fmt: skip


def _one_of(given: Item, several: list[str], index: int) -> Item:
    """One of the data sets; a list that is too short stands for all by its last."""
    parts = {key: given.get(key).parts for key in several}
    return given.having(**{key: row[min(index, len(row) - 1)] for key, row in parts.items()})


def _steps(pipeline: Item) -> list[Item]:
    """The training steps; what 1.x does in the preprocessor is left out."""
    kept = []
    for at, item in enumerate(pipeline.parts):
        later = {other.kind for other in pipeline.parts[at + 1 :]}
        if item.kind in _MAY_FOLLOW and not later <= _MAY_FOLLOW[item.kind]:
            kept.append(_old(item, "before other steps"))
        elif item.kind not in {*_MAY_FOLLOW, *_PACKING}:
            kept.append(_step(item))
    return [*kept, made(type="PackSegInputs")]


def _old(item: Item, how: str) -> Item:
    """A step that 1.x has not: under a name that says so."""
    return item.having(type=Item(f"{item.kind} {how}", item.place))


def _step(item: Item) -> Item:
    if item.kind == "Resize":
        return _resize(item)
    if item.kind == "RandomFlip":
        return item.having(flip_ratio=None, prob=_or(item.get("prob"), item.get("flip_ratio")))
    return item


def _resize(item: Item) -> Item:
    """0.x's one Resize is 1.x's Resize, RandomResize or RandomChoiceResize."""
    scale, mode = item.get("img_scale"), item.get("multiscale_mode").value
    several = bool(scale.parts) and all(part.parts for part in scale.parts)
    keep = _or(item.get("keep_ratio"), Item(True))
    if several and mode == "value":
        kind, name = "RandomChoiceResize", "scales"
    elif several or item.get("ratio_range").value is not None:
        kind, name = "RandomResize", "scale"
    else:
        kind, name = "Resize", "scale"
    named = {name: None if scale.value is None else scale}
    return item.having(
        type=Item(kind, item.place), img_scale=None, multiscale_mode=None, keep_ratio=keep, **named
    )


def _test_steps(pipeline: Item) -> list[Item]:
    """The steps of a test; 0.x reads labels apart, at their own size."""
    steps: list[Item] = []
    for item in pipeline.parts:
        if item.kind == _AUGMENTED:
            steps += [
                _resize(inner.having(img_scale=_or(inner.get("img_scale"), item.get("img_scale"))))
                if inner.kind == "Resize"
                else inner
                for inner in item.get("transforms").parts
                if inner.kind not in {"RandomFlip", "Normalize", "Pad", *_PACKING}
            ]
            steps += [_old(item, "of several views")] if _several(item) else []
        elif item.kind not in {"LoadAnnotations", "Normalize", *_PACKING}:
            steps.append(_step(item))
    return [*steps, made(type="LoadAnnotations"), made(type="PackSegInputs")]


def _several(item: Item) -> bool:
    """Whether 0.x's test sees an image flipped, or in other sizes than the one scale."""
    ratios, scale = item.get("img_ratios"), item.get("img_scale")
    listed = ratios.parts or ([ratios] if ratios.value is not None else [])
    several = bool(scale.parts) and all(part.parts for part in scale.parts)
    return item.get("flip").value is True or several or any(one.value != 1.0 for one in listed)


def _evaluator(evaluation: Item) -> Item:
    metric = evaluation.get("metric")
    if not evaluation.fields:
        return NOTHING
    metrics = metric if metric.parts else Item([_or(metric, Item("mIoU"))], metric.place)
    return made(evaluation.place, type="IoUMetric", iou_metrics=metrics)


def _optim_wrapper(top: Item) -> Item:
    optimizer, hook = top.get("optimizer"), top.get("optimizer_config")
    half = hook.kind in _FP16_HOOKS or top.get("fp16").fields or hook.get("use_fp16").value
    scale = _or(top.get("fp16", "loss_scale"), hook.get("loss_scale"))
    place = top.get("fp16").place if top.get("fp16").fields else hook.place
    return made(
        optimizer.place,
        type=Item("AmpOptimWrapper", place) if half else Item("OptimWrapper"),
        optimizer=optimizer.having(paramwise_cfg=None, constructor=None),
        paramwise_cfg=optimizer.get("paramwise_cfg"),
        constructor=optimizer.get("constructor"),
        clip_grad=hook.get("grad_clip"),
        accumulative_counts=hook.get("cumulative_iters"),
        loss_scale=scale if half else NOTHING,
    )


def _schedule(given: Item, iterations: Item) -> Item:
    policy = given.get("policy").value
    if not isinstance(policy, str):
        return NOTHING
    warm_up, by_epoch = (
        given.get("warmup").value is not None,
        _or(given.get("by_epoch"), Item(True)),
    )
    ends = given.get("warmup_iters") if warm_up else Item(0)
    known = {"policy", "warmup", "warmup_iters", "warmup_ratio", "warmup_by_epoch", "by_epoch"}
    renamed = {"min_lr": "eta_min", "step": "milestones"}
    rest = {renamed.get(k, k): v for k, v in given.fields.items() if k not in known}
    main = made(
        given.place,
        type=Item(_SCHEDULES.get(policy, policy), given.get("policy").place),
        by_epoch=by_epoch,
        begin=ends,
        end=Item(iterations.value, iterations.place),
        **rest,
    )
    first = made(
        given.get("warmup").place,
        type="LinearLR" if given.get("warmup").value == "linear" else "ConstantLR",
        start_factor=_or(given.get("warmup_ratio"), Item(0.1)),
        by_epoch=_or(given.get("warmup_by_epoch"), Item(False)),
        begin=Item(0),
        end=ends,
    )
    return Item([first, main] if warm_up else [main], given.place)
