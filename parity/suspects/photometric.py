"""What people get wrong in the photometric distortion."""

from dataclasses import replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.sample import Sample
from parity.steps import photometric as photometrics
from parity.steps.photometric import PhotometricDraws
from parity.suspects.generators import Redirected
from parity.suspects.mistake import Function, made_in

Array = NDArray[Any]
Range = tuple[float, float]

mistake = made_in(photometrics.photometric_sample)


def _redirected(
    rng: RandomState, *, coin: Function | None = None, between: Function | None = None
) -> Redirected:
    """`rng` with another coin for ``randint(2)``, or another draw for ``randint(low, high)``."""

    def randint(*limits: int) -> int:
        drawn = coin if len(limits) == 1 else between
        return int((drawn or rng.randint)(*limits))

    return Redirected(rng, randint=randint)


@mistake(photometrics.draw_photometric)
def hue_reaches_18(draw: Function, rng: RandomState, **options: Any) -> Any:
    """Hue reaches +18; the reference stops at +17."""
    return draw(_redirected(rng, between=lambda low, high: rng.randint(low, high + 1)), **options)


@mistake(photometrics.draw_photometric)
def hue_drawn_as_float(draw: Function, rng: RandomState, **options: Any) -> Any:
    """The hue shift is drawn by uniform() and truncated; the reference draws an integer."""
    return draw(_redirected(rng, between=rng.uniform), **options)


@mistake(photometrics.draw_photometric)
def brightness_drawn_as_integer(draw: Function, rng: RandomState, **options: Any) -> Any:
    """The brightness is drawn as an integer; the reference draws it by uniform()."""

    def whole(low: float, high: float) -> float:
        return float(rng.randint(int(low), int(high) + 1) if low < 0 else rng.uniform(low, high))

    return draw(Redirected(rng, uniform=whole), **options)


@mistake(photometrics.draw_photometric)
def coins_by_random_sample(draw: Function, rng: RandomState, **options: Any) -> Any:
    """Each change is decided by random() < 0.5; the reference calls randint(2), another stream."""
    return draw(_redirected(rng, coin=lambda _: rng.random_sample() < 0.5), **options)


@mistake(photometrics.draw_photometric)
def every_change_made(draw: Function, rng: RandomState, **options: Any) -> Any:
    """Every change is made, without coins; the reference makes each with probability 1/2."""
    return draw(_redirected(rng, coin=lambda _: True), **options)


@mistake(photometrics.draw_photometric)
def contrast_always_drawn(_: Function, rng: RandomState, **options: Any) -> Any:
    """Contrast is changed every time, without a coin; the reference changes it half of the time."""
    brightness, _contrast, saturation, hue = _numbers(rng, **options)
    span = options.get("contrast_range", (0.5, 1.5))
    added, first = brightness(), bool(rng.randint(2))
    early = rng.uniform(*span) if first else None
    rest = (saturation(), hue())
    return PhotometricDraws(added, first, early if first else rng.uniform(*span), *rest)


@mistake(photometrics.draw_photometric)
def mode_drawn_first(_: Function, rng: RandomState, **options: Any) -> Any:
    """The place of the contrast is drawn before the brightness; the reference draws it after."""
    brightness, contrast, saturation, hue = _numbers(rng, **options)
    first, added = bool(rng.randint(2)), brightness()
    early = contrast() if first else None
    rest = (saturation(), hue())
    return PhotometricDraws(added, first, early if first else contrast(), *rest)


@mistake(photometrics.draw_photometric)
def drawn_in_fixed_order(_: Function, rng: RandomState, **options: Any) -> Any:
    """Contrast always follows brightness, in draws and pixels; the reference draws its place."""
    brightness, *others = _numbers(rng, **options)
    return PhotometricDraws(brightness(), True, *(draw() for draw in others))


