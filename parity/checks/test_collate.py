import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.checks.support import assert_both_raise, assert_equal, sample_of, samples
from parity.errors import InputError
from parity.pipeline import ValPipeline
from parity.probes.collate import PROBES
from parity.probes.natural import step_of
from parity.steps.collate import MEAN, STD, collate, normalize, paddings, to_chw


def step(**options):
    return step_of("collate", collate, {"mean": MEAN, "std": STD, **options})


def blank(height, width, *, labelled=True, channels=3):
    seg = np.full((height, width), 3, np.uint8) if labelled else None
    return sample_of(np.full((height, width, channels), 77, np.uint8), seg)


@pytest.mark.live
class TestProbes:
    @pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
    def test_every_seed(self, probe):
        for seed in range(20):
            assert_equal(probe.step, probe.make(seed), seed)


@pytest.mark.live
class TestTraining:
    @settings(max_examples=60)
    @given(
        st.lists(samples(limit=40), min_size=1, max_size=4),
        st.sampled_from([0, 1, 2, 7, 14, 32, 64]),
        st.sampled_from([0.0, -2.0, 114.0]),
        st.sampled_from([255, 0, -1]),
    )
    def test_any_divisor(self, batch, divisor, pad_value, seg_pad_value):
        options = {"pad_value": pad_value, "seg_pad_value": seg_pad_value}
        assert_equal(step(size_divisor=divisor, **options), batch)

    @settings(max_examples=40)
    @given(samples(limit=40), st.tuples(st.integers(0, 50), st.integers(0, 50)))
    def test_size_smaller_equal_or_larger(self, sample, size):
        assert_equal(step(size=size), [sample, sample])

    def test_size_that_some_images_exceed_is_refused_by_both(self):
        assert_both_raise(step(size=(8, 8)), [blank(8, 8), blank(9, 8)])

    @pytest.mark.parametrize("shape", [(1, 1), (1, 15), (14, 14), (32, 32), (33, 1)])
    @pytest.mark.parametrize("divisor", [14, 32])
    def test_at_the_multiples(self, shape, divisor):
        assert_equal(step(size_divisor=divisor), [blank(*shape), blank(1, 1)])

    def test_without_labels(self):
        batch = [blank(5, 6, labelled=False), blank(7, 3, labelled=False)]
        assert_equal(step(size_divisor=4), batch)

    def test_labels_of_another_size(self):
        sample = sample_of(np.zeros((6, 7, 3), np.uint8), np.zeros((4, 9), np.uint8))
        assert_equal(step(size=(10, 10)), [sample, sample])

    def test_some_labels_missing_is_refused_by_both(self):
        assert_both_raise(step(size_divisor=4), [blank(5, 6), blank(5, 6, labelled=False)])

    @pytest.mark.parametrize("given", [{}, {"size": (8, 8), "size_divisor": 8}])
    def test_one_of_size_and_divisor(self, given):
        assert_both_raise(step(**given), [blank(5, 6)])

    def test_bgr_kept(self):
        assert_equal(step(size_divisor=1, bgr_to_rgb=False), [blank(5, 6)])


@pytest.mark.live
class TestNormalize:
    @pytest.mark.parametrize(
        ("mean", "std"),
        [
            (None, None),
            (None, STD),
            ([123, 116, 103], [58, 57, 57]),
            ([0.5], STD),
            (MEAN, [2]),
            ([0.0, 0.0, 0.0], [1.0, 0.0, 255.0]),
        ],
    )
    def test_statistics(self, mean, std):
        assert_equal(step(mean=mean, std=std, size_divisor=2), [blank(5, 6)])

    @pytest.mark.parametrize("channels", [1, 2, 4])
    def test_other_numbers_of_channels(self, channels):
        options = {"mean": [1.5] * channels, "std": [3.0] * channels, "size_divisor": 2}
        assert_equal(step(**options), [blank(5, 6, channels=channels)])

    def test_grey_without_channels(self):
        sample = sample_of(np.zeros((5, 6), np.uint8), None)
        assert_equal(step(size_divisor=2), [sample])

    def test_every_pixel_value(self):
        image = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
        assert_equal(step(size_divisor=1), [sample_of(image, None)])

    @pytest.mark.parametrize(
        "given", [{"std": None}, {"mean": (1.0, 2.0)}, {"std": (1.0, 2.0, 3.0, 4.0)}]
    )
    def test_statistics_that_do_not_fit_are_refused_by_both(self, given):
        assert_both_raise(step(size_divisor=2, **given), [blank(5, 6)])


