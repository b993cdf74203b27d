from __future__ import annotations

import importlib
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from parity.checks.support import hold, sample_of
from parity.compare import Verdict
from parity.compare.store import load_traces, save_traces
from parity.compare.trace import run_trace
from parity.compare.tree import compare_tree
from parity.errors import InputError
from parity.probes.collate import PROBES
from parity.sample import Batch
from parity.steps import collate as collates
from parity.steps.collate import MEAN, STD, collate, normalize, paddings

SEEDS = range(12)
BY_NAME = {probe.step.name: probe for probe in PROBES}


def with_options(**changes):
    """Collating with other options."""
    return lambda value, rng, **given: collate(value, **{**given, **changes})


def padded_before_normalising(value, rng, **options):
    mean, std = options["mean"], options["std"]
    raw = collate(value, **{**options, "mean": None, "std": None})
    return replace(raw, images=torch.stack([normalize(i, mean=mean, std=std) for i in raw.images]))


def divided_by_255(value, rng, **options):
    return replace(good := collate(value, **options), images=good.images / 255)


def always_one_more_multiple(value, rng, **options):
    """``(size // divisor + 1) * divisor``: wrong only where the size is a multiple already."""
    divisor = options.pop("size_divisor")
    shapes = [sample.image.shape[:2] for sample in value]
    size = tuple(max(edges) // divisor * divisor + divisor for edges in zip(*shapes, strict=True))
    return collate(value, **options, size=size)


def segs_uint8(value, rng, **options):
    good = collate(value, **options)
    return good if good.segs is None else replace(good, segs=good.segs.to(torch.uint8))


def meta_of_padded_image(value, rng, **options):
    good = collate(value, **options)
    shape = good.images.shape[-2:]
    return replace(good, metas=tuple(meta.replace(img_shape=shape) for meta in good.metas))


def meta_height_first(value, rng, **options):
    good = collate(value, **options)
    turn = [meta.padding_size for meta in good.metas]
    turned = [(*p[2:], *p[:2]) for p in turn]
    metas = [m.replace(padding_size=p) for m, p in zip(good.metas, turned, strict=True)]
    return replace(good, metas=tuple(metas))


def multiplied_by_inverse_std(value, rng, **options):
    mean = torch.tensor(options.pop("mean")).view(3, 1, 1)
    inverse = 1 / torch.tensor(options.pop("std")).view(3, 1, 1)
    raw = collate(value, mean=None, std=None, **options)
    images = raw.images.clone()
    for image, meta in zip(images, raw.metas, strict=True):
        height, width = meta.img_shape
        image[:, :height, :width] = (image[:, :height, :width] - mean) * inverse
    return replace(raw, images=images)


def pad_left_and_top(tensor, padding, *, value):
    return torch.nn.functional.pad(tensor, (padding[1], 0, padding[3], 0), value=value)


def pad_centred(tensor, padding, *, value):
    left, top = padding[1] // 2, padding[3] // 2
    around = (left, padding[1] - left, top, padding[3] - top)
    return torch.nn.functional.pad(tensor, around, value=value)


DEFECTS = {
    "bgr_kept": (with_options(bgr_to_rgb=False), "images"),
    "mean_and_std_in_bgr": (with_options(mean=MEAN[::-1], std=STD[::-1]), "images"),
    "padded_before_normalising": (padded_before_normalising, "images"),
    "std_times_255": (with_options(std=[value * 255 for value in STD]), "images"),
    "divided_by_255": (divided_by_255, "images"),
    "multiplied_by_inverse_std": (multiplied_by_inverse_std, "images"),
    "seg_padded_with_0": (with_options(seg_pad_value=0), "segs"),
    "segs_uint8": (segs_uint8, "segs"),
    "divisor_32_for_14": (with_options(size_divisor=32), "images"),
    "always_one_more_multiple": (always_one_more_multiple, "images"),
    "meta_of_padded_image": (meta_of_padded_image, "metas"),
    "meta_height_first": (meta_height_first, "metas"),
}


def found(name, *, candidate=None):
    """The paths that differ over all seeds."""
    probe = BY_NAME[name]
    results = [hold(probe.step, probe.make(seed), seed, candidate=candidate) for seed in SEEDS]
    leaves = [leaf for result in results for leaf in result.leaves.items()]
    return {path for path, comparison in leaves if comparison.verdict is Verdict.DIFFERENT}


@pytest.mark.live
class TestPlanted:
    def test_clean_step_gives_nothing(self):
        assert not found("collate_divisor14")

    @pytest.mark.parametrize(
        ("defect", "leaf"),
        DEFECTS.values(),
        ids=[f"{name}-{leaf}" for name, (_, leaf) in DEFECTS.items()],
    )
    def test_is_found_where_it_is(self, defect, leaf):
        paths = found("collate_divisor14", candidate=defect)
        assert any(path.startswith(leaf) for path in paths), "the defect was not noticed"

    @pytest.mark.parametrize("defect", [pad_left_and_top, pad_centred])
    def test_padding_side(self, monkeypatch, defect):
        monkeypatch.setattr(collates, "pad", defect)
        assert {"images", "segs"} <= found("collate_divisor14")
        assert "images" in found("collate_test_divisor32")

    def test_labels_changed_in_testing(self):
        def changed_labels(value, rng, **options):
            good = collate(value, **options)
            segs = [None if s is None else s.new_full(s.shape, 255) for s in good.segs or ()]
            return replace(good, segs=tuple(segs) or None)

        assert any(
            path.startswith("segs") for path in found("collate_test", candidate=changed_labels)
        )

    def test_unlike_sizes_stacked_in_testing(self):
        def lenient(value, rng, **options):
            return collate(value, **{**options, "training": True, "size_divisor": 1})

        probe = BY_NAME["collate_test"]
        value = [sample_of(np.zeros((4, edge, 3), np.uint8), None) for edge in (5, 6)]
        result = hold(probe.step, value, 0, candidate=lenient)
        assert result.error.startswith("only expected raises AssertionError")


def blank(height, width):
    return sample_of(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8))


