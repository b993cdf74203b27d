"""What people get wrong about channels and normalisation when a batch is made."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from parity.sample import Sample
from parity.steps import collate as collates
from parity.suspects.mistake import Function, made_in

Samples = Sequence[Sample]

_STATISTICS = "mean and std in the options"

mistake = made_in(collates.collate)


@mistake(collates.collate, bgr_to_rgb=False)
def normalise_bgr() -> None:
    """Channels stay BGR under RGB mean and std; the reference turns the image to RGB first."""


@mistake(collates.collate, needs=_STATISTICS)
def statistics_bgr(collate: Function, samples: Samples, **options: Any) -> Any:
    """Mean and std are in BGR order for an RGB image; the reference has both in RGB order."""
    return _with_statistics(collate, samples, options, lambda row: row[::-1])


@mistake(collates.collate, needs=_STATISTICS)
def statistics_0_1(collate: Function, samples: Samples, **options: Any) -> Any:
    """Mean and std are those of pixels 0 to 1, the pixels 0 to 255 as in the reference."""
    return _with_statistics(collate, samples, options, lambda row: [item / 255 for item in row])


@mistake(collates.collate, needs=_STATISTICS)
def mean_0_1(collate: Function, samples: Samples, **options: Any) -> Any:
    """Mean is that of pixels 0 to 1; pixels, mean and std of the reference are 0 to 255."""
    small = options["mean"] and [item / 255 for item in options["mean"]]
    return collate(samples, **{**options, "mean": small})


@mistake(collates.collate, needs=_STATISTICS)
def std_times_255(collate: Function, samples: Samples, **options: Any) -> Any:
    """Std is multiplied by 255 once more; the reference's std is that of pixels 0 to 255."""
    large = options["std"] and [item * 255 for item in options["std"]]
    return collate(samples, **{**options, "std": large})


@mistake(collates.normalize, needs=_STATISTICS)
def pixels_0_1(normalize: Function, image: torch.Tensor, *, mean: Any, std: Any) -> Any:
    """Pixels are divided by 255 before mean and std of 0 to 255; the reference keeps 0 to 255."""
    return normalize(image if mean is None else image / 255, mean=mean, std=std)


@mistake(collates.normalize, needs=_STATISTICS)
def normalise_missing(normalize: Function, image: torch.Tensor, *, mean: Any, std: Any) -> Any:
    """Pixels are only divided by 255; the reference subtracts mean and divides by std."""
    return image if mean is None else image / 255


@mistake(collates.normalize, needs=_STATISTICS)
def inverse_std(normalize: Function, image: torch.Tensor, *, mean: Any, std: Any) -> Any:
    """Multiplies by 1 / std, which rounds differently; the reference divides by std."""
    if mean is None:
        return image
    return (image - torch.tensor(mean).view(-1, 1, 1)) * (1 / torch.tensor(std).view(-1, 1, 1))


@mistake(collates.normalize, needs=_STATISTICS)
def normalise_in_float64(normalize: Function, image: torch.Tensor, *, mean: Any, std: Any) -> Any:
    """Normalises in float64 and rounds once; the reference computes in float32."""
    if mean is None:
        return image
    shift, scale = (torch.tensor(row, dtype=torch.float64).view(-1, 1, 1) for row in (mean, std))
    return ((image.double() - shift) / scale).float()


@mistake(collates.normalize, needs=_STATISTICS)
def normalise_through_float16(norm: Function, image: torch.Tensor, *, mean: Any, std: Any) -> Any:
    """Normalised images pass through float16; the reference keeps float32."""
    found = norm(image, mean=mean, std=std)
    return found if mean is None else found.half().float()


@mistake(collates.normalize, needs=_STATISTICS)
def normalise_per_image(normalize: Function, image: torch.Tensor, *, mean: Any, std: Any) -> Any:
    """Uses mean and std of each image itself; the reference uses those of its config."""
    if mean is None:
        return image
    spread = image.std((1, 2), keepdim=True, correction=0).clamp(min=image[0].numel() ** -0.5)
    return (image - image.mean((1, 2), keepdim=True)) / spread


@mistake(collates.to_chw)
def image_reshaped(to_chw: Function, image: Any) -> Any:
    """Pixels are reshaped to (C, H, W) and so mixed; the reference transposes the axes."""
    return to_chw(image).permute(1, 2, 0).reshape(image.shape[2], *image.shape[:2])


def _with_statistics(
    collate: Function, samples: Samples, options: dict[str, Any], change: Callable[[Any], Any]
) -> Any:
    if options["mean"] is None:
        return collate(samples, **options)
    changed = {name: change(list(options[name])) for name in ("mean", "std")}
    return collate(samples, **{**options, **changed})
