"""Steps with the signatures their authors gave them, beside our own steps."""

import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from parity.candidate.steps import candidate_from
from parity.errors import InputError
from parity.probes import augment
from parity.probes.natural import OPERATIONS
from parity.steps import collate as collates
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps.infer import slide_inference
from parity.testing import assert_parity
from tests.candidate.support import probe_verdicts as verdicts
from tests.candidate.support import report_of

# Their cases begin with a file or an image; tests/candidate/test_steps_list.py runs these.
SCALED = ("resize", "random_choice_resize", "resize_shortest_edge", "resize_to_multiple")
ADDED = {probe.step.name for probe in augment.PROBES if probe.step.module != "collate"}
DATA = {"load", *SCALED, *ADDED, "pad", "crop", "flip", "photometric"}


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.name not in DATA])
def test_our_own_functions_are_equal_on_every_probe(operation):
    found = verdicts({operation.name: operation.function}, seeds=4)
    if operation.name in ("loss", "inference"):  # a criterion, and the step of a pipeline
        return
    assert found
    assert set().union(*found.values()) <= {"equal", "not compared"}
    assert all("equal" in some for some in found.values())


def cross_entropy(logits, target, ignore_label=255, avg_non_ignore=False):
    loss = functional.cross_entropy(logits, target, ignore_index=ignore_label, reduction="none")
    kept = (target != ignore_label).sum() if avg_non_ignore else target.numel()
    return loss.sum() / (kept + torch.finfo(torch.float32).eps)


def swapped(target, pred, *, ignore_index=255):
    loss = functional.cross_entropy(pred, target, ignore_index=ignore_index, reduction="none")
    return loss.sum() / (target.numel() + torch.finfo(torch.float32).eps)


@pytest.mark.parametrize("function", [cross_entropy, swapped])
def test_names_in_the_usual_spellings(function):
    found = verdicts({"cross_entropy": function})
    assert found["loss_ce"] == {"equal"}
    assert found["loss_ce_class"] == {"not compared"}  # takes no class_weight


def test_torch_module():
    found = verdicts(nn.CrossEntropyLoss(ignore_index=255))
    assert "different" in found["loss_ce"]
    assert "equal" in found["loss_ce_valid"]
    assert found["loss_ce_class"] == {"not compared"}


def test_torch_module_with_the_wrong_index_is_wrong():
    assert "different" in verdicts(nn.CrossEntropyLoss())["loss_ce"]


def test_torch_module_with_class_weights_is_run_on_these():
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1])
    found = verdicts(nn.CrossEntropyLoss(weight=weight), seeds=12)
    assert "equal" in found["loss_ce_class"] | found["loss_ce_class_valid"]
    assert "different" in found["loss_ce"]


class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=255):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, inputs, targets):
        return cross_entropy(inputs, targets, self.ignore_index)


@pytest.mark.parametrize("given", [CrossEntropyLoss, CrossEntropyLoss()])
def test_own_module(given):
    assert verdicts(given)["loss_ce"] == {"equal"}
    assert verdicts({"cross_entropy": given})["loss_ce"] == {"equal"}


class Derived(nn.CrossEntropyLoss):
    pass


class Wrapped(nn.Module):
    def forward(self, logits, target):
        return cross_entropy(logits, target)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_modules_that_are_built_on_a_loss_of_torch():
    plain = nn.CrossEntropyLoss(ignore_index=255)
    for given in (torch.jit.script(plain), Derived(ignore_index=255)):
        assert set(candidate_from(given, "given").steps) == {"CrossEntropyLoss"}
    assert verdicts(Derived(ignore_index=255), seeds=2)["loss_ce"]


def test_methods_of_a_module_are_no_steps():
    with pytest.raises(InputError, match="gives no step"):
        candidate_from(Wrapped(), "given")
    assert set(candidate_from(Wrapped(), "given", asked=frozenset({"loss_ce"})).steps) == {
        "cross_entropy"
    }


def in_numpy(pred, label):
    pred = np.nan_to_num(pred, neginf=-1e30)
    shifted = pred - pred.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    kept = label != 255
    chosen = np.take_along_axis(logs, np.where(kept, label, 0)[:, None], 1)[:, 0]
    return -np.where(kept, chosen, 0).sum() / (kept.size + np.finfo(np.float32).eps)


def test_a_loss_in_numpy_is_compared_by_its_value():
    passed = {"equal", "within tolerance"}
    assert verdicts({"cross_entropy": in_numpy}, seeds=6)["loss_ce"] & passed
    found = verdicts({"cross_entropy": lambda p, q: in_numpy(p, q) + 1}, seeds=6)["loss_ce"]
    assert not found & passed


def test_criterion_in_the_place_of_a_head():
    found = verdicts({"loss": CrossEntropyLoss()})
    assert found["loss_head"] == {"not compared"}  # its loss has a weight of its own


def test_a_crop_that_returns_views_is_equal():
    def crop(image, seg, rng, *, crop_size, cat_max_ratio):
        options = {"crop_size": crop_size, "cat_max_ratio": cat_max_ratio}
        box = crops.draw_crop_box(rng, seg, image_shape=image.shape[:2], **options)
        window = np.s_[box.top : box.bottom, box.left : box.right]
        return image[window], seg[window]

    assert_parity("crop", crop, seeds=range(8), live=False)


