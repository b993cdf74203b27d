"""Logits with padding, flips and original sizes; ties, signed zeros, one class and several."""

from typing import Any

import torch
from numpy.random import RandomState

from parity.probes.natural import probe
from parity.sample import Meta
from parity.steps.logits import postprocess_logits, resize_logits

_DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
_PADDING_KEYS = ("img_padding_size", "padding_size", "")


def resize_case(seed: int) -> dict[str, Any]:
    """Give logits float32 ``(N, C, h, w)`` and a size smaller, larger, equal or of one pixel."""
    rng = RandomState(seed)
    logits = random_logits(rng, channels=int(rng.randint(1, 6)))
    size = logits.shape[-2:] if seed % 5 == 4 else random_size(rng)
    return {"logits": logits, "size": tuple(size)}


def resize_half_case(seed: int) -> dict[str, Any]:
    """As `resize_case`, in bfloat16, float16 and float64 in turn."""
    case = resize_case(seed)
    return {**case, "logits": case["logits"].to(_DTYPES[1 + seed % 3])}


def postprocess_case(seed: int) -> dict[str, Any]:
    """Give logits float32 ``(N, C, H, W)`` of two to six classes, with metas.

    Every eighth is without.
    """
    return _postprocess_case(RandomState(seed), seed, channels=2 + seed % 5)


def postprocess_binary_case(seed: int) -> dict[str, Any]:
    """Give logits of one class, ``(N, 1, H, W)``, and metas."""
    return _postprocess_case(RandomState(seed), seed, channels=1)


def postprocess_half_case(seed: int) -> dict[str, Any]:
    """Logits of one to four classes in bfloat16, float16 and float64 in turn."""
    case = _postprocess_case(RandomState(seed), seed, channels=1 + seed % 4)
    return {**case, "seg_logits": case["seg_logits"].to(_DTYPES[1 + seed % 3])}


def random_logits(rng: RandomState, *, channels: int) -> torch.Tensor:
    """float32 ``(N, channels, H, W)``; half of them coarse, so that classes tie."""
    shape = (int(rng.randint(1, 4)), channels, *random_size(rng))
    logits = torch.from_numpy(rng.standard_normal(shape) * 3).float()
    return logits.round() if rng.randint(2) else logits


def random_size(rng: RandomState) -> tuple[int, int]:
    """Draw a height and a width; one pixel now and then."""
    height, width = (int(rng.choice([1, rng.randint(2, 36)], p=[0.1, 0.9])) for _ in range(2))
    return height, width


def random_meta(rng: RandomState, height: int, width: int) -> Meta:
    """Draw the meta of an image that fills part of ``(height, width)``."""
    key = _PADDING_KEYS[rng.randint(3)]
    padding = {key: _padding(rng, height, width)} if key else {}
    if key == "img_padding_size" and rng.randint(2):  # which of the two wins
        padding["padding_size"] = (0, 0, 0, 0)
    direction = [None, "horizontal", "vertical"][rng.randint(3)]
    flip = {} if rng.randint(4) == 0 else {"flip": direction is not None}
    return Meta(ori_shape=random_size(rng), flip_direction=direction, **padding, **flip)


def _padding(rng: RandomState, height: int, width: int) -> tuple[int, int, int, int]:
    left, top = int(rng.randint(0, width) // 3), int(rng.randint(0, height) // 3)
    return (left, int(rng.randint(0, width - left)), top, int(rng.randint(0, height - top)))


def _postprocess_case(rng: RandomState, seed: int, *, channels: int) -> dict[str, Any]:
    logits = random_logits(rng, channels=channels)
    metas = [random_meta(rng, *logits.shape[-2:]) for _ in logits]
    return {"seg_logits": logits, "metas": None if seed % 8 == 7 else metas}


PROBES = (
    probe("logits_resize", resize_logits, resize_case, align_corners=False),
    probe("logits_resize_corners", resize_logits, resize_case, align_corners=True),
    probe("logits_resize_half", resize_logits, resize_half_case, align_corners=False),
    probe("postprocess", postprocess_logits, postprocess_case),
    probe("postprocess_corners", postprocess_logits, postprocess_case, align_corners=True),
    probe("postprocess_binary", postprocess_logits, postprocess_binary_case),
    probe("postprocess_threshold", postprocess_logits, postprocess_binary_case, threshold=0.5),
    probe("postprocess_half", postprocess_logits, postprocess_half_case),
)
