from __future__ import annotations

import pytest
import torch
from numpy.random import RandomState

from parity.errors import InputError
from parity.probes.infer import CLASSES, coarse_model, equal_images, image, toy_model
from parity.sample import Meta
from parity.steps.collate import MEAN, STD
from parity.steps.infer import (
    inference,
    merge_tta,
    predict_tta,
    slide_inference,
    slide_windows,
    tta_views,
    whole_inference,
)
from parity.steps.logits import Segmentation, decide


def images(*shape):
    return torch.from_numpy(RandomState(0).standard_normal(shape)).float()


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"crop_size": (5, 5), "stride": (9, 9)}, "leaves pixels without window"),
            ({"crop_size": (0, 5), "stride": (1, 1)}, "must be positive"),
            ({"crop_size": (5, 5), "stride": (1, -1)}, "must be positive"),
            ({"crop_size": (5, 5), "stride": (5, 5), "num_classes": 3}, "3 classes"),
        ],
    )
    def test_slide(self, options, message):
        with pytest.raises(InputError, match=message):
            slide_inference(toy_model, images(1, 3, 30, 30), **{"num_classes": CLASSES, **options})

    @pytest.mark.parametrize(
        ("value", "options", "message"),
        [
            (images(3, 9, 9), {}, r"\(N, C, H, W\)"),
            (images(1, 3, 9, 9).to(torch.uint8), {}, "must be floats"),
            (images(1, 3, 9, 9), {"metas": []}, "metas is empty"),
            (images(1, 3, 9, 9), {"metas": [Meta()]}, "neither pad_shape nor img_shape"),
            (images(1, 3, 9, 9), {"mode": "tiles"}, "use 'whole' or 'slide'"),
            (images(1, 3, 9, 9), {"mode": "slide"}, "needs crop_size, stride and num_classes"),
        ],
    )
    def test_inference(self, value, options, message):
        with pytest.raises(InputError, match=message):
            inference(toy_model, value, **options)

    @pytest.mark.parametrize("shapes", [[], [(2, 3, 3), (2, 3, 4)], [(1, 2, 3, 3)]])
    def test_merge(self, shapes):
        views = [Segmentation(torch.zeros(shape), torch.zeros(shape)) for shape in shapes]
        with pytest.raises(InputError, match="cannot merge views"):
            merge_tta([views])

    def test_unlike_views_in_one_batch(self):
        batch = [equal_images(0)[0], image(3)]
        with pytest.raises(InputError, match="images of one size"):
            predict_tta(batch, RandomState(0), model=toy_model, mean=MEAN, std=STD)


class TestInvariants:
    @pytest.mark.parametrize("length", range(1, 30))
    @pytest.mark.parametrize(("crop", "stride"), [(8, 8), (8, 5), (8, 1), (1, 1), (13, 4)])
    def test_windows_cover_and_stay_inside(self, length, crop, stride):
        boxes = slide_windows(length, 1, crop_size=(crop, 1), stride=(stride, 1))
        seen = {row for box in boxes for row in range(box.top, box.bottom)}
        assert seen == set(range(length))
        assert {box.bottom - box.top for box in boxes} == {min(crop, length)}
        assert len(set(boxes)) == len(boxes)

    def test_one_window_is_the_whole_image(self):
        value = images(1, 3, 8, 8)
        one = slide_inference(
            coarse_model, value, crop_size=(8, 8), stride=(4, 4), num_classes=CLASSES
        )
        assert torch.equal(one, whole_inference(coarse_model, value))

    def test_one_view_decides_like_its_softmax(self):
        logits = images(4, 6, 7)
        [merged] = merge_tta([[decide(logits)]])
        assert torch.equal(merged.prediction, decide(logits.softmax(0)).prediction)

    def test_views_in_the_order_of_the_reference(self):
        views = tta_views(image(1), RandomState(0), ratios=(0.5, 1.0))
        assert [view.meta.flip for view in views] == [False, True, False, True]
        assert views[0].image.shape == views[1].image.shape
        assert views[0].image.shape[0] < views[2].image.shape[0]

    def test_labels_keep_their_size(self):
        sample = image(1)
        assert all(view.seg is sample.seg for view in tta_views(sample, RandomState(0)))
