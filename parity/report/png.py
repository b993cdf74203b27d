"""Arrays as base64 PNG, small enough to lie inside a report."""

from __future__ import annotations

import base64
import io

from PIL import Image as PillowImage

from parity.check.exhibit.records import UInt8Array
from parity.report.document import Image
from parity.report.palette import palette_bytes


def encode(pixels: UInt8Array, *, ids: bool = False) -> Image:
    """RGB ``(h, w, 3)``, grey ``(h, w)``, or class ids ``(h, w)`` in ADE20K's colours."""
    picture = PillowImage.fromarray(pixels)
    if ids:
        picture = PillowImage.fromarray(pixels, mode="L")
        picture.putpalette(palette_bytes())
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=6)
    height, width = pixels.shape[:2]
    return Image(base64.b64encode(stream.getvalue()).decode("ascii"), height, width)
