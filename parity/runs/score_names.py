"""Names of scores, which every program writes in its own way."""

from __future__ import annotations

import re
from functools import lru_cache

_PREFIX = re.compile(r"(?:(?:val|valid|validation|eval|test|sem_seg|metrics?)[/_])+", re.I)
# By the name without case, underscores and what stands in front of it.
_NAMES = {
    "miou": "mIoU",
    "meaniou": "mIoU",
    "macc": "mAcc",
    "meanacc": "mAcc",
    "meanaccuracy": "mAcc",
    "aacc": "aAcc",
    "allacc": "aAcc",
    "overallacc": "aAcc",
    "overallaccuracy": "aAcc",
    "pacc": "aAcc",
    "pixelacc": "aAcc",
    "pixelaccuracy": "aAcc",
    "fwiou": "fwIoU",
    "mdice": "mDice",
    "meandice": "mDice",
}


@lru_cache(1024)
def score_name(written: str) -> str | None:
    """mmseg's name of the score that `written` means, e.g. ``mIoU`` for ``eval_mean_iou``."""
    bare = _PREFIX.sub("", written, count=1)
    return _NAMES.get(bare.replace("_", "").lower())


def split_name(written: str) -> str | None:
    """ "val" or "test", as the beginning of `written` says; None where it says nothing."""
    first = re.match(r"[A-Za-z]+", written)
    word = first[0].lower() if first else ""
    return {"test": "test", "val": "val", "valid": "val", "validation": "val", "eval": "val"}.get(
        word
    )
