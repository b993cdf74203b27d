"""``RandomFlip`` (mmseg), live."""

from reference.configured import made

flip_sample = made("RandomFlip")
