"""``AdjustGamma``, ``CLAHE``, ``Rerange`` and ``RGB2Gray`` (mmseg), live."""

from reference.configured import made

adjust_gamma_sample = made("AdjustGamma")
clahe_sample = made("CLAHE")
rerange_sample = made("Rerange")
to_gray_sample = made("RGB2Gray")