@pytest.mark.live
class TestTesting:
    @pytest.mark.parametrize("edge", [1, 13, 14, 31, 32, 33])
    @pytest.mark.parametrize("target", [{}, {"test_size_divisor": 14}, {"test_size": (32, 14)}])
    def test_labels_keep_their_size(self, edge, target):
        wide = sample_of(np.zeros((edge, 20, 3), np.uint8), np.zeros((3, 5), np.uint8))
        assert_equal(step(training=False, **target), [wide, blank(edge, 20)])

    @pytest.mark.parametrize("target", [{}, {"test_size_divisor": 32}, {"test_size": (64, 64)}])
    def test_images_of_unlike_sizes_are_refused_by_both(self, target):
        assert_both_raise(step(training=False, **target), [blank(5, 6), blank(5, 7)])

    def test_padding_options_of_training_do_not_count(self):
        assert_equal(step(training=False, size=(20, 20), size_divisor=32), [blank(5, 6)])

    def test_one_of_size_and_divisor(self):
        options = {"test_size": (20, 20), "test_size_divisor": 32}
        assert_both_raise(step(training=False, **options), [blank(5, 6)])

    @pytest.mark.parametrize("missing", [(False, True), (True, False), (False, False)])
    def test_some_labels_missing(self, missing):
        batch = [blank(5, 6, labelled=labelled) for labelled in missing]
        assert_equal(step(training=False), batch)

    def test_empty_batch_is_refused_by_both(self):
        assert_both_raise(step(training=False), [])

    def test_photographs(self, photographs):
        val = ValPipeline(scale=(256, 64))
        for info in photographs:
            assert_equal(step(training=False, test_size_divisor=14), [val.run(info)])


class TestOwn:
    def test_types_of_padding(self):
        """Python integers with size, NumPy integers with a divisor, as in the reference."""
        [by_size] = paddings([(3, 4)], size=(5, 5))
        [by_divisor] = paddings([(3, 4)], size_divisor=5)
        assert by_size == by_divisor == (0, 1, 0, 2)
        assert type(by_size[1]) is int
        assert type(by_divisor[1]) is np.int64

    def test_tensor_is_new(self):
        image = np.zeros((4, 5, 3), np.uint8)
        to_chw(image)[:] = 1
        assert not image.any()

    def test_channels_come_first_in_rgb(self):
        image = np.zeros((2, 2, 3), np.uint8)
        image[..., 0] = 255  # blue
        batch = collate([sample_of(image, None)], mean=None, std=None, size_divisor=1)
        assert batch.images[0, :, 0, 0].tolist() == [0, 0, 255]

    def test_division_not_multiplication(self):
        image = torch.arange(256).float().view(1, 16, 16)
        good = normalize(image, mean=[MEAN[0]], std=[STD[0]])
        assert not torch.equal(good, (image - MEAN[0]) * (1 / torch.tensor(STD[0])))

    def test_padding_follows_normalisation(self):
        batch = collate([blank(2, 3)], mean=MEAN, std=STD, size=(4, 4))
        assert batch.images[:, :, 2:].eq(0).all()
        assert batch.images[:, :, :, 3].eq(0).all()
        assert batch.segs[:, 2:].eq(255).all()

    def test_refuses_label_map_with_channels(self):
        sample = sample_of(np.zeros((5, 6, 3), np.uint8), np.zeros((5, 6, 1), np.uint8))
        with pytest.raises(InputError, match=r"\(height, width\) is needed"):
            collate([sample], mean=None, std=None, size_divisor=1)
