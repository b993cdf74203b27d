"""What people get wrong when resizing logits, undoing padding and flips, and deciding classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from parity.steps import logits as steps
from parity.steps.infer import slide, tta
from parity.steps.logits import DEFAULT_THRESHOLD, Segmentation
from parity.suspects.mistake import Function, made_in

Size = tuple[int, int]
Meta = Mapping[str, Any]

_ANOTHER_SIZE = "logits of another size than asked for"
_SMALLER = "logits that are made smaller"
_PADDED = "meta with padding"
_FLIPPED = "meta of a flipped image"
_ONE_CLASS = "logits of one class"

resize_mistake = made_in(steps.postprocess_logits, steps.resize_logits)
everywhere = made_in(
    steps.postprocess_logits,
    steps.resize_logits,
    slide.whole_inference,
    slide.inference,
    slide.slide_inference,
)
mistake = made_in(steps.postprocess_logits)
predict_mistake = made_in(steps.postprocess_logits, slide.predict, tta.predict_tta)


@everywhere(steps.resize_logits, needs=_ANOTHER_SIZE)
def logits_corners_flipped(resize: Function, logits: Tensor, **options: Any) -> Any:
    """align_corners is the other way round than the config says when logits are resized."""
    turned = not options.get("align_corners", False)
    return resize(logits, **{**options, "align_corners": turned})


@everywhere(steps.resize_logits, needs=_ANOTHER_SIZE)
def logits_nearest(_: Function, logits: Tensor, *, size: Size, align_corners: bool = False) -> Any:
    """Logits are resized with nearest neighbours; the reference resizes them bilinearly."""
    return functional.interpolate(logits, size, mode="nearest")


@everywhere(steps.resize_logits, needs=_ANOTHER_SIZE)
def logits_bicubic(_: Function, logits: Tensor, *, size: Size, align_corners: bool = False) -> Any:
    """Logits are resized bicubically; the reference resizes them bilinearly."""
    return functional.interpolate(logits, size, mode="bicubic", align_corners=align_corners)


@resize_mistake(steps.resize_logits, needs=_SMALLER)
def logits_antialiased(_: Function, logits: Tensor, *, size: Size, **options: Any) -> Any:
    """Logits are smoothed when made smaller (antialias=True); the reference does not."""
    wide = logits if logits.dtype == torch.float64 else logits.float()
    return functional.interpolate(wide, size, mode="bilinear", antialias=True, **options).to(logits)


@resize_mistake(steps.resize_logits, needs=_ANOTHER_SIZE)
def logits_resized_twice(resize: Function, logits: Tensor, *, size: Size, **options: Any) -> Any:
    """Logits go through twice their size on the way; the reference resizes in one step."""
    double = (2 * logits.shape[2], 2 * logits.shape[3])
    between = resize(logits, size=double, **options)
    return resize(between, size=size, **options)


@everywhere(steps.resize_logits)
def logits_through_bfloat16(resize: Function, logits: Tensor, **options: Any) -> Any:
    """Logits pass through bfloat16 when resized; the reference keeps their dtype."""
    rounded = resize(logits.bfloat16(), **options)
    return rounded.to(logits)


@everywhere(steps.resize_logits)
def softmax_before_resize(resize: Function, logits: Tensor, **options: Any) -> Any:
    """Softmax is taken before the resize; the reference resizes the logits themselves."""
    return resize(logits.softmax(1), **options)


@made_in(steps.postprocess_logits, slide.whole_inference, slide.inference)(
    steps.resize_logits, needs=_ANOTHER_SIZE
)
def logits_left_as_they_are(_: Function, logits: Tensor, **options: Any) -> Any:
    """Logits keep the size the model worked at; the reference resizes them."""
    return logits


@mistake(steps.restore_logits, needs=_ANOTHER_SIZE)
def original_shape_width_first(restore: Function, logits: Any, meta: Meta, **options: Any) -> Any:
    """ori_shape is read as (width, height); it is (height, width)."""
    return restore(logits, {**meta, "ori_shape": meta["ori_shape"][::-1]}, **options)


@made_in(steps.postprocess_logits, slide.predict)(steps.postprocess_logits, needs=_ANOTHER_SIZE)
def argmax_before_resize(restore: Function, seg_logits: Tensor, metas: Any, **options: Any) -> Any:
    """Classes are decided first and resized; the reference resizes logits and decides then."""
    good = restore(seg_logits, metas, **options)
    if metas is None:
        return good
    found = []
    for logits, meta, late in zip(seg_logits, metas, good, strict=True):
        padding = meta.get("img_padding_size", meta.get("padding_size", (0, 0, 0, 0)))
        inner = steps.undo_flip(steps.remove_padding(logits[None], padding), meta)[0]
        early = steps.decide(inner, threshold=options.get("threshold")).prediction
        plane = early.double().view(1, 1, *inner.shape[1:])
        resized = functional.interpolate(plane, meta["ori_shape"], mode="nearest")
        found.append(Segmentation(late.logits, resized.to(early).view_as(late.prediction)))
    return found


@mistake(steps.decide)
def prediction_without_channel(decide: Function, logits: Tensor, **options: Any) -> Any:
    """The prediction is (H, W); the reference's is (1, H, W)."""
    good = decide(logits, **options)
    return Segmentation(good.logits, good.prediction[0])