def test_a_crop_with_another_limit_is_different():
    def crop(image, seg, rng, *, crop_size, cat_max_ratio):
        options = {"crop_size": crop_size, "cat_max_ratio": 1.0}
        box = crops.draw_crop_box(rng, seg, image_shape=image.shape[:2], **options)
        return crops.crop(image, box), crops.crop(seg, box)

    with pytest.raises(AssertionError, match="crop differs"):
        assert_parity("crop", crop, seeds=range(30), live=False)


def test_a_fixed_size_is_compared_at_that_size_only():
    def crop(image, seg, rng):
        return image, seg

    with pytest.raises(AssertionError, match=r"exercised: crop_windows .* takes no crop_size"):
        assert_parity("crop", crop, seeds=range(2), live=False)


def test_a_crop_whose_arguments_go_by_name():
    def crop(*, image, seg, rng, crop_size, cat_max_ratio):
        options = {"crop_size": crop_size, "cat_max_ratio": cat_max_ratio}
        box = crops.draw_crop_box(rng, seg, image_shape=image.shape[:2], **options)
        return crops.crop(image, box), crops.crop(seg, box)

    assert_parity("crop", crop, seeds=range(4), live=False)


def test_flip_of_image_and_mask_as_a_mapping():
    def flip(image, mask, rng, *, prob):
        direction = flips.draw_flip(rng, prob=prob)
        if direction is None:
            return {"image": image, "mask": mask}
        return {"image": flips.flip(image, direction), "mask": flips.flip(mask, direction)}

    assert_parity("flip", flip, seeds=range(8), live=False)


@pytest.mark.parametrize("name", ["collate", "collate_samples", "collate_sample"])
def test_collate_runs_on_every_probe_whatever_its_name(name):
    found = verdicts({name: collates.collate}, seeds=3)
    assert len(found) == 9
    assert all("different" not in some for some in found.values())


def one_sample(sample, rng=None, *, mean, std, size=None, **options):
    return collates.collate([sample], mean=mean, std=std, size=size, **options)


def padded_with_zero(sample, rng=None, **options):
    return one_sample(sample, **({"seg_pad_value": 0} | options))


def padded_more(sample, rng=None, **options):
    size = options.pop("size", None)
    return one_sample(sample, size=None if size is None else (size[0] + 1, size[1]), **options)


def test_a_collate_of_one_sample_is_run_on_batches():
    found = verdicts({"collate": one_sample})
    assert found["collate_size"] == {"equal"}
    assert found["collate_max"] == {"equal", "not compared"}
    assert "different" in verdicts({"collate": padded_with_zero})["collate_size"]
    assert "different" in verdicts({"collate": padded_more})["collate_size"]


def test_collate_as_a_pair():
    def collate(batch, *, mean, std, size=None, **options):
        found = collates.collate(batch, mean=mean, std=std, size=size, **options)
        return found.images, found.segs

    assert verdicts({"collate": collate})["collate_size"] == {"equal"}


def test_slide_inference():
    def slide(net, img, *, crop_size, stride, num_classes, align_corners=False):
        options = {"crop_size": crop_size, "stride": stride, "num_classes": num_classes}
        return slide_inference(net, img, **options, align_corners=align_corners)

    found = verdicts({"slide_inference": slide}, seeds=4)
    assert set(found) == {"infer_slide", "infer_slide_corners", "infer_slide_half"}
    assert set().union(*found.values()) == {"equal"}


@pytest.mark.parametrize(
    ("asked", "function", "name"),
    [
        ("loss_ce_valid", lambda x, y: x.sum(), "cross_entropy"),
        ("crop", lambda image, mask, rng: (image, mask), "crop"),
        ("collate_size", lambda batch: batch, "collate"),
        ("schedule", lambda base_lrs, schedulers, max_iters: base_lrs, "lr_table"),
    ],
)
def test_the_name_is_free_where_one_step_is_asked_for(asked, function, name):
    assert set(candidate_from(function, "given", asked=frozenset({asked})).steps) == {name}


def test_which_of_several_steps_a_function_is_has_to_be_said():
    asked = frozenset({"loss_ce", "loss_dice"})
    with pytest.raises(InputError, match="call it cross_entropy or dice_loss"):
        candidate_from(lambda pred, target: pred, "given", asked=asked)


def test_what_a_module_builds_on_is_not_given():
    mine = types.ModuleType("mine")
    mine.cross_entropy, mine.crop = functional.cross_entropy, crops.crop_sample
    mine.train = lambda arguments: None
    with pytest.raises(InputError, match="gives no step"):
        candidate_from(mine, "mine")


def test_what_was_not_exercised_is_part_of_the_verdict():
    given = {"cross_entropy": cross_entropy}
    report = report_of(given, "loss_ce", "loss_ce_class", "loss_dice")
    first, second = report.unexercised
    assert str(first) == "loss_ce_class in 2 cases (the candidate takes no class_weight)"
    assert str(second) == "loss_dice (not given)"
