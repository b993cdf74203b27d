"""What people get wrong when they resize to one of several scales, an edge, or multiples."""

from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from parity.steps import multiscale, pad
from parity.steps.resize import resize_sample
from parity.suspects.mistake import Function, made_in, mistake

Size = tuple[int, int]

_SEVERAL = "several scales"
_UNEVEN = "a size that is no multiple of size_divisor"

choice_mistake = made_in(multiscale.random_choice_resize_sample)
edge_mistake = made_in(
    multiscale.random_choice_resize_sample, multiscale.resize_shortest_edge_sample
)
multiple_mistake = made_in(multiscale.resize_to_multiple_sample, pad.pad_sample)


@mistake(multiscale.random_choice_resize_sample, needs=f"{_SEVERAL}, of one number each")
def any_scale_between(resize: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Any number from the smallest to the largest scale is drawn; the reference draws a scale."""
    scales = options["scales"]
    if isinstance(scales[0], int):
        scales = [int(rng.randint(min(scales), max(scales) + 1))]
    return resize(sample, rng, **{**options, "scales": scales})


@choice_mistake(multiscale.draw_choice, needs=_SEVERAL)
def last_scale_never_drawn(draw_choice: Function, rng: RandomState, *, count: int) -> Any:
    """The last scale is never drawn; in the reference all are equally likely."""
    return draw_choice(rng, count=max(count - 1, 1))


@choice_mistake(multiscale.draw_choice, needs=_SEVERAL)
def scale_from_random_sample(draw_choice: Function, rng: RandomState, *, count: int) -> Any:
    """The scale is int(random_sample() * count); the reference draws it by randint."""
    return int(rng.random_sample() * count)


@choice_mistake(multiscale.draw_choice, needs=_SEVERAL)
def first_scale_always(draw_choice: Function, rng: RandomState, *, count: int) -> Any:
    """The first scale is always taken, and nothing drawn; the reference draws one."""
    return 0


@edge_mistake(multiscale.shortest_edge_size, needs="an image that is not square")
def edge_is_the_long_one(size: Function, height: int, width: int, **options: Any) -> Any:
    """The scale is that of the long edge; in the reference it is that of the short one."""
    factor = min(_edge(options["scale"]), options["max_size"]) / max(height, width)
    return int(height * factor + 0.5), int(width * factor + 0.5)


@edge_mistake(multiscale.shortest_edge_size, needs="a long edge beyond max_size", max_size=10**9)
def max_size_ignored() -> None:
    """The long edge may pass max_size; the reference keeps it within that."""


@edge_mistake(multiscale.shortest_edge_size, needs="an edge that had to be rounded")
def edges_truncated(size: Function, height: int, width: int, **options: Any) -> Any:
    """Edges are truncated; the reference rounds half up."""
    short, long = min(height, width), max(height, width)
    factor = min(_edge(options["scale"]) / short, options["max_size"] / long)
    return int(round(height * factor, 9)), int(round(width * factor, 9))


@edge_mistake(multiscale.resize_shortest_edge_sample, needs="an edge that had to be rounded")
def size_taken_as_found(_: Function, sample: Sample, *rest: Any, scale: Any, max_size: int) -> Any:
    """The image gets the rounded size itself; the reference keeps the ratio within that."""
    height, width = sample.image.shape[:2]
    found = multiscale.shortest_edge_size(height, width, scale=scale, max_size=max_size)
    return resize_sample(sample, scale=found[::-1], keep_ratio=False)


@made_in(multiscale.resize_shortest_edge_sample)(
    multiscale.shortest_edge_size, needs="a scale of two numbers"
)
def edge_of_the_larger(size: Function, height: int, width: int, **options: Any) -> Any:
    """Of two numbers the larger is the short edge; in the reference the smaller."""
    scale = options["scale"]
    edge = max(scale) if isinstance(scale, tuple) else scale
    return size(height, width, **{**options, "scale": edge})


@multiple_mistake(multiscale.multiple_size, needs=_UNEVEN)
def multiple_below(multiple_size: Function, height: int, width: int, divisor: int) -> Size:
    """The size is the multiple below, at least one; the reference takes the one above."""
    return max(height // divisor, 1) * divisor, max(width // divisor, 1) * divisor


@multiple_mistake(multiscale.multiple_size, needs=_UNEVEN)
def multiple_nearest(multiple_size: Function, height: int, width: int, divisor: int) -> Size:
    """The size is the nearest multiple; the reference takes the one above."""
    height, width = ((edge + divisor // 2) // divisor * divisor for edge in (height, width))
    return max(height, divisor), max(width, divisor)


@multiple_mistake(multiscale.multiple_size, needs="a size that is a multiple of size_divisor")
def multiple_one_more(multiple_size: Function, height: int, width: int, divisor: int) -> Size:
    """A multiple already gets one more; the reference leaves it."""
    return (height // divisor + 1) * divisor, (width // divisor + 1) * divisor


def _edge(scale: int | Size) -> int:
    return min(scale) if isinstance(scale, tuple) else scale
