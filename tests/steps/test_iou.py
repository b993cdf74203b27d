from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.compare.compare import Verdict
from parity.compare.tree import compare_tree
from parity.errors import InputError
from parity.probes.iou import ALL, make_images
from parity.steps.iou import (
    ClassCounts,
    IoUMetric,
    IoUResult,
    class_ratios,
    format_prediction,
    intersect_and_union,
    save_prediction,
)

SMALL = np.array([[0, 1], [1, 2]])


@pytest.fixture(scope="module")
def predictions():
    """500 synthetic predictions with their label maps."""
    return [image for seed in range(200) for image in make_images(seed)][:500]


def metric_over(images, **options):
    collected = IoUMetric(150, iou_metrics=ALL, **options)
    for image in images:
        collected.update(image["pred"], image["label"])
    return collected


def assert_bit_equal(actual, expected):
    leaves = compare_tree(actual, expected)
    assert {leaf.verdict for leaf in leaves.values()} == {Verdict.EQUAL}


class TestInput:
    def test_size_mismatch_names_the_image(self):
        with pytest.raises(InputError, match=r"ADE_val_7: .*\(2, 2\).*\(1, 2\).*resize"):
            IoUMetric(3).update(SMALL, SMALL[:1], name="ADE_val_7")

    @pytest.mark.parametrize("value", [-1, 3, 255])
    def test_prediction_outside_the_classes(self, value):
        collected = IoUMetric(3)
        collected.update(SMALL, SMALL)
        with pytest.raises(InputError, match=f"image 1: class {value} is predicted.* 3 classes"):
            collected.update(np.full((2, 2), value), SMALL)

    def test_prediction_outside_the_classes_where_ignored(self):
        ignored = np.where(SMALL == 2, 255, SMALL)
        counts = intersect_and_union(np.where(SMALL == 2, 99, SMALL), ignored, num_classes=3)
        assert counts.pred.tolist() == [1, 2, 0]

    @pytest.mark.parametrize(
        ("pred", "message"),
        [
            (np.full((2, 2), 0.5), "fractions"),
            (np.full((2, 2), np.nan), "NaN"),
            (np.full((2, 2), np.inf), "infinity"),
            (torch.full((2, 2), 0.5, dtype=torch.bfloat16), "fractions"),
            (np.zeros((2, 2), bool), "got bool"),
            (np.zeros(4, int), r"\(H, W\)"),
            (np.zeros((3, 2, 2), int), r"\(H, W\)"),
        ],
    )
    def test_no_label_map(self, pred, message):
        with pytest.raises(InputError, match=f"image: the prediction .*{message}"):
            intersect_and_union(pred, SMALL, num_classes=3)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"num_classes": 0}, "at least 1"),
            ({"num_classes": 3, "class_names": ["a"]}, "1 class_names for 3"),
            ({"num_classes": 3, "iou_metrics": "mAcc"}, "mAcc.*there are mIoU, mDice, mFscore"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(InputError, match=message):
            IoUMetric(**options)

    def test_nothing_counted(self):
        with pytest.raises(InputError, match="no image"):
            IoUMetric(3).compute()

    def test_merging_unlike_metrics(self):
        with pytest.raises(InputError, match=r"\(3, 255\) here, \(3, 0\) there"):
            IoUMetric(3).merge(IoUMetric(3, 0))

    @pytest.mark.parametrize("value", [-1, 256])
    def test_no_byte(self, value):
        with pytest.raises(InputError, match="only 0 to 255"):
            format_prediction(np.full((2, 2), value), reduce_zero_label=False)

    def test_folder_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="cannot be written"):
            save_prediction(SMALL, "x.jpg", tmp_path / "file", reduce_zero_label=False)

    def test_inputs_are_not_changed(self):
        pred, label = SMALL.copy(), SMALL.astype(np.uint8)
        intersect_and_union(pred, label, num_classes=3)
        format_prediction(pred, reduce_zero_label=True)
        assert np.array_equal(pred, SMALL)
        assert np.array_equal(label, SMALL)


class TestSplits:
    @pytest.mark.parametrize("seed", range(3))
    def test_seven_random_splits_equal_one_pass(self, predictions, seed):
        expected = metric_over(predictions).compute()
        order = np.random.RandomState(seed).permutation(len(predictions))
        cuts = np.sort(np.random.RandomState(seed).randint(0, len(predictions), 6))
        merged = IoUMetric(150, iou_metrics=ALL)
        for part in np.split(order, cuts):
            merged.merge(metric_over([predictions[index] for index in part]))
        assert merged.images == 500
        assert_bit_equal(merged.compute(), expected)

    def test_empty_part(self, predictions):
        merged = metric_over(predictions[:5])
        merged.merge(IoUMetric(150))
        assert_bit_equal(merged.compute(), metric_over(predictions[:5]).compute())

    def test_sent_between_processes(self, predictions):
        sent = pickle.loads(pickle.dumps(metric_over(predictions[:5])))
        assert_bit_equal(sent.compute(), metric_over(predictions[:5]).compute())


