"""``RandomRotate``, ``RandomRotFlip`` and ``RandomCutOut`` (mmseg), live."""

from reference.configured import made

rotate_sample = made("RandomRotate")
rot_flip_sample = made("RandomRotFlip")
cut_out_sample = made("RandomCutOut")
