import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.checks.support import SEEDS, assert_both_raise, assert_equal
from parity.compare.tree import compare_tree
from parity.errors import InputError
from parity.live import reference_module
from parity.probes.iou import ALL, PROBES, make_images
from parity.probes.natural import step_of
from parity.steps.iou import IoUMetric, format_prediction, intersect_and_union, save_prediction

# Imports mmseg only when called.
live = reference_module("iou", load=False)

EXACT_IN_FLOAT32 = 2**24


@st.composite
def images(draw: st.DrawFn, num_classes: int, *, limit: int = 40) -> dict[str, np.ndarray]:
    """Any sizes and dtypes; labels also outside the classes, or ignored throughout."""
    rng = np.random.RandomState(draw(st.integers(0, 2**16)))
    shape = draw(st.tuples(st.integers(1, limit), st.integers(1, limit)))
    few = rng.randint(0, num_classes, draw(st.integers(1, 6)))
    pred = rng.choice(few, shape)
    label = np.where(rng.rand(*shape) < draw(st.sampled_from([0, 0.5, 1])), pred, rng.choice(few))
    spoilt = rng.rand(*shape) < draw(st.sampled_from([0, 0.2, 1]))
    label[spoilt] = draw(st.sampled_from([255, 254, num_classes, 0]))
    pred_dtype = draw(st.sampled_from([np.int64, np.int32, np.float32]))
    return {
        "pred": pred.astype(pred_dtype),
        "label": label.astype(draw(st.sampled_from([np.uint8, np.int64]))),
    }


@pytest.mark.live
class TestProbes:
    @pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
    def test_every_seed(self, probe):
        for seed in range(20):
            assert_equal(probe.step, probe.make(seed), seed)


@pytest.mark.live
class TestCounts:
    @given(st.data(), st.sampled_from([1, 2, 3, 19, 150, 255]), st.sampled_from([255, 0, 254, -1]))
    def test_any_image(self, data, num_classes, ignore_index):
        options = {"num_classes": num_classes, "ignore_index": ignore_index}
        assert_equal(
            step_of("counts", intersect_and_union, options), data.draw(images(num_classes))
        )

    @pytest.mark.parametrize("num_classes", [1, 2, 150])
    def test_labels_outside_the_classes(self, num_classes):
        label = np.array([[0, num_classes, 200, 254, -1, -300, 255]])
        image = {"pred": np.zeros_like(label), "label": label}
        assert_equal(step_of("counts", intersect_and_union, {"num_classes": num_classes}), image)

    @pytest.mark.parametrize("num_classes", [1000, 4097])
    def test_every_class_has_its_own_bin(self, num_classes):
        every = np.arange(num_classes)[None]
        image = {"pred": every, "label": every}
        options = {"num_classes": num_classes, "ignore_index": -1}
        assert_equal(step_of("counts", intersect_and_union, options), image)

    def test_sizes_that_do_not_match_are_refused_by_both(self):
        image = {"pred": np.zeros((3, 4), int), "label": np.zeros((3, 5), int)}
        assert_both_raise(step_of("counts", intersect_and_union, {"num_classes": 2}), image)

    def test_tensors(self):
        pred, label = torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 1, 255]]], dtype=torch.uint8)
        counts = intersect_and_union(pred, label, num_classes=2)
        expected = live.intersect_and_union(pred, label, num_classes=2)
        assert_same(counts, expected)