class TestExact:
    def test_counts_beyond_every_float(self):
        """Sums of 2**60 pixels and one: float32 and float64 lose the one."""
        huge = ClassCounts(*(np.array([2**60], np.int64) for _ in range(4)))
        one = ClassCounts(*(np.array([1], np.int64) for _ in range(4)))
        assert (huge + one).label.tolist() == [2**60 + 1]

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
    def test_floating_counts_would_be_found(self, dtype):
        """2,000 images of ADE20K's size, a sixth of each of one class."""
        part = np.zeros((1, 58_283), int)
        image = intersect_and_union(part, part, num_classes=1)
        exact, floating = ClassCounts.zeros(1), torch.zeros(1, dtype=dtype)
        for _ in range(2000):
            exact += image
            floating += torch.from_numpy(image.label).to(dtype)
        assert exact.label.tolist() == [2000 * 58_283]
        assert floating.item() != 2000 * 58_283


class TestMeaning:
    def test_by_hand(self):
        label = np.array([[0, 0, 1, 255]])
        collected = IoUMetric(3, iou_metrics=ALL, class_names=["wall", "sky", "sea"])
        collected.update(np.array([[0, 1, 1, 1]]), label)
        result = collected.compute()
        assert result.counts.union.tolist() == [2, 2, 0]
        assert list(result.table["Class"]) == ["wall", "sky", "sea"]
        assert str(result.summary["aAcc"]) == "66.67"
        assert str(result.summary["mIoU"]) == "50.0"
        assert str(result.summary["mAcc"]) == "75.0"
        assert str(result.summary["mDice"]) == "66.67"
        assert np.isnan(result.table["IoU"][2])

    def test_absent_class_as_zero(self):
        images = [{"pred": SMALL, "label": SMALL}]
        kept = metric_over(images).compute().summary["mIoU"]
        zero = metric_over(images, nan_to_num=0).compute().summary["mIoU"]
        assert (kept, zero) == (100, 2)

    def test_fscore_of_a_class_never_hit_is_nan_where_dice_is_zero(self):
        counts = ClassCounts(*(np.array([value]) for value in (0, 8, 4, 4)))
        ratios = class_ratios(counts, iou_metrics=ALL)
        assert np.isnan(ratios["Fscore"][0])
        assert ratios["Dice"][0] == 0

    def test_all_ignored(self):
        collected = IoUMetric(3)
        collected.update(SMALL, np.full((2, 2), 255))
        assert all(np.isnan(value) for value in collected.compute().summary.values())

    @given(st.integers(0, 2**16), st.integers(1, 40), st.integers(1, 40))
    @settings(max_examples=40, deadline=None)
    def test_the_benchmark_of_ade20k_agrees(self, seed, height, width):
        """Counts and accuracy as the scene-parsing benchmark defines them; 0 is unlabelled."""
        rng = np.random.RandomState(seed)
        label = rng.randint(0, 151, (height, width)).astype(np.uint8)
        pred = np.where(rng.rand(height, width) < 0.6, label, rng.randint(1, 151, label.shape))
        pred = np.maximum(pred, 1)
        right, labelled, intersect, union = benchmark(pred, label)
        result = metric_over([{"pred": pred - 1, "label": label - np.uint8(1)}]).compute()
        assert (result.counts.intersect.sum(), result.counts.label.sum()) == (right, labelled)
        assert result.counts.intersect.tolist() == intersect
        assert result.counts.union.tolist() == union
        for both, either, ours in zip(intersect, union, result.per_class["IoU"], strict=True):
            if either:
                assert ours == np.round(np.float32(both / either) * 100, 2)
            else:
                assert np.isnan(ours)

    def test_saved_prediction_is_the_benchmark_s(self, tmp_path):
        path = save_prediction(SMALL, "a/b.jpg", tmp_path, reduce_zero_label=True)
        assert path == tmp_path / "b.png"
        assert format_prediction(SMALL, reduce_zero_label=True).tolist() == [[1, 2], [2, 3]]
        assert format_prediction(SMALL, reduce_zero_label=False).tolist() == SMALL.tolist()


def benchmark(pred, label):
    """Right and labelled pixels; per class 1 to 150, pixels of both and of either."""
    known = label > 0
    classes = range(1, 151)
    intersect = [np.sum(known & (pred == index) & (label == index)) for index in classes]
    union = [np.sum(known & ((pred == index) | (label == index))) for index in classes]
    return np.sum(known & (pred == label)), np.sum(known), intersect, union


def test_result_is_frozen():
    result = metric_over([{"pred": SMALL, "label": SMALL}]).compute()
    assert isinstance(result, IoUResult)
    with pytest.raises(AttributeError):
        result.summary = {}
