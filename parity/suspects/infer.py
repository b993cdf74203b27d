"""What people get wrong in inference on whole images and windows.

Test-time augmentation is in ``augmentation.py``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from parity.steps import logits as logit_steps
from parity.steps.crop import CropBox
from parity.steps.infer import slide as slides
from parity.steps.logits import Segmentation
from parity.suspects.logits import logits_nearest
from parity.suspects.mistake import Function, bound, current, made_in, mistake, places_of

Size = tuple[int, int]
Span = tuple[int, int]
Found = list[tuple[CropBox, Tensor]]

_STRIDE = "a model with a stride"
_SEVERAL = "an image larger than the window"
_OVERLAP = "windows that overlap"
_REST = "an image that windows do not fill evenly"

grid_mistake = made_in(slides.slide_windows, slides.slide_inference)
predict_mistake = made_in(slides.predict)


@made_in(slides.whole_inference, slides.inference, slides.slide_inference)(slides.encode_decode)
def infer_softmax_returned(infer: Function, model: Function, images: Tensor, **options: Any) -> Any:
    """Probabilities are returned; the reference returns logits, and only TTA takes softmax."""
    return infer(model, images, **options).softmax(1)


@made_in(slides.whole_inference)(
    slides.encode_decode, needs="a padded image whose meta keeps the size before"
)
def infer_to_image_shape(infer: Function, *given: Any, metas: Any = None, **options: Any) -> Any:
    """Logits of a padded image are resized to img_shape; the reference goes by pad_shape."""
    bare = None if metas is None else [{"img_shape": meta["img_shape"]} for meta in metas]
    return infer(*given, metas=bare, **options)


def _gaps_left(slide_inference: Function, model: Function, images: Tensor, **options: Any) -> Any:
    """No mistake: pixels without a window become 0 / 0, where ours refuses them."""
    return torch.div(*_sums(images, _windows(model, images, **options)))


_WITH_GAPS = ((slides.slide_inference, _gaps_left),)


@grid_mistake(slides.window_spans, needs=_SEVERAL, also=_WITH_GAPS)
def windows_stride_one_more(spans: Function, length: int, crop: int, stride: int) -> Any:
    """Windows lie one pixel too far apart; the reference moves by the stride itself."""
    return spans(length, crop, stride + 1)


@grid_mistake(slides.window_spans, needs=_REST)
def windows_last_cut_off(spans: Function, length: int, crop: int, stride: int) -> Any:
    """The last window is cut off at the border; the reference shifts it back into the image."""
    starts = (at * stride for at in range(len(spans(length, crop, stride))))
    return [(start, min(start + crop, length)) for start in starts]


@grid_mistake(slides.window_spans, needs=_REST, also=_WITH_GAPS)
def windows_last_dropped(spans: Function, length: int, crop: int, stride: int) -> Any:
    """Only windows that fit are used, and pixels past them are 0 / 0; the reference shifts one."""
    starts = range(0, max(length - crop, 0) + 1, stride)
    return [(start, min(start + crop, length)) for start in starts]


@grid_mistake(
    slides.window_spans, needs="an image whose rest after the first window the stride divides"
)
def windows_last_twice(spans: Function, length: int, crop: int, stride: int) -> Any:
    """The last window comes twice where the stride divides the rest; the reference has it once."""
    count = max(length - crop, 0) // stride + 2
    return [_shifted(at * stride, length, crop) for at in range(count)]


@grid_mistake(slides.window_spans, needs=_SEVERAL)
def windows_past_the_end(spans: Function, length: int, crop: int, stride: int) -> Any:
    """Windows start at every multiple of the stride; the reference stops at the border."""
    return [_shifted(start, length, crop) for start in range(0, length, stride)]


@grid_mistake(slides.slide_windows, needs="a window that is not square")
def windows_width_first(windows: Function, *given: int, **options: Any) -> Any:
    """Crop size and stride are read as (width, height); the reference has (height, width)."""
    turned = {name: options[name][::-1] for name in ("crop_size", "stride")}
    return windows(*given, **{**options, **turned})


@grid_mistake(slides.slide_windows, needs=_OVERLAP)
def windows_without_overlap(windows: Function, *given: int, **options: Any) -> Any:
    """Windows move by the crop size; the reference moves them by the stride."""
    return windows(*given, **{**options, "stride": options["crop_size"]})


@grid_mistake(slides.slide_windows, needs=_SEVERAL)
def windows_by_column(slide_windows: Function, height: int, width: int, **options: Any) -> Any:
    """Windows go column by column, so sums round differently; the reference goes row by row."""
    boxes = slide_windows(height, width, **options)
    return sorted(boxes, key=lambda box: (box.left, box.top))


@mistake(slides.slide_inference, needs=_OVERLAP)
def windows_summed(_: Function, model: Function, images: Tensor, **options: Any) -> Any:
    """Logits of windows are summed; the reference divides by how many hold each pixel."""
    return _sums(images, _windows(model, images, **options))[0]


@mistake(slides.slide_inference, needs=_OVERLAP)
def windows_overwritten(_: Function, model: Function, images: Tensor, **options: Any) -> Any:
    """Where windows overlap, the last one overwrites; the reference averages them."""
    return _laid_over(images, _windows(model, images, **options), lambda old, new: new)


@mistake(slides.slide_inference, needs="more than two windows over a pixel")
def windows_averaged_in_turn(_: Function, model: Function, images: Tensor, **options: Any) -> Any:
    """Each window is averaged with what was there; the reference weighs all windows alike."""
    found = _windows(model, images, **options)
    return _laid_over(images, found, lambda a, b: torch.where(a.isnan(), b, (a + b) / 2))


@mistake(slides.slide_inference, needs=_OVERLAP)
def windows_gaussian(_: Function, model: Function, images: Tensor, **options: Any) -> Any:
    """The middle of a window weighs more than its edge; the reference weighs both alike."""
    found = _windows(model, images, **options)
    weights = [(box, _gaussian(logits)) for box, logits in found]
    weighted = [
        (box, logits * weight) for (box, logits), (_, weight) in zip(found, weights, strict=True)
    ]
    return _sums(images, weighted)[0] / _sums(images, weights)[0]


@predict_mistake(
    slides.inference, needs='mode "slide", and an image larger than the window', mode="whole"
)
def whole_for_slide() -> None:
    """The whole image is taken at once; the reference slides windows when mode is "slide"."""


@mistake(slides.predict, needs=f"{_STRIDE}, on whole images with metas")
def predict_resized_once(predict: Function, model: Any, images: Tensor, **options: Any) -> Any:
    """Small logits go to ori_shape at once; the reference first brings them to the input size."""
    metas = options.get("metas")
    if metas is None or options.get("mode", "whole") != "whole":
        return predict(model, images, **options)
    small = model(images)
    scaled = [_with_scaled_padding(meta, small.shape, images.shape) for meta in metas]
    chosen = {key: options[key] for key in ("threshold", "align_corners") if key in options}
    return logit_steps.postprocess_logits(small, scaled, **chosen)


@mistake(slides.predict, needs=f"{_STRIDE}, on whole images")
def predict_argmax_small(predict: Function, model: Function, images: Tensor, **options: Any) -> Any:
    """Classes are decided at the model's stride and enlarged; the reference enlarges logits."""
    good = predict(model, images, **options)
    if options.get("mode", "whole") != "whole":
        return good
    resize = logit_steps.resize_logits
    # The class of a nearest neighbour is the nearest neighbour of the classes.
    with bound(places_of(resize), partial(logits_nearest, current(resize))):
        early = predict(model, images, **options)
    return [Segmentation(a.logits, b.prediction) for a, b in zip(good, early, strict=True)]


