"""Whole pipelines and data sets as mmseg's own config and runner build them."""

from pathlib import Path
from typing import Any

from numpy.random import RandomState

from parity.errors import InputError
from parity.pipeline import TrainPipeline, ValPipeline
from parity.sample import DataInfo, Meta, Sample, UInt8Array
from reference.compat import load_reference
from reference.generator import global_stream
from reference.zoo import metafiles

ADE20K_CONFIG = "_base_/datasets/ade20k.py"


def ade20k_config() -> dict[str, Any]:
    """``configs/_base_/datasets/ade20k.py`` of the installed mmseg, as it is shipped."""
    load_reference()
    from mmengine.config import Config

    path = metafiles()[0].parent.parent / ADE20K_CONFIG
    config: dict[str, Any] = Config.fromfile(path)
    return config


def run_train_pipeline(info: DataInfo, rng: RandomState) -> Sample:
    """`info` through ``train_pipeline`` of the shipped config, PackSegInputs included."""
    return _run(ade20k_config()["train_pipeline"], info, rng)


def run_val_pipeline(info: DataInfo) -> Sample:
    """`info` through ``test_pipeline`` of the shipped config, PackSegInputs included."""
    return _run(ade20k_config()["test_pipeline"], info, RandomState(0))


def build_dataset(
    root: Path,
    split: str,
    pipeline: TrainPipeline | ValPipeline,
    *,
    ignore_empty: bool = False,
) -> Any:
    """mmseg's ``ADE20KDataset`` over `root`, with its transforms set up like `pipeline`."""
    load_reference()
    from mmseg.datasets import ADE20KDataset

    return ADE20KDataset(
        data_root=str(root),
        data_prefix={"img_path": f"images/{split}", "seg_map_path": f"annotations/{split}"},
        pipeline=_transforms(pipeline, ignore_empty),
        reduce_zero_label=pipeline.reduce_zero_label,
        test_mode=not pipeline.is_random,
    )


def fetch(dataset: Any, index: int, rng: RandomState) -> Sample:
    """``dataset[index]`` with the global random stream continuing `rng`."""
    with global_stream(rng):
        return _unpack(dataset[index])


def _transforms(pipeline: TrainPipeline | ValPipeline, ignore_empty: bool) -> list[dict[str, Any]]:
    load = {"type": "LoadImageFromFile", "ignore_empty": ignore_empty}
    pack = {"type": "PackSegInputs"}
    annotations = {"type": "LoadAnnotations"}
    if isinstance(pipeline, ValPipeline):
        resize = {"type": "Resize", "scale": pipeline.scale, "keep_ratio": pipeline.keep_ratio}
        return [load, resize, annotations, pack]
    if not isinstance(pipeline, TrainPipeline):
        raise InputError(f"no mmseg transforms are known for a {type(pipeline).__name__}")
    resize = {
        "type": "RandomResize",
        "scale": pipeline.scale,
        "ratio_range": pipeline.ratio_range,
        "keep_ratio": True,
    }
    crop = {
        "type": "RandomCrop",
        "crop_size": pipeline.crop_size,
        "cat_max_ratio": pipeline.cat_max_ratio,
    }
    flip = {"type": "RandomFlip", "prob": pipeline.flip_prob}
    return [load, annotations, resize, crop, flip, {"type": "PhotoMetricDistortion"}, pack]


def _run(transforms: list[dict[str, Any]], info: DataInfo, rng: RandomState) -> Sample:
    from mmengine.dataset import Compose

    with global_stream(rng):
        return _unpack(Compose(transforms)(info.as_dict()))


def _unpack(packed: dict[str, Any]) -> Sample:
    """The sample in what PackSegInputs made: tensors ``(3, H, W)`` and ``(1, H, W)`` int64."""
    image: UInt8Array = packed["inputs"].permute(1, 2, 0).numpy()
    sample = packed["data_samples"]
    seg: UInt8Array = sample.gt_sem_seg.data[0].numpy().astype("uint8")
    return Sample(image, seg, Meta(**sample.metainfo))
