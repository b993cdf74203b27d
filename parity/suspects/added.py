"""What people get wrong in the steps that configs add: `warp`, `tone`, `maps` and `mosaic`."""

from typing import Any

import cv2
import numpy as np
from numpy.random import RandomState

from parity.sample import DEPTH, Array, Sample
from parity.steps import maps, mosaic, tone, warp
from parity.suspects.mistake import Function, made_in, mistake

turn_mistake = made_in(warp.rotate_sample, warp.rot_flip_sample)
rotate_mistake = made_in(warp.rotate_sample)
hole_mistake = made_in(warp.cut_out_sample)
clahe_mistake = made_in(tone.clahe_sample)
edge_mistake = made_in(maps.generate_edge_sample)
mosaic_mistake = made_in(mosaic.mosaic_sample)


@turn_mistake(warp.rotate)
def rotated_anticlockwise(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """Positive angles turn anticlockwise; the reference's turn clockwise."""
    return rotate(array, -angle, **options)


@rotate_mistake(warp.rotate, nearest=False)
def rotated_labels_blended() -> None:
    """Label maps are interpolated; the reference takes the nearest label."""


@turn_mistake(warp.rotate)
def rotated_around_half_size(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """The center is half the size; the reference's is the middle between first and last pixel."""
    middle = (array.shape[1] / 2, array.shape[0] / 2)
    given = {"auto_bound": False, **options}
    return rotate(array, angle, **given if given["auto_bound"] else {**given, "center": middle})


@rotate_mistake(warp.rotate)
def outside_in_every_channel(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """What lies outside is pad_val in every channel; the reference's in the first, else 0."""
    value = options.pop("value", 0)
    every = (value,) * array.shape[2] if array.ndim == 3 else value
    return rotate(array, angle, value=every, **options)


@rotate_mistake(warp.rotate, needs="auto_bound")
def bound_truncated(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """With auto_bound, sizes are truncated; the reference rounds them."""
    found = rotate(array, angle, **options)
    if not options.get("auto_bound"):
        return found
    cosine, sine = np.abs(cv2.getRotationMatrix2D((0, 0), -angle, 1.0)[0, :2])
    height, width = array.shape[:2]
    return found[: int(height * cosine + width * sine), : int(height * sine + width * cosine)]


@mistake(warp.rotate_sample)
def angle_drawn_when_rotating(rotate: Function, sample: Sample, rng: Any, **options: Any) -> Any:
    """The angle is drawn only where an image is rotated; the reference always draws it."""
    is_rotated = rng.rand() < options["prob"]
    return rotate(sample, rng, **{**options, "prob": 1.0}) if is_rotated else sample


@hole_mistake(warp.draw_holes)
def holes_height_first(draw_holes: Function, rng: RandomState, **options: Any) -> Any:
    """Sizes of holes are height and width; the reference's are width and height."""
    sizes = [(height, width) for width, height in options.pop("sizes")]
    return draw_holes(rng, sizes=sizes, **options)


@hole_mistake(warp.draw_holes)
def one_hole_fewer(draw_holes: Function, rng: RandomState, **options: Any) -> Any:
    """The largest number of holes is never drawn; the reference includes it."""
    fewest, most = options.pop("n_holes")
    return draw_holes(rng, n_holes=(fewest, most - 1), **options)


@made_in(tone.adjust_gamma_sample)(tone.adjust_gamma)
def gamma_not_inverted(adjust_gamma: Function, image: Array, *, gamma: float = 1.0) -> Any:
    """Levels are taken to the power of gamma; the reference's power is 1 / gamma."""
    return adjust_gamma(image, gamma=1 / gamma)


@clahe_mistake(tone.clahe)
def equalised_lightness_alone(clahe: Function, image: Array, **options: Any) -> Any:
    """The lightness of LAB is equalised; the reference equalises each channel of BGR."""
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    lab[..., :1] = clahe(lab[..., :1], **options)
    return cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)


@clahe_mistake(tone.clahe)
def tiles_height_first(clahe: Function, image: Array, **options: Any) -> Any:
    """The tiles are counted as rows and columns; the reference counts columns and rows."""
    return clahe(image, **{**options, "tile_grid_size": options["tile_grid_size"][::-1]})


@made_in(tone.to_gray_sample)(tone.to_gray)
def gray_of_rgb(to_gray: Function, image: Array, **options: Any) -> Any:
    """The weights go by red, green, blue; the reference puts them on BGR as it is."""
    return to_gray(image[..., ::-1], **options)


@made_in(tone.rerange_sample)(tone.rerange)
def reranged_from_255(_: Function, image: Array, *, min_value: float, max_value: float) -> Any:
    """Levels are divided by 255; the reference goes by the image's own darkest and brightest."""
    return image / 255 * (max_value - min_value) + min_value


@edge_mistake(maps.edges, ignore_index=-1)
def edges_of_ignored() -> None:
    """Ignored pixels count as a class; the reference has no edge beside them."""


@edge_mistake(maps.edges, edge_width=1)
def edges_not_widened() -> None:
    """Edges are one pixel wide; the reference widens them to edge_width."""


@mistake(maps.depth_mix_sample)
def depth_in_metres(mix: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Depth is mixed in as it was rescaled; the reference takes it back to the file's units."""
    plain = sample.replace(meta=sample.meta.replace(depth_rescale_factor=1))
    return mix(plain, rng, **options).replace(meta=sample.meta)


@mistake(maps.depth_mix_sample)
def depth_band_with_its_end(mix: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The band is one column wider; the reference excludes its end."""
    mixed = mix(sample, rng, **options)
    changed = np.flatnonzero((mixed.image != sample.image).any(axis=(0, 2)))
    end = changed[-1] + 1 if changed.size else sample.image.shape[1]
    if end >= sample.image.shape[1]:
        return mixed
    image = mixed.image.copy()
    image[:, end] = (sample.maps[DEPTH] / sample.meta["depth_rescale_factor"])[:, end, None]
    return mixed.replace(image=image)


@mistake(maps.concat_images_sample)
def second_image_first(concat: Function, sample: Sample, rng: Any = None, **options: Any) -> Any:
    """The later image comes first; the reference goes by input_keys."""
    keys = options.pop("input_keys", ("img", "img2"))
    return concat(sample, rng, input_keys=keys[::-1], **options)


@mosaic_mistake(mosaic.fitted_size)
def mosaic_without_ratio(fitted_size: Function, height: int, width: int, img_scale: Any) -> Any:
    """Each image is stretched to img_scale; the reference keeps its ratio."""
    return img_scale


@mosaic_mistake(mosaic.draw_center)
def center_height_first(draw_center: Function, rng: RandomState, **options: Any) -> Any:
    """The center's row is drawn before its column; the reference draws the column first."""
    height, width = options.pop("img_scale")
    x, y = draw_center(rng, img_scale=(width, height), **options)
    return y, x