@predict_mistake(logit_steps.restore_logits)
def predict_softmax_first(restore: Function, logits: Tensor, meta: Any, **options: Any) -> Any:
    """Softmax is taken before resizing to ori_shape; the reference resizes the logits."""
    return restore(logits.softmax(1), meta, **options)


def _shifted(start: int, length: int, crop: int) -> Span:
    end = min(start + crop, length)
    return max(end - crop, 0), end


def _windows(
    model: Function, images: Tensor, *, crop_size: Size, stride: Size, **options: Any
) -> Found:
    """Every window with its logits."""
    height, width = images.shape[2:]
    align, found = options.get("align_corners", False), []
    for box in slides.slide_windows(height, width, crop_size=crop_size, stride=stride):
        window = images[:, :, box.top : box.bottom, box.left : box.right]
        found.append((box, slides.encode_decode(model, window, align_corners=align)))
    return found


def _sums(images: Tensor, found: Found) -> tuple[Tensor, Tensor]:
    """The sum over windows, and how many hold each pixel."""
    height, width = images.shape[2:]
    total = images.new_zeros((len(images), found[0][1].shape[1], height, width))
    count = images.new_zeros((len(images), 1, height, width))
    for box, logits in found:
        total += functional.pad(logits, (box.left, width - box.right, box.top, height - box.bottom))
        count[:, :, box.top : box.bottom, box.left : box.right] += 1
    return total, count


def _laid_over(images: Tensor, found: Found, merge: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Windows laid over each other by ``merge(what was there or NaN, window)``."""
    shape = (len(images), found[0][1].shape[1], *images.shape[2:])
    total = images.new_full(shape, torch.nan)
    for box, logits in found:
        region = total[:, :, box.top : box.bottom, box.left : box.right]
        region[:] = merge(region, logits)
    return total


def _gaussian(logits: Tensor) -> Tensor:
    """One at the centre of a window, falling with a sigma of an eighth of its size."""
    bells = []
    for length in logits.shape[2:]:
        at = torch.arange(length) - (length - 1) / 2
        bells.append(torch.exp(-0.5 * (at / (length / 8)) ** 2))
    return (bells[0][:, None] * bells[1]).to(logits).expand_as(logits)


def _with_scaled_padding(meta: Any, small: torch.Size, whole: torch.Size) -> dict[str, Any]:
    """Meta whose padding is counted in small logits, rounded down."""
    padding = meta.get("img_padding_size", meta.get("padding_size", (0, 0, 0, 0)))
    edges = (3, 3, 2, 2)  # left, right, top, bottom
    scaled = [part * small[at] // whole[at] for part, at in zip(padding, edges, strict=True)]
    return {**meta, "img_padding_size": tuple(scaled)}
