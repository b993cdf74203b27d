from __future__ import annotations

import pytest
import torch
from numpy.random import RandomState
from torch.nn import functional

from parity.checks.support import hold
from parity.compare import Verdict
from parity.errors import InputError
from parity.probes.logits import PROBES, random_meta
from parity.sample import Meta
from parity.steps import logits as steps
from parity.steps.logits import (
    Segmentation,
    decide,
    postprocess_logits,
    remove_padding,
    resize_logits,
    undo_flip,
)

SEEDS = range(24)
BY_NAME = {probe.step.name: probe for probe in PROBES}


def found(name, *, candidate=None):
    """Number of seeds at which the outputs differ."""
    probe = BY_NAME[name]
    results = [hold(probe.step, probe.make(seed), seed, candidate=candidate) for seed in SEEDS]
    return sum(result.verdict is Verdict.DIFFERENT and not result.error for result in results)


def restore(order):
    """A variant of `restore_logits` that does its three operations in another order."""

    def wrong(logits, meta, *, align_corners=False):
        height, width = logits.shape[-2:]
        padding = meta.get("img_padding_size", meta.get("padding_size", (0, 0, 0, 0)))
        for operation in order:
            if operation == "unpad":
                scale = (logits.shape[-2] / height, logits.shape[-1] / width)
                left, right, top, bottom = padding
                top, bottom = int(top * scale[0]), int(bottom * scale[0])
                left, right = int(left * scale[1]), int(right * scale[1])
                logits = remove_padding(logits, (left, right, top, bottom))
            elif operation == "unflip":
                logits = undo_flip(logits, meta)
            else:
                logits = resize_logits(logits, size=meta["ori_shape"], align_corners=align_corners)
        return logits.squeeze(0)

    return wrong


def flip_undone_twice(logits, meta):
    return undo_flip(undo_flip(logits, meta), meta)


def flip_directions_swapped(logits, meta):
    turned = {"horizontal": "vertical", "vertical": "horizontal", None: None}
    return undo_flip(logits, {**meta, "flip_direction": turned[meta.get("flip_direction")]})


def padding_left_in(logits, padding):
    return logits


def padding_height_first(logits, padding):
    height, width = logits.shape[-2:]
    top, bottom, left, right = padding
    return logits[:, :, top : max(height - bottom, top + 1), left : max(width - right, left + 1)]


def padding_cut_left(logits, padding):
    left, right, top, bottom = padding
    return remove_padding(logits, (right, left, bottom, top))


def argmax_before_resizing(value, rng, *, align_corners=False, threshold=None):
    """A nearest resize of the class map in the place of a bilinear one of the logits."""
    good = postprocess_logits(**value, align_corners=align_corners)
    if value["metas"] is None:
        return good
    wrong = []
    for index, (right, meta) in enumerate(zip(good, value["metas"], strict=True)):
        padding = meta.get("img_padding_size", meta.get("padding_size", (0, 0, 0, 0)))
        logits = undo_flip(remove_padding(value["seg_logits"][index : index + 1], padding), meta)
        classes = logits.argmax(1, keepdim=True).double()
        resized = functional.interpolate(classes, size=meta["ori_shape"], mode="nearest")
        wrong.append(Segmentation(right.logits, resized[0].long()))
    return wrong


def softmax_first(logits, *, threshold=None):
    return decide(logits.softmax(dim=0), threshold=threshold)


def last_class_wins_ties(logits, *, threshold=None):
    reversed_argmax = logits.flip(0).argmax(0, keepdim=True)
    return Segmentation(logits, logits.shape[0] - 1 - reversed_argmax)


def prediction_without_channel(logits, *, threshold=None):
    good = decide(logits, threshold=threshold)
    return Segmentation(good.logits, good.prediction[0])


def nearest(logits, *, size, align_corners=False):
    return functional.interpolate(logits, size=size, mode="nearest")


def antialiased(logits, *, size, align_corners=False):
    return functional.interpolate(
        logits, size=size, mode="bilinear", align_corners=align_corners, antialias=True
    )


def corners_flipped(logits, *, size, align_corners=False):
    return resize_logits(logits, size=size, align_corners=not align_corners)


def in_float32(logits, *, size, align_corners=False):
    return resize_logits(logits.float(), size=size, align_corners=align_corners)


def through_bfloat16(logits, *, size, align_corners=False):
    return resize_logits(logits.bfloat16(), size=size, align_corners=align_corners).to(logits)


def logits_for_sigmoid(logits, *, threshold=None):
    """The threshold held against the logits themselves."""
    limit = 0.3 if threshold is None else threshold
    return Segmentation(logits.sigmoid(), (logits > limit).to(logits))


def threshold_of_a_half(logits, *, threshold=None):
    return decide(logits, threshold=0.5)


def binary_by_argmax(logits, *, threshold=None):
    return Segmentation(logits.sigmoid(), logits.argmax(0, keepdim=True))