@mistake(photometrics.draw_photometric)
def hue_drawn_before_saturation(_: Function, rng: RandomState, **options: Any) -> Any:
    """Hue is drawn before saturation; the reference draws saturation first."""
    brightness, contrast, saturation, hue = _numbers(rng, **options)
    added, first = brightness(), bool(rng.randint(2))
    early = contrast() if first else None
    turned, factor = hue(), saturation()
    return PhotometricDraws(added, first, early if first else contrast(), factor, turned)


@mistake(photometrics.photometric)
def contrast_always_first(photometric: Function, image: Array, draws: PhotometricDraws) -> Any:
    """Contrast comes before saturation and hue every time; the reference draws which."""
    return photometric(image, replace(draws, contrast_first=True))


@mistake(photometrics.photometric)
def contrast_always_last(photometric: Function, image: Array, draws: PhotometricDraws) -> Any:
    """Contrast comes after saturation and hue every time; the reference draws which."""
    return photometric(image, replace(draws, contrast_first=False))


@mistake(photometrics.photometric)
def hue_before_saturation(photometric: Function, image: Array, draws: PhotometricDraws) -> Any:
    """Hue is turned before the saturation is changed; the reference does it after."""
    late = draws.contrast if not draws.contrast_first else None
    early = replace(draws, saturation=None, contrast=None if late is not None else draws.contrast)
    image = photometric(image, early)
    rest = PhotometricDraws(None, False, late, draws.saturation, None)
    return photometric(image, rest)


@mistake(photometrics.photometric)
def converted_once(photometric: Function, image: Array, draws: PhotometricDraws) -> Any:
    """Brightness and contrast share one conversion to uint8; the reference converts after each."""
    if draws.brightness is None or draws.contrast is None or not draws.contrast_first:
        return photometric(image, draws)
    image = photometrics.scale_and_shift(
        image, alpha=draws.contrast, beta=draws.brightness * draws.contrast
    )
    return photometric(image, replace(draws, brightness=None, contrast=None))


@mistake(photometrics.photometric)
def hue_left_out(photometric: Function, image: Array, draws: PhotometricDraws) -> Any:
    """The hue is drawn and not changed; the reference turns it."""
    return photometric(image, replace(draws, hue=None))


@mistake(photometrics.photometric)
def saturation_left_out(photometric: Function, image: Array, draws: PhotometricDraws) -> Any:
    """The saturation is drawn and not changed; the reference changes it."""
    return photometric(image, replace(draws, saturation=None))


@mistake(photometrics.photometric_sample)
def distortion_left_out(_: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The photometric distortion is left out, and nothing drawn; the reference distorts."""
    return sample.replace()


@mistake(photometrics.photometric_sample)
def one_draw_too_many(distort: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """A number is drawn that the reference does not draw, which shifts every later one."""
    good = distort(sample, rng, **options)
    rng.random_sample()
    return good


@mistake(photometrics.photometric_sample)
def channels_shuffled(distort: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Channels are shuffled half of the time (SSD's lighting noise); the reference keeps them."""
    good = distort(sample, rng, **options)
    if not rng.randint(2):
        return good
    return good.replace(image=np.ascontiguousarray(good.image[..., rng.permutation(3)]))


@mistake(photometrics.photometric_sample)
def image_in_rgb(distort: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The image is turned to RGB here; the reference does so when batching."""
    good = distort(sample, rng, **options)
    return good.replace(image=cv2.cvtColor(good.image, cv2.COLOR_BGR2RGB))


def _numbers(
    rng: RandomState,
    *,
    brightness_delta: float = 32,
    contrast_range: Range = (0.5, 1.5),
    saturation_range: Range = (0.5, 1.5),
    hue_delta: int = 18,
) -> tuple[Function, Function, Function, Function]:
    """What draws brightness, contrast, saturation and hue, each with probability 1/2."""

    def maybe(draw: Function, low: float, high: float) -> Any:
        return draw(low, high) if rng.randint(2) else None

    return (
        partial(maybe, rng.uniform, -brightness_delta, brightness_delta),
        partial(maybe, rng.uniform, *contrast_range),
        partial(maybe, rng.uniform, *saturation_range),
        partial(maybe, rng.randint, -hue_delta, hue_delta),
    )
