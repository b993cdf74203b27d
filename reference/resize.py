"""``Resize`` (mmseg) and ``RandomResize`` (mmcv), live."""

from reference.compat import load_reference
from reference.configured import made

resize_sample = made("Resize")
random_resize_sample = made("RandomResize")


def rescale_size(size: tuple[int, int], scale: tuple[int, int]) -> tuple[int, int]:
    """mmcv's size rule alone; sizes are ``(width, height)``."""
    load_reference()
    import mmcv

    rescaled: tuple[int, int] = mmcv.rescale_size(size, scale)
    return rescaled
