"""Steps as strangers write them: what each stands for, what it is run on, what is said of it."""

import inspect
import random

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from parity.candidate.engine import Engine
from parity.candidate.judge import mistake_of, unexercised
from parity.candidate.load import load_candidate
from parity.candidate.steps import candidate_from, select_steps
from parity.check.cases import data_cases, probe_cases
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.errors import InputError
from parity.fixtures import inputs_root
from parity.probes.natural import OPERATIONS
from tests.candidate.support import runner_of, verdicts_of

STATE = GeneratorState.of(RecordingRandomState(0))
CASES = (*data_cases(inputs_root(), range(4)), *probe_cases(range(4)))


def checked(given, asked=""):
    """The engine after all cases of what `given` stands for, and the verdicts by step."""
    only = select_steps([asked]) if asked else frozenset()
    check = Engine(runner_of(given, asked=only, called=asked))
    cases = [case for case in CASES if not only or case.steps[0].name in only]
    return check, verdicts_of(check, cases)


def named(check, pipeline, step):
    return str(mistake_of(check.records()[pipeline, step]))


def scaled(image, seg, scale, keep_ratio=True):
    height, width = image.shape[:2]
    if keep_ratio:
        factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
        scale = int(width * factor + 0.5), int(height * factor + 0.5)
    image = cv2.resize(image, scale, interpolation=cv2.INTER_LINEAR)
    return image, cv2.resize(seg, scale, interpolation=cv2.INTER_NEAREST)


def both(image, seg, rng, scale, ratio_range=None, keep_ratio=True):
    ratio = rng.rand() * (ratio_range[1] - ratio_range[0]) + ratio_range[0] if ratio_range else 1
    return scaled(image, seg, tuple(int(edge * ratio) for edge in scale), keep_ratio)


def in_training(image, seg, rng, scale, ratio_range=(0.5, 2.0), keep_ratio=True):
    return both(image, seg, rng, scale, ratio_range, keep_ratio)


def in_training_fixed(image, seg, rng, scale, keep_ratio=True):
    return both(image, seg, rng, scale, (0.5, 2.0), keep_ratio)


EQUAL, ABSENT = {"equal"}, {"not compared"}


@pytest.mark.parametrize(
    ("given", "training", "validation"),
    [
        (both, EQUAL, EQUAL),
        (in_training, EQUAL, ABSENT),
        (in_training_fixed, EQUAL, ABSENT),
        (scaled, ABSENT, EQUAL),
    ],
)
def test_a_resize_is_for_training_or_validation_or_both(given, training, validation):
    _, found = checked(given, "resize")
    assert found["resize_free"] == training
    assert found["resize_val_half"] == found["resize_val_free"] == validation


class RandomFlip:
    def __init__(self, prob=0.3):
        self.prob = prob

    def __call__(self, img, sem_seg):
        if np.random.rand() > self.prob:
            return img[:, ::-1], sem_seg[:, ::-1]
        return img, sem_seg


def test_a_class_that_is_called_is_the_one_step_asked_for():
    check, found = checked(RandomFlip, "flip")
    assert found["flip_rare"] == {"different"}
    # What the reference's metadata says of the flip is not held against it.
    assert "flipped-above-probability" in named(check, "flip", "flip_rare")


def test_a_function_of_the_image_alone_draws_for_itself():
    def photometric(image):
        return np.clip(image * random.uniform(0.5, 1.5), 0, 255).astype(np.uint8)

    check, found = checked({"photometric": photometric})
    assert found["photometric_single"] == ABSENT  # takes no contrast_range
    assert check.runner.description.applies == ()


def collate(samples):
    images, labels = [], []
    for sample in samples:
        image = sample.image[..., ::-1].astype(np.float32)
        image -= np.float32([123.675, 116.28, 103.53])
        image /= np.float32([58.395, 57.12, 57.375])
        images.append(torch.from_numpy(image.transpose(2, 0, 1)))
        labels.append(torch.from_numpy(sample.seg).long())
    return torch.stack(images), torch.stack(labels)


def test_a_collate_without_a_size_is_run_where_none_is_needed():
    check, found = checked({"collate": collate})
    assert found["collate_size"] == {"equal", "not compared"}  # images of that size, and others
    assert check.failures == {}
    wrong, _ = checked({"collate": lambda samples: (collate(samples)[0] + 1, None)})
    assert ("collate", "collate_size") in wrong.failures


# Nothing can be said of these without their options, which are the step.
OPTIONS_NEEDED = {
    *("resize_to_multiple", "pad", "inference", "ohem_weights", "draw_uncertain_points"),
    *("san_loss", "point_head_inference", "knet_loss", "stdc_head_loss", "class_ratios"),
    *("param_groups", "train"),
}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_a_function_without_options_is_run_on_some_input(operation):
    parameters = inspect.signature(operation.function).parameters.values()
    needed = (one for one in parameters if one.kind is not one.VAR_KEYWORD)
    names = [one.name for one in needed if one.default is one.empty]
    space = {}
    exec(f"def {operation.name}({', '.join(names)}):\n    raise OSError", space)
    check = Engine(runner_of({operation.name: space[operation.name]}))
    reasons = (
        unexercised(check.runner.run(check.part(step), step, case.start(), STATE).record)
        for case in (*CASES, *probe_cases(range(4, 8)))
        for step in case.steps[:1]
        if check.part(step)
    )
    assert ("" in reasons) is (operation.name not in OPTIONS_NEEDED)


