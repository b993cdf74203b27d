"""Which of our steps does what an entry of a config asks for, and with which options."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from parity.errors import NotExercised
from parity.pipeline import Step, directly
from parity.probes.natural.samples import collated
from parity.steps.collate import collate
from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.load import load_annotation_sample, load_image_sample
from parity.steps.maps import (
    concat_images_sample,
    depth_mix_sample,
    generate_edge_sample,
    load_depth_sample,
)
from parity.steps.mosaic import mosaic_sample
from parity.steps.multiscale import (
    random_choice_resize_sample,
    resize_shortest_edge_sample,
    resize_to_multiple_sample,
)
from parity.steps.pad import pad_sample
from parity.steps.photometric import photometric_sample
from parity.steps.resize import random_resize_sample, resize_sample
from parity.steps.tone import adjust_gamma_sample, clahe_sample, rerange_sample, to_gray_sample
from parity.steps.warp import cut_out_sample, rot_flip_sample, rotate_sample

Function = Callable[..., Any]


def absent(value: Any, rng: Any) -> Any:
    """The place of a step that is not reimplemented; the reference takes it."""
    raise NotExercised("has no such step")


@dataclass(frozen=True)
class Form:
    """How an entry of a config becomes a step of ours.

    name: of the step. renamed: options that ours calls otherwise. fixed: options that
    ours has not, with the one value that it does. ignored: options that change no result.
    run: as of a `parity.pipeline.Step`.
    """

    name: str
    function: Function
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    run: Function = directly

    def takes(self, key: str) -> bool:
        """Whether ours has the option that the reference calls `key`."""
        parameters = inspect.signature(self.function).parameters
        some = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        return some or self.renamed.get(key, key) in parameters


# Left out on both sides, so that what follows is compared all the same.
LEFT_OUT: Mapping[str, str] = {
    "Albu": "left out on both sides: albumentations draws from generators of its own",
}
_NO_GDAL = "reads files with gdal, which is not installed beside the reference"
_VOLUMES = "is of 3-D volumes, and here are images"
# Why some have no step here.
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("LoadSingleRSImageFromFile", "LoadMultipleRSImageFromFile"), _NO_GDAL),
    **{f"LoadBiomedical{what}": _VOLUMES for what in ("ImageFromFile", "Annotation", "Data")},
    **{f"BioMedical3D{what}": _VOLUMES for what in ("RandomCrop", "Pad", "RandomFlip")},
    **{f"BioMedical{what}": _VOLUMES for what in ("GaussianNoise", "GaussianBlur", "RandomGamma")},
}
_FILES = frozenset({"file_client_args", "backend_args"})
_OF_BOXES = frozenset({"clip_object_border"})
FORMS: Mapping[str, Form] = {
    "LoadImageFromFile": Form(
        "load_image",
        load_image_sample,
        fixed={"to_float32": False, "color_type": "color", "imdecode_backend": "cv2"},
        ignored=_FILES,
    ),
    "LoadAnnotations": Form(
        "load_annotation",
        load_annotation_sample,
        fixed={"imdecode_backend": "pillow", "reduce_zero_label": None},
        ignored=_FILES,
    ),
    "RandomResize": Form(
        "resize", random_resize_sample, fixed={"resize_type": "Resize"}, ignored=_OF_BOXES
    ),
    "Resize": Form("resize", resize_sample, ignored=_OF_BOXES),
    "RandomChoiceResize": Form("resize", random_choice_resize_sample, ignored=_OF_BOXES),
    "ResizeShortestEdge": Form("resize", resize_shortest_edge_sample),
    "ResizeToMultiple": Form("resize_to_multiple", resize_to_multiple_sample),
    "Pad": Form("pad", pad_sample),
    "RandomCrop": Form("crop", crop_sample),
    "RandomFlip": Form("flip", flip_sample),
    "PhotoMetricDistortion": Form("photometric", photometric_sample),
    "RandomRotate": Form("rotate", rotate_sample),
    "RandomRotFlip": Form("rot_flip", rot_flip_sample),
    "RandomCutOut": Form("cut_out", cut_out_sample),
    "RandomMosaic": Form("mosaic", mosaic_sample),
    "AdjustGamma": Form("adjust_gamma", adjust_gamma_sample),
    "CLAHE": Form("clahe", clahe_sample),
    "Rerange": Form("rerange", rerange_sample),
    "RGB2Gray": Form("to_gray", to_gray_sample),
    "GenerateEdge": Form("generate_edge", generate_edge_sample),
    "LoadDepthAnnotation": Form(
        "load_depth", load_depth_sample, fixed={"decode_backend": "cv2"}, ignored=_FILES
    ),
    "RandomDepthMix": Form("depth_mix", depth_mix_sample),
    "ConcatCDInput": Form("concat_images", concat_images_sample),
    "SegDataPreProcessor": Form(
        "collate",
        collate,
        run=collated,
        # `test_cfg` holds two options, which the reader takes apart.
        renamed={"pad_val": "pad_value", "seg_pad_val": "seg_pad_value", "test_cfg": "test_size"},
        fixed={"rgb_to_bgr": False, "batch_augments": None},
    ),
}


def steps_of_forms() -> tuple[Step, ...]:
    """Every step that an entry of a config can become, without options."""
    return tuple(Step(form.name, form.function) for form in FORMS.values())