@pytest.mark.live
class TestMetric:
    @settings(max_examples=60)
    @given(
        st.data(),
        st.sampled_from([1, 2, 3, 150]),
        st.one_of(st.sampled_from(ALL), st.lists(st.sampled_from(ALL), max_size=4)),
        st.sampled_from([None, 0, -1, 0.5]),
        st.sampled_from([0, 0.3, 1, 2, 3.7]),
    )
    def test_any_options(self, data, num_classes, iou_metrics, nan_to_num, beta):
        options = {
            "num_classes": num_classes,
            "iou_metrics": iou_metrics,
            "nan_to_num": nan_to_num,
            "beta": beta,
            "class_names": [f"class {index}" for index in range(num_classes)],
        }
        several = data.draw(st.lists(images(num_classes), min_size=1, max_size=4))
        assert_equal(step_of("iou", IoUMetric, options), several)

    @given(SEEDS)
    @settings(max_examples=15)
    def test_printed_table(self, seed):
        ours, theirs = both(make_images(seed), 150, iou_metrics=ALL)
        table, rows = ours.compute().table, printed_rows(theirs)
        assert rows[0] == list(table.columns)
        columns = [map(str, table[name].to_numpy()) for name in table]
        assert rows[1:] == [list(row) for row in zip(*columns, strict=True)]

    def test_order_of_summary_and_columns(self):
        for order in (ALL, ALL[::-1]):
            ours, theirs = both(make_images(0), 150, iou_metrics=order)
            actual, expected = ours.compute(), theirs.compute()
            assert list(actual.summary) == list(expected.summary)
            assert list(actual.per_class) == list(expected.per_class)

    def test_unknown_metric_is_refused_by_both(self):
        options = {"num_classes": 150, "iou_metrics": ["mIou"]}
        assert_both_raise(step_of("iou", IoUMetric, options), make_images(0))

    def test_no_image_is_refused_by_both(self):
        assert_both_raise(step_of("iou", IoUMetric, {"num_classes": 150}), [])

    def test_merged(self):
        halves = [both(make_images(seed), 150) for seed in (1, 2)]
        (ours, theirs), (our_rest, their_rest) = halves
        ours.merge(our_rest)
        theirs.merge(their_rest)
        assert_same(ours.compute(), theirs.compute())

    def test_five_hundred_images(self):
        several = [image for seed in range(200) for image in make_images(seed)][:500]
        assert len(several) == 500
        options = {"num_classes": 150, "iou_metrics": ALL}
        assert_equal(step_of("iou", IoUMetric, options), several)

    def test_real_annotations(self, photographs):
        pairs = [annotated(info) for info in photographs]
        ours, theirs = both(pairs, 150, iou_metrics=ALL)
        assert_same(ours.compute(), theirs.compute())


@pytest.mark.live
class TestBeyondFloat32:
    """Where the reference's own counts end; see parity/steps/iou/counts.py."""

    def test_sum_over_images(self):
        quarter = np.zeros((EXACT_IN_FLOAT32 // 4096, 1024), np.uint8)
        pixel = quarter[:1, :1]
        ours, theirs = both([{"pred": quarter, "label": quarter}], 2)
        for metric in (ours, theirs):
            for _ in range(2):
                metric.merge(metric)
        assert_same(ours.compute(), theirs.compute())
        for metric in (ours, theirs):
            metric.update(pixel, pixel)
        assert ours.compute().counts.label[0] == EXACT_IN_FLOAT32 + 1
        assert theirs.compute().counts.label[0] == EXACT_IN_FLOAT32

    def test_order_of_images(self):
        theirs = live.IoUMetric(1)
        sizes = [EXACT_IN_FLOAT32] + [1] * 9
        # A list of counts as `process` leaves it, without making that many pixels.
        theirs.metric.results = [(torch.tensor([float(size)]),) * 4 for size in sizes]
        forward = theirs.compute().counts.label[0]
        theirs.metric.results.reverse()
        backward = theirs.compute().counts.label[0]
        assert (forward, backward) == (EXACT_IN_FLOAT32, EXACT_IN_FLOAT32 + 8)

    def test_more_classes_than_bins_hold(self):
        every = np.arange(4098)[None]
        ours = intersect_and_union(every, every, num_classes=4098, ignore_index=-1)
        theirs = live.intersect_and_union(every, every, num_classes=4098, ignore_index=-1)
        assert np.all(ours.label == 1)
        assert not np.all(theirs.label == 1)


@pytest.mark.live
class TestSaved:
    @given(st.integers(0, 2**16), st.tuples(st.integers(2, 70), st.integers(1, 70)), st.booleans())
    @settings(max_examples=50)
    def test_pixels(self, seed, shape, reduce_zero_label):
        pred = np.random.RandomState(seed).randint(0, 256, shape)
        assert_equal(
            step_of("png", format_prediction, {"reduce_zero_label": reduce_zero_label}), pred
        )

    @pytest.mark.parametrize("reduce_zero_label", [False, True])
    @pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32])
    def test_bytes_and_name_of_the_file(self, tmp_path, dtype, reduce_zero_label):
        pred = np.random.RandomState(0).randint(0, 256, (200, 300)).astype(dtype)
        image = "data/images/ADE_val.00000001.jpg"
        options = {"reduce_zero_label": reduce_zero_label}
        actual = save_prediction(pred, image, tmp_path / "ours", **options)
        expected = live.save_prediction(pred, image, tmp_path / "theirs", **options)
        assert actual.name == expected.name == "ADE_val.00000001.png"
        assert actual.read_bytes() == expected.read_bytes()

    def test_the_reference_turns_a_row_into_a_column(self):
        row = np.arange(5)[None]
        assert live.format_prediction(row, reduce_zero_label=False).shape == (5, 1)
        assert format_prediction(row, reduce_zero_label=False).shape == (1, 5)

    def test_the_reference_wraps_what_does_not_fit(self):
        pred = np.full((2, 2), 256)
        assert live.format_prediction(pred, reduce_zero_label=False).max() == 0
        with pytest.raises(InputError, match="only 0 to 255"):
            format_prediction(pred, reduce_zero_label=False)


