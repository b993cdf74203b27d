"""Predictions as the PNG files a test server takes.

Reproduces ``output_dir`` of ``IoUMetric`` (mmseg 1.2.2
mmseg/evaluation/metrics/iou_metric.py), with one deviation: the reference drops
axes of length one, and so saves a prediction of one row as a column, and fails
for one pixel. Here the file has the prediction's own height and width.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from parity.errors import InputError
from parity.files import write_atomically
from parity.sample import UInt8Array
from parity.steps.iou.counts import LabelMap, whole_numbers


def format_prediction(pred: LabelMap, *, reduce_zero_label: bool) -> UInt8Array:
    """The pixels of the file: `pred` as uint8 ``(H, W)``, plus one with `reduce_zero_label`.

    So class 0 of 150 becomes label 1 of ADE20K, whose 0 means unlabelled; 255
    becomes 0, the inverse of what loading does. Raises InputError for
    values outside 0 to 255, which the reference would wrap to another class.
    """
    classes = whole_numbers(pred, "the prediction")
    if classes.size and not 0 <= classes.min() <= classes.max() <= 255:
        raise InputError(
            f"the prediction holds classes {classes.min()} to {classes.max()}, "
            "but an 8-bit PNG only 0 to 255"
        )
    return (classes + reduce_zero_label).astype(np.uint8)


def save_prediction(
    pred: LabelMap,
    img_path: str | Path,
    output_dir: str | Path,
    *,
    reduce_zero_label: bool,
) -> Path:
    """Write `pred` to ``<output_dir>/<name of the image>.png`` and return that path.

    As in the reference, images of the same name in different folders share one
    file. Raises InputError as `format_prediction`, and when the file cannot be written.
    """
    path = Path(output_dir) / f"{Path(img_path).stem}.png"
    content = io.BytesIO()
    pixels = format_prediction(pred, reduce_zero_label=reduce_zero_label)
    Image.fromarray(pixels).save(content, format="PNG")
    write_atomically(path, content.getvalue())
    return path
