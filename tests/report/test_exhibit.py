import numpy as np
import pytest
import torch

from parity.check.exhibit import exhibit
from parity.check.exhibit.build import MAX_DRAWS, draw_rows
from parity.check.exhibit.pictures import DETAIL_EDGE, WHOLE_EDGE, picture
from parity.check.exhibit.planes import arrays, is_label_map, name_of
from parity.compare.compare import compare
from parity.compare.leaf import as_leaf
from parity.compare.rng import Draw, GeneratorState, RecordingRandomState
from parity.compare.trace import StepRecord, compare_records


def picture_of(actual, expected, path="image"):
    left, right = as_leaf(actual), as_leaf(expected)
    return picture(path, left, right, compare(actual, expected))


def photo(height=600, width=500):
    return np.random.RandomState(0).randint(0, 200, (height, width, 3)).astype(np.uint8)


def record(output, draws=(), given=None, name="step", error=""):
    state = GeneratorState.of(RecordingRandomState(0))
    return StepRecord(name, given, state, output, state, tuple(draws), error)


def exhibit_of(actual, expected, **options):
    return exhibit(
        actual, expected, compare_records(actual, expected), case="c", pipeline="p", **options
    )


class TestPictures:
    def test_one_wrong_pixel_stays_visible(self):
        expected = photo()
        actual = expected.copy()
        actual[421, 333, 1] += 9
        shown = picture_of(actual, expected)
        whole, detail = shown.views
        assert max(whole.expected.shape) <= WHOLE_EDGE
        assert whole.stride == 3
        assert whole.difference.max() == 255
        assert np.count_nonzero(whole.difference) == 1
        assert whole.worst == (421 // 3, 333 // 3)
        assert detail.stride == 1
        assert detail.expected.shape == (DETAIL_EDGE, DETAIL_EDGE, 3)
        row, column = detail.worst
        assert (row + detail.top, column + detail.left) == (421, 333)
        assert detail.box == (row, column, 1, 1)
        assert detail.actual[row, column, 1] == actual[421, 333, 1]
        assert shown.worst.startswith("[421, 333, 1]: actual ")

    def test_bgr_is_shown_as_rgb(self):
        expected = np.zeros((10, 12, 3), np.uint8)
        expected[..., 0] = 200  # blue
        shown = picture_of(expected + np.uint8(1), expected)
        assert shown.views[0].expected[0, 0].tolist() == [0, 0, 200]

    def test_other_shape_has_no_difference(self):
        shown = picture_of(photo(20, 30), photo(22, 30))
        assert [view.difference for view in shown.views] == [None]
        assert shown.views[0].actual.shape[:2] == (20, 30)
        assert shown.gain == "the shapes differ, 20 x 30 actual, 22 x 30 expected"

    def test_logits_show_the_plane_of_the_worst(self):
        expected = torch.zeros(2, 5, 16, 20)
        actual = expected.clone()
        actual[1, 3, 4, 7] = 2.5
        shown = picture_of(actual, expected, "pred")
        assert "shown: [1, 3, :, :]" in shown.caption
        assert "black 0, white 2.5 on both sides" in shown.caption
        assert shown.views[0].worst == (4, 7)
        assert shown.views[0].difference.shape == (16, 20)

    def test_normalised_image_keeps_its_colours(self):
        expected = torch.linspace(-2, 2, 3 * 10 * 12).reshape(1, 3, 10, 12)
        shown = picture_of(expected + 1, expected, "images")
        assert shown.views[0].expected.shape == (10, 12, 3)
        assert shown.kind == "values"

    def test_label_map_keeps_its_ids(self):
        expected = np.zeros((20, 20), np.uint8)
        actual = expected.copy()
        actual[3, 4] = 149
        shown = picture_of(actual, expected, "seg")
        assert shown.kind == "labels"
        assert shown.views[0].actual[3, 4] == 149
        assert shown.views[0].difference[3, 4] == 255

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_non_finite(self, bad):
        expected = np.zeros((9, 9), np.float32)
        actual = expected.copy()
        actual[2, 2] = bad
        actual[5, 5] = 1
        shown = picture_of(actual, expected, "pred")
        assert np.count_nonzero(shown.views[0].difference) == 2

    def test_views_do_not_keep_the_array_alive(self):
        actual = photo()
        for view in picture_of(actual + np.uint8(1), actual).views:
            assert view.actual.base is None or view.actual.base.nbytes <= view.actual.nbytes

    @pytest.mark.parametrize("shape", [(4, 9, 3), (3,), (7, 7), (0, 9, 9)])
    def test_too_small(self, shape):
        array = np.zeros(shape, np.float32)
        assert picture_of(array, array) is None


class TestPlanes:
    def test_paths_are_those_of_the_comparison(self):
        value = {"a": [np.zeros(3)], "b": {"c": torch.zeros(1, 2)}, "d": "text", "e": 1.0}
        assert set(arrays(value)) == {"a[0]", "b.c"}

    @pytest.mark.parametrize(
        ("path", "array", "answer"),
        [
            ("seg", np.zeros((4, 4), np.uint8), True),
            ("segs[0]", torch.zeros(4, 4, dtype=torch.int64), True),
            ("segmentations[0][1]", torch.zeros(1, 4, 4, dtype=torch.int64), True),
            ("", np.zeros((4, 4), np.uint8), True),
            ("image", np.zeros((4, 4, 3), np.uint8), False),
            ("[0]", torch.zeros(1, 4, 4), False),
            ("counts.label", np.zeros(150, np.int64), False),
        ],
    )
    def test_label_maps(self, path, array, answer):
        assert is_label_map(path, as_leaf(array)) is answer

    def test_name_of(self):
        names = [name_of(path) for path in ("meta.img_shape[0]", "segs[0]", "[0].image", "")]
        assert names == ["img_shape", "segs", "image", ""]


class TestDraws:
    def test_first_is_marked(self):
        same, other = Draw("rand", "", "1"), Draw("rand", "", "2")
        rows, left_out = draw_rows([same, other, same], [same, same])
        assert [row.mark for row in rows] == ["", "first", "differs"]
        assert rows[2].expected == "none"
        assert left_out == 0

    def test_long_lists_start_shortly_before_the_first(self):
        same, other = Draw("rand", "", "1"), Draw("rand", "", "2")
        rows, left_out = draw_rows([same] * 500, [same] * 300 + [other] * 200)
        assert rows[0].position == 295
        assert rows[5].mark == "first"
        assert len(rows) == MAX_DRAWS
        assert left_out == 460


class TestExhibit:
    def test_everything_of_a_sample(self):
        seg = np.zeros((16, 16), np.uint8)
        seg[:, 8:] = 3
        expected = record({"image": photo(16, 16), "seg": seg, "n": 1})
        image = photo(16, 16)
        image[2, 2] += 5
        actual = record({"image": image, "seg": np.roll(seg, 1, axis=1), "n": 1})
        shown = exhibit_of(actual, expected)
        assert {leaf.path for leaf in shown.facts.leaves} == {"image", "seg"}
        assert shown.facts.leaves_equal == 1
        assert {item.path for item in shown.pictures} == {"image", "seg"}
        assert [change.path for change in shown.facts.labels] == ["seg"]
        assert [bars.labels for bars in shown.facts.histograms] == ["seg"]

    def test_the_order_of_keys_changes_nothing(self):
        pairs = [("flip", True), ("direction", "horizontal"), ("scale", 2)]
        orders = (pairs, pairs[::-1])
        other = record({"flip": False, "direction": None, "scale": 3})
        shown = [exhibit_of(other, record(dict(order))).facts.leaves for order in orders]
        assert shown[0] == shown[1]

    def test_an_error_is_shown_without_arrays(self):
        shown = exhibit_of(record(None, error="ValueError: no"), record(np.zeros(3)))
        assert shown.facts.error == "only actual raises ValueError: no"
        assert shown.pictures == ()