DEFECTS = [
    ("postprocess", "restore_logits", restore(["unflip", "unpad", "resize"])),
    ("postprocess", "restore_logits", restore(["resize", "unpad", "unflip"])),
    ("postprocess", "restore_logits", restore(["unpad", "resize"])),
    ("postprocess", "undo_flip", flip_undone_twice),
    ("postprocess", "undo_flip", flip_directions_swapped),
    ("postprocess", "remove_padding", padding_left_in),
    ("postprocess", "remove_padding", padding_height_first),
    ("postprocess", "remove_padding", padding_cut_left),
    ("postprocess", "decide", softmax_first),
    ("postprocess", "decide", last_class_wins_ties),
    ("postprocess", "decide", prediction_without_channel),
    ("postprocess", "resize_logits", corners_flipped),
    ("postprocess_corners", "resize_logits", corners_flipped),
    ("postprocess_binary", "decide", logits_for_sigmoid),
    ("postprocess_binary", "decide", threshold_of_a_half),
    ("postprocess_threshold", "decide", binary_by_argmax),
    ("postprocess_half", "resize_logits", in_float32),
    ("postprocess", "resize_logits", nearest),
    ("postprocess", "resize_logits", antialiased),
    ("postprocess", "resize_logits", through_bfloat16),
]


@pytest.mark.live
class TestPlanted:
    @pytest.mark.parametrize("name", sorted({name for name, _, _ in DEFECTS} | {"logits_resize"}))
    def test_clean_step_gives_nothing(self, name):
        assert found(name) == 0

    @pytest.mark.parametrize(
        ("name", "place", "defect"), DEFECTS, ids=lambda item: getattr(item, "__name__", item)
    )
    def test_is_found(self, monkeypatch, name, place, defect):
        monkeypatch.setattr(steps, place, defect)
        assert found(name) > 0, "the defect was not noticed"

    def test_argmax_before_resizing(self):
        assert found("postprocess", candidate=argmax_before_resizing) > 0

    def test_one_ulp_in_one_logit(self):
        probe = BY_NAME["logits_resize"]

        def one_ulp_off(value, rng, **options):
            out = resize_logits(**value, **options)
            out.view(-1)[0] = torch.nextafter(out.view(-1)[0], torch.tensor(torch.inf))
            return out

        result = hold(probe.step, probe.make(0), 0, candidate=one_ulp_off)
        assert result.leaves[""].differing == 1
        assert result.leaves[""].max_ulp == 1


class TestErrors:
    @pytest.mark.parametrize(
        ("logits", "size", "message"),
        [
            (torch.zeros(3, 4, 5), (2, 2), r"\(N, C, H, W\)"),
            (torch.zeros(1, 3, 4, 5, dtype=torch.int64), (2, 2), "must be floats"),
            (torch.zeros(1, 3, 0, 5), (2, 2), r"\(N, C, H, W\)"),
            (torch.zeros(1, 3, 4, 5), (0, 2), r"give \(height, width\) above 0"),
            (torch.zeros(1, 3, 4, 5), (2, 2, 2), r"give \(height, width\)"),
        ],
    )
    def test_resize(self, logits, size, message):
        with pytest.raises(InputError, match=message):
            resize_logits(logits, size=size)

    @pytest.mark.parametrize(
        ("metas", "message"),
        [
            ([], "1 images came with 0 metas"),
            ([Meta()], "no ori_shape"),
            ([Meta(ori_shape=(2, 2), padding_size=(0, 5, 0, 0))], "leaves nothing"),
            ([Meta(ori_shape=(2, 2), padding_size=(0, -1, 0, 0))], "leaves nothing"),
            ([Meta(ori_shape=(2, 2), flip=True, flip_direction="diagonal")], "cannot be undone"),
        ],
    )
    def test_metas(self, metas, message):
        with pytest.raises(InputError, match=message):
            postprocess_logits(torch.zeros(1, 3, 4, 5), metas)


class TestInvariants:
    def test_flip_and_padding_come_back(self):
        logits = torch.arange(2 * 4 * 5).view(1, 2, 4, 5).float()
        for dim, direction in ((3, "horizontal"), (2, "vertical")):
            padded = functional.pad(logits.flip(dim), (0, 3, 0, 2), value=99.0)
            meta = Meta(
                ori_shape=(4, 5), padding_size=(0, 3, 0, 2), flip=True, flip_direction=direction
            )
            [result] = postprocess_logits(padded, [meta])
            assert torch.equal(result.logits, logits[0])

    @pytest.mark.parametrize("align_corners", [False, True])
    def test_same_size_is_the_same(self, align_corners):
        logits = torch.rand(1, 2, 5, 6, generator=torch.Generator().manual_seed(0))
        same = resize_logits(logits, size=(5, 6), align_corners=align_corners)
        assert torch.equal(same, logits)

    @pytest.mark.parametrize("channels", [1, 4])
    def test_shapes(self, channels):
        metas = [Meta(ori_shape=(9, 4)), Meta(ori_shape=(2, 3))]
        results = postprocess_logits(torch.zeros(2, channels, 5, 6), metas)
        assert [tuple(r.logits.shape) for r in results] == [(channels, 9, 4), (channels, 2, 3)]
        assert [tuple(r.prediction.shape) for r in results] == [(1, 9, 4), (1, 2, 3)]

    def test_random_meta_covers_every_branch(self):
        metas = [random_meta(RandomState(seed), 9, 9) for seed in range(60)]
        assert {meta.get("flip") for meta in metas} == {None, True, False}
        assert {meta["flip_direction"] for meta in metas if meta.get("flip")} == {
            "horizontal",
            "vertical",
        }
        assert {"img_padding_size", "padding_size"} <= {key for meta in metas for key in meta}