def test_the_benchmark_of_ade20k_agrees(photographs):
    """Pixel accuracy and IoU as the scene-parsing benchmark defines them.

    Its labels are 1 to 150, 0 unlabelled; predictions at unlabelled pixels are
    left out; sums run over all images. http://sceneparsing.csail.mit.edu
    """
    metric = IoUMetric(150)
    right = labelled = 0
    both_of, either_of = np.zeros(151, int), np.zeros(151, int)
    for pair in map(annotated, photographs):
        # Some built-in annotations hold labels that the benchmark does not have.
        pair["label"][pair["label"] >= 150] = 255
        metric.update(pair["pred"], pair["label"])
        pred = format_prediction(pair["pred"], reduce_zero_label=True)
        label = pair["label"] + np.uint8(1)
        known = label > 0
        right += np.sum((pred == label) & known)
        labelled += np.sum(known)
        for index in range(1, 151):
            of_pred, of_label = (pred == index) & known, label == index
            both_of[index] += np.sum(of_pred & of_label)
            either_of[index] += np.sum(of_pred | of_label)
    counts = metric.counts
    assert (counts.intersect.sum(), counts.label.sum()) == (right, labelled)
    assert counts.intersect.tolist() == both_of[1:].tolist()
    assert counts.union.tolist() == either_of[1:].tolist()


def both(several, num_classes, **options):
    """Our metric and the live one over the same images."""
    metrics = IoUMetric(num_classes, **options), live.IoUMetric(num_classes, **options)
    for metric in metrics:
        for image in several:
            metric.update(image["pred"], image["label"])
    return metrics


def assert_same(actual, expected):
    leaves = compare_tree(actual, expected)
    assert leaves
    different = {path: str(leaf) for path, leaf in leaves.items() if not leaf.passed}
    assert not different


def printed_rows(metric):
    """The cells of the table as logged, headings first."""
    metric.compute()
    lines = [line for line in metric.printed.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def annotated(info):
    """An annotation after loading, and itself shifted by some pixels as the prediction."""
    label = cv2.imread(info.seg_map_path, cv2.IMREAD_UNCHANGED) - np.uint8(1)
    shifted = np.roll(label, (2, 5), (0, 1)).astype(np.int64)
    return {"pred": np.where(shifted < 150, shifted, 0), "label": label}
