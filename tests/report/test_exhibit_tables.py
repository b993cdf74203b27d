"""Histograms, classes and curves of an exhibit."""

import numpy as np
import pytest
import torch

from parity.check.exhibit.classes import class_table, label_change
from parity.check.exhibit.curves import MAX_POINTS, curves
from parity.check.exhibit.histograms import histogram, near_boundary
from parity.compare.leaf import as_leaf


class TestHistogram:
    def bars(self, actual, expected, arrays=None):
        return histogram("image", as_leaf(actual), as_leaf(expected), arrays or {})

    def test_counts_every_differing_element_once(self):
        expected = np.zeros(8, np.int64)
        actual = np.array([0, 1, 1, 2, 3, 4, 5, 200], np.int64)
        bins = {bin.high: bin.away for bin in self.bars(actual, expected).bins}
        assert bins == {1: 2, 2: 1, 4: 2, 8: 1, 16: 0, 32: 0, 64: 0, 128: 0, 256: 1}

    def test_floats_by_powers_of_ten(self):
        expected = np.zeros(4)
        bars = self.bars(np.array([0, 1e-7, 2e-7, 0.5]), expected)
        assert bars.bins[-1].high == 1.0
        assert sum(bin.near + bin.away for bin in bars.bins) == 3
        assert max(bin.share_near + bin.share_away for bin in bars.bins) == 1.0

    def test_equal_has_none(self):
        assert self.bars(np.ones(4), np.ones(4)) is None

    def test_non_finite_is_counted_apart(self):
        bars = self.bars(np.array([np.nan, 1.0]), np.array([0.0, 0.0]))
        assert bars.non_finite == 1
        assert sum(bin.away for bin in bars.bins) == 1

    def test_differences_near_boundaries_are_apart(self):
        labels = np.zeros((20, 20), np.uint8)
        labels[:, 10:] = 1
        expected = np.zeros((20, 20, 3), np.uint8)
        actual = expected.copy()
        actual[:, 8:12] = 7  # near
        actual[0, 0, 0] = 50  # away
        bars = self.bars(actual, expected, {"seg": as_leaf(labels)})
        assert (bars.labels, bars.near.differing, bars.away.differing) == ("seg", 240, 1)
        assert (bars.near.max_abs, bars.away.max_abs) == (7.0, 50.0)
        assert bars.near.elements + bars.away.elements == expected.size

    def test_batch(self):
        labels = torch.zeros(2, 12, 12, dtype=torch.int64)
        labels[1, 6:] = 4
        expected = torch.zeros(2, 3, 12, 12)
        actual = expected + 1
        bars = histogram("images", as_leaf(actual), as_leaf(expected), {"segs": as_leaf(labels)})
        assert bars.near.elements == 3 * 6 * 12

    def test_boundary_reaches_three_pixels(self):
        labels = np.zeros((1, 12), np.uint8)
        labels[0, 6:] = 1
        assert np.flatnonzero(near_boundary(labels)[0]).tolist() == [3, 4, 5, 6, 7, 8]


class TestClasses:
    def test_which_became_which(self):
        expected = np.zeros((4, 4), np.uint8)
        expected[0] = 2
        actual = expected.copy()
        actual[0, :3] = 1
        actual[3, 3] = 255
        change = label_change("seg", as_leaf(actual), as_leaf(expected), ("wall", "sky", "tree"))
        cells = [(cell.row, cell.column, cell.actual) for cell in change.cells]
        assert cells == [("2 tree", "1 sky", 3), ("0 wall", "255 ignored", 1)]
        counts = {row.index: (row.name, row.actual, row.expected) for row in change.classes}
        assert counts[2] == ("tree", 1, 4)
        assert counts[255] == ("ignored", 1, 0)

    def scores(self, iou):
        return {"per_class.IoU": as_leaf(np.asarray(iou, np.float32))}

    def test_sorted_by_size_and_nan_first(self):
        left, right = self.scores([1, 2, np.nan, 4, np.nan]), self.scores([1, 3, 5, 9, np.nan])
        table = class_table(left, right, (None, None))
        assert [row.index for row in table.rows] == [2, 3, 1]
        assert table.equal == 2
        assert table.cells == ()

    def test_confusion_of_what_was_scored(self):
        label = np.array([[0, 0, 1, 255]], np.uint8)
        sides = [
            [{"pred": np.array([row], np.int64), "label": label}]
            for row in ([0, 1, 1, 5], [0, 0, 1, 0])
        ]
        scores = self.scores([1, 2])
        cells = class_table(scores, self.scores([2, 2]), tuple(sides)).cells
        found = {(cell.row, cell.column): (cell.actual, cell.expected) for cell in cells}
        assert found == {("0", "1"): (1, 0), ("0", "0"): (1, 2)}

    def test_no_scores_no_table(self):
        assert class_table({}, {"image": as_leaf(np.zeros((3, 3)))}, (None, None)) is None


class TestCurves:
    def test_columns_that_differ(self):
        expected = np.linspace(0, 1, 20).reshape(10, 2)
        actual = expected.copy()
        actual[4, 1] += 1
        [curve] = curves("lr", as_leaf(actual), as_leaf(expected))
        assert curve.title == "lr[:, 1]"
        assert max(curve.difference) == 1.0

    def test_the_worst_survives_thinning(self):
        expected = np.zeros(10_000)
        actual = expected.copy()
        actual[7777] = 3
        [curve] = curves("lr", as_leaf(actual), as_leaf(expected))
        assert len(curve.x) <= MAX_POINTS + 1
        assert 7777.0 in curve.x

    @pytest.mark.parametrize("shape", [(3,), (10, 9), (10, 2, 2)])
    def test_not_a_series(self, shape):
        assert curves("x", as_leaf(np.ones(shape)), as_leaf(np.zeros(shape))) == ()

    def test_equal(self):
        assert curves("x", as_leaf(np.ones(20)), as_leaf(np.ones(20))) == ()
