"""Exhibits as entries of a report, their pictures encoded and bounded in size."""

import base64
import io
from collections.abc import Sequence

from PIL import Image as PillowImage

from parity.check.exhibit.records import Exhibit, Picture, UInt8Array, View
from parity.report.document import ExhibitEntry, Image, PictureEntry, ViewEntry
from parity.report.palette import palette_bytes

# Base64 characters of all pictures together: a report is sent by mail.
MAX_CHARACTERS = 4_500_000
LEFT_OUT = "Left out: this report's pictures have reached their limit of 4.5 MB."


def exhibit_entries(exhibits: Sequence[Exhibit]) -> tuple[ExhibitEntry, ...]:
    """Each exhibit with its pictures, as long as there is room; then without, saying so."""
    room, full = MAX_CHARACTERS, False
    entries: list[ExhibitEntry] = []
    for exhibit in exhibits:
        pictures = tuple(map(_picture_entry, exhibit.pictures)) if not full else ()
        size = sum(len(image.png) for picture in pictures for image in images(picture))
        full = full or size > room  # once and for all: encoding the rest would take seconds
        room -= size
        if exhibit.pictures and full:
            entries.append(ExhibitEntry(exhibit.facts, left_out=LEFT_OUT))
        else:
            entries.append(ExhibitEntry(exhibit.facts, pictures))
    return tuple(entries)


def images(picture: PictureEntry) -> list[Image]:
    """Every image of a picture."""
    sides = [(view.actual, view.expected, view.difference) for view in picture.views]
    return [image for three in sides for image in three if image is not None]


def _picture_entry(picture: Picture) -> PictureEntry:
    views = tuple(_view_entry(view, ids=picture.kind == "labels") for view in picture.views)
    return PictureEntry(**{**vars(picture), "views": views})


def _view_entry(view: View, *, ids: bool) -> ViewEntry:
    sides = {
        "actual": encode(view.actual, ids=ids),
        "expected": encode(view.expected, ids=ids),
        "difference": None if view.difference is None else encode(view.difference),
    }
    return ViewEntry(**{**vars(view), **sides})


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
