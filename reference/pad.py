"""``Pad`` (mmcv), live."""

from reference.configured import made

pad_sample = made("Pad")
