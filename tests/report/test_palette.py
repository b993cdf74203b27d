from pathlib import Path

import make_palette
import pytest

from parity.report import palette
from parity.report.palette import CLASSES, COLORS, class_color, palette_bytes


def test_every_class_has_a_colour():
    assert len(CLASSES) == len(COLORS) == 150
    assert (CLASSES[0], COLORS[0]) == ("wall", "#787878")


@pytest.mark.parametrize(("index", "color"), [(4, "#04c803"), (255, "#000000"), (200, "#ff00ff")])
def test_ids(index, color):
    assert class_color(index) == color
    assert palette_bytes()[3 * index : 3 * index + 3].hex() == color[1:]


@pytest.mark.live
def test_is_what_mmseg_has():
    assert Path(palette.__file__).read_text("utf-8") == make_palette.render()
