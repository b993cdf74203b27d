"""Edits of zoo configs: which configs, and a fixed sample of each one's edits."""

import random
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from parity.live import installed_metafiles
from parity.runs.config import installed_configs, read_config
from parity.zoo.rows import read_all_rows
from tests.explain.edits.edit import Edit, made
from tests.explain.edits.settings import setting_edits
from tests.explain.edits.structure import structure_edits

CONFIGS = (
    "fcn/fcn_r50-d8_4xb4-160k_ade20k-512x512",
    "pspnet/pspnet_r50-d8_4xb4-40k_voc12aug-512x512",
    "deeplabv3plus/deeplabv3plus_r50-d8_4xb4-40k_pascal-context-480x480",
    "swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512",
    "convnext/convnext-tiny_upernet_8xb2-amp-160k_ade20k-512x512",
    "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512",
    "segmenter/segmenter_vit-s_mask_8xb1-160k_ade20k-512x512",
    "knet/knet-s3_r50-d8_upernet_8xb2-adamw-80k_ade20k-512x512",
    "mask2former/mask2former_swin-t_8xb2-160k_ade20k-512x512",
    "maskformer/maskformer_r50-d32_8xb2-160k_ade20k-512x512",
    "segnext/segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512",
    "ocrnet/ocrnet_hr18_4xb2-80k_cityscapes-512x1024",
    "bisenetv1/bisenetv1_r18-d32-in1k-pre_4xb4-160k_cityscapes-1024x1024",
    "stdc/stdc1_in1k-pre_4xb12-80k_cityscapes-512x1024",
    "setr/setr_vit-l_naive_8xb2-160k_ade20k-512x512",
    "point_rend/pointrend_r50_4xb4-160k_ade20k-512x512",
)


@cache
def zoo_config(path: str) -> Mapping[str, Any]:
    """The resolved config of the installed zoo, e.g. ``fcn/fcn_r50-...``."""
    root = installed_configs()
    if root is None:
        raise RuntimeError("mmsegmentation is not installed")
    return read_config(root / f"{path}.py", configs_root=root).values


def edits_of(config: Mapping[str, Any]) -> list[Edit]:
    """Every edit that the catalogue knows of `config`; each changes something, none comes twice."""
    return _distinct(config, [*structure_edits(config), *setting_edits(config)])


def sample(config: Mapping[str, Any], count: int | None, *, seed: str) -> list[Edit]:
    """A fixed sample of the config's edits, half of structure where there are enough."""
    if count is None:
        return edits_of(config)
    rng = random.Random(seed)
    structural = _distinct(config, structure_edits(config))
    half = rng.sample(structural, min(count // 2, len(structural)))
    single = [edit for edit in edits_of(config) if edit not in structural]
    return [*half, *rng.sample(single, min(count - len(half), len(single)))]


def _distinct(config: Mapping[str, Any], edits: Iterable[Edit]) -> list[Edit]:
    found: list[Edit] = []
    for edit in edits:
        repeated = any(edit.changes == other.changes for other in found)
        if not repeated and made(config, edit) != config:
            found.append(edit)
    return found


EDITED, UNTOUCHED = 3.0, 0.3


@cache
def _scores() -> dict[str, float]:
    return {row.name: row.miou for row in read_all_rows(installed_metafiles())}


def zoo_score(name: str) -> float:
    """The mIoU of the zoo's result of this config. Raises KeyError without one."""
    return _scores()[name]
