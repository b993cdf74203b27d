"""``RandomCrop`` (mmseg), live."""

from reference.configured import made

crop_sample = made("RandomCrop")
