"""Reproducibility and parity testing against mmsegmentation.

Importing this package never imports mmseg, mmcv, mmengine or mmdet; the
reference lives in the top-level package ``reference``.
"""

__version__ = "0.1.0"
