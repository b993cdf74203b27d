"""``PhotoMetricDistortion`` (mmseg), live."""

from reference.configured import made

photometric_sample = made("PhotoMetricDistortion")