def test_the_head_is_asked_for_and_not_its_criterion():
    """Logits of the labels' size would hide how a head resizes."""

    def head(logits, labels):
        resized = functional.interpolate(logits, size=labels.shape[-2:], mode="nearest")
        return functional.cross_entropy(resized, labels, ignore_index=255, reduction="none").mean()

    assert "different" in checked(head, "decode_head_loss")[1]["loss_head_default"]
    edge = candidate_from(scaled, "given", asked=select_steps(["resize_shortest_edge"]))
    assert set(edge.steps) == {"resize_shortest_edge"}


def a_head(size_of, mean="mean"):
    def decode_head_loss(pred, label, *, ignore_index=255):
        if size_of == "labels":
            pred = functional.interpolate(pred, label.shape[1:], mode="bilinear")
        elif size_of == "logits":
            small = functional.interpolate(label[:, None].float(), pred.shape[2:], mode="nearest")
            label = small[:, 0].long()
        loss = functional.cross_entropy(pred, label, ignore_index=ignore_index, reduction=mean)
        return {"loss_ce": loss if mean == "mean" else loss.mean()}

    return decode_head_loss


def test_a_head_may_leave_out_the_accuracy():
    _, found = checked(a_head("labels", mean="none"), "decode_head_loss")
    assert found["loss_head_default"] == {"equal"}


@pytest.mark.parametrize(
    ("size_of", "names"),
    [("labels", ["torch-mean"]), ("logits", ["torch-mean", "head-labels-shrunk"])],
)
def test_mistakes_of_a_head_without_accuracy_are_named(size_of, names):
    check, _ = checked(a_head(size_of), "decode_head_loss")
    [how] = mistake_of(check.records()["loss", "loss_head_default"]).evidence
    assert how.startswith(f"{' with '.join(names)}: exactly reproduced")


def test_answers_in_the_forms_of_others():
    def accuracy(pred, target, ignore_index=None):
        kept = target != ignore_index
        eps = torch.finfo(torch.float32).eps
        right = (pred.argmax(1) == target)[kept].float().sum()
        return float((right + eps) * (100.0 / (kept.sum().item() + eps)))

    def targets(label):
        found = [torch.unique(one) for one in label]
        found = [ids[ids != 255] for ids in found]
        pairs = zip(found, label, strict=True)
        return [{"labels": ids, "masks": (one == ids[:, None, None]).long()} for ids, one in pairs]

    def criterion(pred, label):
        exponents = np.exp(pred - pred.max(1, keepdims=True))
        own = np.take_along_axis(exponents, np.where(label == 255, 0, label)[:, None], 1)[:, 0]
        return float(-(np.log(own / exponents.sum(1)) * (label != 255)).mean())

    assert checked(accuracy, "accuracy")[1]["accuracy"] <= {"equal", "within tolerance"}
    assert checked(targets, "mask_targets")[1]["mask_targets"] == EQUAL
    with np.errstate(all="ignore"):
        found = checked(criterion, "loss")[1]["loss_head_default"]
    assert "within tolerance" in found | {"within tolerance" for one in found if one == "equal"}


class Poly(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        return [base * (1 - self.last_epoch / 100) for base in self.base_lrs]


def test_a_scheduler_of_ones_own_is_told_how_it_can_be_checked():
    check, found = checked(Poly, "schedule")
    assert found["schedule"] == ABSENT
    assert not check.failures


def test_which_of_several_is_said_with_an_example():
    class Loss(nn.Module):
        def forward(self, pred, label):
            return pred.sum()

    with pytest.raises(Exception, match=r"ask for one, as parity check \w+ does, or call it"):
        candidate_from(Loss, "given", asked=frozenset({"loss_ce", "loss_dice"}))


def test_what_differs_by_nan_alone_makes_room_for_what_tells_more():
    """Eight failures are kept; the first ones are no reason to say that the rest is right."""
    seen = []

    def si_log_loss(pred, label):
        seen.append(1)
        return pred.sum() * (float("nan") if len(seen) < 12 else 3.0)

    check = Engine(runner_of({"si_log_loss": si_log_loss}))
    cases = (case for case in probe_cases(range(16)) if case.steps[0].name == "loss_si_log")
    assert verdicts_of(check, cases)
    assert "Only NaN" not in named(check, "loss", "loss_si_log")


def test_a_file_without_a_step_is_told_what_it_has(tmp_path):
    file = tmp_path / "train.py"
    file.write_text("def loss_dize(a, b):\n    return a\n")
    told = f"none of loss_dize is called like one; did you mean loss_dice.*{file}:loss_dize"
    with pytest.raises(InputError, match=told):
        candidate_from(load_candidate(str(file)), str(file))


def test_a_name_that_this_package_has_no_more_is_said_to_be_one(tmp_path):
    file = tmp_path / "old.py"
    file.write_text("from parity.steps.crop import crop_with_everything\n")
    with pytest.raises(InputError, match=r"'crop_with_everything'.*parity steps lists every step"):
        load_candidate(str(file))


def test_the_only_part_of_a_file_is_the_step_that_is_asked_for(tmp_path):
    file = tmp_path / "train.py"
    file.write_text(
        "class Turn:\n    def __call__(self, image, mask):\n        return image, mask\n"
    )
    found = candidate_from(load_candidate(str(file)), "f.py", asked=select_steps(["flip"]))
    assert (found.name, set(found.steps)) == ("f.py:Turn", {"flip"})
    file.write_text(file.read_text() + "class RandomFlip(Turn):\n    pass\n")
    found = candidate_from(load_candidate(str(file)), "f.py", asked=select_steps(["flip"]))
    assert found.name == "f.py:RandomFlip"
    with pytest.raises(InputError, match=r"parity check crop --candidate f\.py:Turn"):
        candidate_from(load_candidate(str(file)), "f.py", asked=select_steps(["crop"]))