@predict_mistake(steps.remove_padding, needs=_PADDED)
def padding_kept(remove_padding: Function, logits: Tensor, padding: Sequence[int]) -> Any:
    """Padding is left in when resizing to ori_shape; the reference cuts it off before."""
    return logits


@mistake(steps.remove_padding, needs=_PADDED)
def padding_read_height_first(cut: Function, logits: Tensor, padding: Sequence[int]) -> Any:
    """Padding is read as (top, bottom, left, right); it is (left, right, top, bottom)."""
    return cut(logits, (*padding[2:], *padding[:2]))


@mistake(steps.restore_logits, needs="meta with img_padding_size")
def padding_of_testing_ignored(restore: Function, logits: Any, meta: Meta, **options: Any) -> Any:
    """Only padding_size is cut off; the reference takes img_padding_size where there is one."""
    known = {key: meta[key] for key in meta if key != "img_padding_size"}
    return restore(logits, known, **options)


@mistake(steps.restore_logits, needs="meta with padding and a flip")
def padding_cut_after_unflipping(restore: Function, logits: Any, meta: Meta, **options: Any) -> Any:
    """The flip is undone before the padding is cut off; the reference cuts first."""
    return restore(steps.undo_flip(logits, meta), {**meta, "flip": False}, **options)


@predict_mistake(steps.undo_flip, needs=_FLIPPED)
def flip_kept(undo_flip: Function, logits: Tensor, meta: Meta) -> Any:
    """Logits of a flipped image are not flipped back; the reference undoes the flip."""
    return logits


@mistake(steps.undo_flip, needs="meta of an image flipped vertically")
def flip_undone_horizontally(undo_flip: Function, logits: Tensor, meta: Meta) -> Any:
    """Every flip is undone as a horizontal one; the reference goes by flip_direction."""
    return undo_flip(logits, {**meta, "flip_direction": "horizontal"})


@mistake(steps.above_threshold, needs=f"{_ONE_CLASS} at the threshold")
def threshold_inclusive(_: Function, probability: Tensor, threshold: float | None) -> Any:
    """A probability at the threshold counts as the class; the reference asks for more."""
    limit = DEFAULT_THRESHOLD if threshold is None else threshold
    return (probability >= limit).to(probability)


@mistake(steps.above_threshold, needs=f"{_ONE_CLASS}, decided at the default threshold")
def threshold_of_a_half(above: Function, probability: Tensor, threshold: float | None) -> Any:
    """One class is decided at 0.5 by default; the reference's default threshold is 0.3."""
    return above(probability, 0.5 if threshold is None else threshold)


@mistake(steps.above_threshold, needs=f"{_ONE_CLASS}, decided at another threshold")
def threshold_ignored(above: Function, probability: Tensor, threshold: float | None) -> Any:
    """One class is always decided at 0.3; the reference takes the threshold of its config."""
    return above(probability, None)


@mistake(steps.decide, needs=_ONE_CLASS)
def threshold_on_logits(decide: Function, logits: Tensor, *, threshold: float | None = None) -> Any:
    """The threshold is held against logits of one class; the reference takes the sigmoid first."""
    good = decide(logits, threshold=threshold)
    if logits.shape[0] > 1:
        return good
    return Segmentation(good.logits, steps.above_threshold(logits, threshold))


@mistake(steps.decide, needs=_ONE_CLASS)
def argmax_of_one_class(decide: Function, logits: Tensor, *, threshold: float | None = None) -> Any:
    """One class is decided by argmax and always 0; the reference takes sigmoid and threshold."""
    good = decide(logits, threshold=threshold)
    if logits.shape[0] > 1:
        return good
    return Segmentation(good.logits, torch.zeros_like(good.prediction))


@made_in(steps.resize_logits)(steps.resize_logits, needs="a size that is not square")
def logits_size_width_first(resize: Function, logits: Tensor, *, size: Size, **options: Any) -> Any:
    """The size is read as (width, height); the reference has (height, width)."""
    return resize(logits, size=size[::-1], **options)
