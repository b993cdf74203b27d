"""Inputs for the steps that configs add to the usual ones: `warp`, `tone`, `maps`, `mosaic`."""

from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState

from parity.pipeline import Step
from parity.probes import Probe
from parity.probes.data import make_photo
from parity.probes.natural.samples import collated
from parity.sample import DEPTH, SECOND, Sample
from parity.steps.collate import MEAN, STD, collate
from parity.steps.maps import concat_images_sample, depth_mix_sample, generate_edge_sample
from parity.steps.mosaic import mosaic_sample
from parity.steps.tone import adjust_gamma_sample, clahe_sample, rerange_sample, to_gray_sample
from parity.steps.warp import cut_out_sample, rot_flip_sample, rotate_sample


@dataclass(frozen=True)
class Photos:
    """A data set of made photographs, whose samples draw nothing."""

    count: int = 5

    def __len__(self) -> int:
        return self.count

    def fetch(self, index: int, rng: RandomState) -> Sample:
        """Photograph `index`, each of its own shape."""
        photo = make_photo(index)
        window = slice(None, 20 + 3 * index)
        assert photo.seg is not None
        return photo.replace(image=photo.image[window].copy(), seg=photo.seg[window].copy())


def make_blocks(seed: int) -> Sample:
    """A photograph whose labels lie in blocks, some of them ignored."""
    photo = make_photo(seed)
    rng = RandomState(seed)
    height, width = photo.image.shape[:2]
    blocks = rng.choice([0, 1, 7, 255], (height // 4 + 1, width // 5 + 1))
    seg = np.kron(blocks, np.ones((4, 5)))[:height, :width].astype(np.uint8)
    return photo.replace(seg=seg)


def make_dim(seed: int) -> Sample:
    """A photograph of few grey levels."""
    photo = make_photo(seed)
    return photo.replace(image=(photo.image // 2 + 9).astype(np.uint8))


def make_depth(seed: int) -> Sample:
    """A photograph with a depth map in metres, read at a thousandth."""
    photo = make_photo(seed)
    depth = RandomState(seed).randint(0, 200, photo.image.shape[:2]).astype(np.float32)
    depth *= 1e-3
    return photo.replace(
        seg=None, maps={DEPTH: depth}, meta=photo.meta.replace(depth_rescale_factor=1e-3)
    )


def make_pair(seed: int) -> Sample:
    """Two photographs of one place."""
    photo = make_photo(seed)
    return photo.replace(maps={SECOND: photo.image[::-1].copy()})


def make_mapped(seed: int) -> list[Sample]:
    """Two samples with label, edge and depth maps."""
    samples = [generate_edge_sample(make_blocks(at)) for at in (seed, seed + 2)]
    return [
        one.replace(
            maps={**one.maps, **make_depth(seed).maps},
            meta=one.meta.replace(depth_map_path="x.png", category_id=3),
        )
        for one in samples
    ]


_ROTATE = {"prob": 0.7, "degree": 30.0, "pad_val": 9, "seg_pad_val": 255}
_CUT = {"prob": 0.8, "n_holes": (1, 4), "fill_in": (3, 5, 7)}
_COLLATE = {"mean": MEAN, "std": STD, "size": (40, 44), "meta_keys": ("img_path", "category_id")}
_COLLATE_TEST = {**_COLLATE, "training": False}
_MOSAIC = {"pool": Photos(), "prob": 0.8, "img_scale": (24, 30), "pad_val": 4}

_BOUND = {"prob": 1.0, "degree": (10, 70), "auto_bound": True}
_CENTER = {"prob": 1.0, "degree": 90.0, "center": (3.0, 5.0)}
_RATIOS = {**_CUT, "cutout_ratio": [(0.1, 0.3), (0.5, 0.2)], "seg_fill_in": 255}

PROBES: tuple[Probe, ...] = (
    Probe(Step("rotate", rotate_sample, _ROTATE), make_photo),
    Probe(Step("rotate_bound", rotate_sample, _BOUND), make_photo),
    Probe(Step("rotate_center", rotate_sample, _CENTER), make_photo),
    Probe(Step("rot_flip", rot_flip_sample, {"degree": 20}), make_photo),
    Probe(Step("cut_out", cut_out_sample, {**_CUT, "cutout_shape": (6, 9)}), make_photo),
    Probe(Step("cut_out_ratio", cut_out_sample, _RATIOS), make_photo),
    Probe(Step("adjust_gamma", adjust_gamma_sample, {"gamma": 1.7}), make_photo),
    Probe(Step("adjust_gamma_default", adjust_gamma_sample), make_photo),
    Probe(Step("clahe_default", clahe_sample), make_photo),
    Probe(Step("clahe", clahe_sample, {"clip_limit": 3.0, "tile_grid_size": (4, 2)}), make_photo),
    Probe(Step("rerange_default", rerange_sample), make_dim),
    Probe(Step("rerange", rerange_sample, {"min_value": -1.0, "max_value": 1.0}), make_dim),
    Probe(Step("to_gray_default", to_gray_sample), make_photo),
    Probe(Step("to_gray", to_gray_sample, {"out_channels": 1}), make_photo),
    Probe(Step("to_gray_all", to_gray_sample, {"weights": (0.2, 0.3, 0.5)}), make_photo),
    Probe(Step("generate_edge_default", generate_edge_sample), make_blocks),
    Probe(Step("generate_edge", generate_edge_sample, {"edge_width": 4}), make_blocks),
    Probe(Step("depth_mix", depth_mix_sample, {"prob": 0.75}), make_depth),
    Probe(Step("concat_images", concat_images_sample), make_pair),
    Probe(Step("collate_maps", collate, _COLLATE, collated), make_mapped),
    Probe(Step("collate_maps_test", collate, _COLLATE_TEST, collated), make_mapped),
    Probe(Step("mosaic", mosaic_sample, _MOSAIC), make_photo),
)