class TestErrors:
    @pytest.mark.parametrize(
        ("samples", "options", "message"),
        [
            ([], {"size_divisor": 1}, "empty batch"),
            ([blank(4, 5)], {}, "either size or size_divisor"),
            ([blank(4, 5)], {"size": (4, 4), "size_divisor": 2}, "either size or size_divisor"),
            ([blank(4, 5)], {"size": 8}, r"size must be \(height, width\)"),
            ([blank(4, 5)], {"size": (3, 8, 8)}, r"size must be \(height, width\)"),
            ([blank(4, 5)], {"size_divisor": 1, "std": None}, "without std"),
            ([blank(4, 5)], {"size_divisor": 1, "mean": (1.0, 2.0)}, "do not fit an image of 3"),
            ([blank(9, 5), blank(8, 5)], {"size": (8, 8)}, "cannot be stacked"),
            ([blank(4, 5), blank(4, 6)], {"training": False}, "images of one size"),
            ([blank(4, 5), blank(4, 5).replace(seg=None)], {"size_divisor": 1}, "no label map"),
            ([sample_of(np.zeros((0, 5, 3), np.uint8), None)], {"size_divisor": 1}, "of shape"),
            (
                [blank(4, 5), sample_of(np.zeros((4, 5), np.uint8), None)],
                {"size_divisor": 1},
                "channels",
            ),
        ],
    )
    def test_input_errors(self, samples, options, message):
        with pytest.raises(InputError, match=message):
            collate(samples, **{"mean": MEAN, "std": STD, **options})


class TestInvariants:
    def test_shapes_and_dtypes(self):
        batch = collate([blank(5, 9), blank(7, 3)], mean=MEAN, std=STD, size_divisor=4)
        assert isinstance(batch, Batch)
        assert (batch.images.shape, batch.images.dtype) == ((2, 3, 8, 12), torch.float32)
        assert (batch.segs.shape, batch.segs.dtype) == ((2, 8, 12), torch.int64)
        assert [meta.img_shape for meta in batch.metas] == [(5, 9), (7, 3)]

    def test_keys_that_are_not_packed_are_dropped(self):
        sample = blank(5, 9)
        sample = sample.replace(meta=sample.meta.replace(private=1))
        [meta] = collate([sample], mean=None, std=None, training=False).metas
        assert "private" not in meta

    @pytest.mark.parametrize("divisor", [1, 14, 32])
    def test_padded_edges_are_the_next_multiples(self, divisor):
        for edge in range(1, 70):
            [(left, right, top, bottom)] = paddings([(edge, 1)], size_divisor=divisor)
            assert (left, top) == (0, 0)
            assert (edge + bottom) % divisor == 0
            assert bottom < divisor
            assert (1 + right) % divisor == 0

    @pytest.mark.parametrize("name", ["collate_divisor14", "collate_test_divisor32"])
    def test_batch_survives_the_disk(self, tmp_path, name):
        probe = BY_NAME[name]
        trace = run_trace([(name, probe.step)], probe.make(1), 1)
        save_traces(tmp_path, "one", {"case": trace}, header={}, inputs=tmp_path)
        loaded, _ = load_traces(tmp_path, "one", inputs=tmp_path)
        assert isinstance(loaded["case"].steps[0].output, Batch)
        leaves = compare_tree(loaded["case"].steps[0].output, trace.steps[0].output)
        assert {leaf.verdict for leaf in leaves.values()} == {Verdict.EQUAL}


@pytest.mark.parametrize("module", ["collate", "logits", "infer"])
def test_probes_can_go_to_another_process(module):
    probes = importlib.import_module(f"parity.probes.{module}").PROBES
    assert pickle.loads(pickle.dumps(probes)) == probes
    assert len({probe.step.name for probe in probes}) == len(probes)
