"""Loads, losses, inference and groups in the forms of others: run, and named where wrong."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from parity.candidate.judge import judge, mistake_of
from parity.candidate.load import load_candidate
from parity.candidate.runner import Outcome
from parity.candidate.steps import candidate_from, select_steps
from parity.errors import InputError
from parity.steps.collate import collate
from parity.steps.load import load_sample
from parity.steps.mask import mask2former_match
from tests.candidate.test_strangers import checked


def reduced(seg):
    seg[seg == 0] = 255
    seg = seg - 1
    seg[seg == 254] = 255
    return seg


def load(img_file, label_file):
    seg = np.array(Image.open(label_file))
    return cv2.imread(img_file), reduced(seg)


def image_alone(path):
    return cv2.imread(path)


def of_entry(info):
    return load_sample(info)


class LoadResults:
    def __call__(self, results):
        results["img"] = cv2.imread(results["img_path"])
        seg = np.array(Image.open(results["seg_map_path"]))
        if results["label_map"]:
            seg = np.vectorize(lambda one: results["label_map"].get(one, one))(seg).astype(np.uint8)
        return {**results, "gt_seg_map": reduced(seg) if results["reduce_zero_label"] else seg}


def test_loads_by_paths_and_by_results():
    assert checked(load, "load")[1]["load"] == {"equal", "not compared"}
    assert checked(image_alone, "load")[1]["load"] == {"equal", "not compared"}
    assert checked(of_entry, "load")[1]["load"] == {"equal"}
    check, found = checked(LoadResults, "load")
    assert found["load"] == {"equal", "different"}
    told = mistake_of(check.records()["load", "load"]).text
    assert told.startswith("The label_map is applied before the reduction")


def focal(inputs, targets, alpha=0.5, gamma=2.0):
    hot = functional.one_hot(targets, inputs.shape[1]).movedim(-1, 1).float()
    share = inputs.sigmoid()
    miss = (1 - share) * hot + share * (1 - hot)
    weight = (alpha * hot + (1 - alpha) * (1 - hot)) * miss**gamma
    loss = functional.binary_cross_entropy_with_logits(inputs, hot, reduction="none")
    return (loss * weight).mean()


def test_a_focal_loss_of_class_indices():
    assert checked(focal, "focal")[1]["loss_focal_default"] == {"equal"}


def slide(model, img, crop, stride, num_classes):
    height, width = img.shape[2:]
    logits = img.new_zeros(len(img), num_classes, height, width)
    count = img.new_zeros(1, 1, height, width)
    for top in range(0, max(height - crop[0] + stride[0] - 1, 0) // stride[0] + 1):
        for left in range(0, max(width - crop[1] + stride[1] - 1, 0) // stride[1] + 1):
            bottom = min(top * stride[0] + crop[0], height)
            right = min(left * stride[1] + crop[1], width)
            window = np.s_[..., max(bottom - crop[0], 0) : bottom, max(right - crop[1], 0) : right]
            logits[window] += model(img[window])
            count[window] += 1
    return logits / count


def test_an_inference_whose_model_enlarges_its_logits_itself():
    found = checked(slide, "slide_inference")[1]
    assert found["infer_slide"] == {"equal"}


def test_a_parameter_that_no_step_gives_is_said_and_not_held_against_it():
    inference = checked(lambda model, image, mode: image, "whole_inference")[1]
    loss = checked(lambda logits, target, epoch: logits.sum(), "cross_entropy")[1]
    assert set().union(*inference.values(), *loss.values()) == {"not compared"}


@pytest.mark.parametrize("asked", ["lovasz", "dice", "focal"])
def test_a_loss_is_also_asked_for_without_that_word(asked):
    assert select_steps([asked]) == select_steps([f"{asked}_loss"])


def test_the_only_class_of_a_file_stands_for_the_step(tmp_path):
    file = tmp_path / "criterion.py"
    text = "helper = lambda x: x\n\n\nclass Mine:\n    def __call__(self, x, y):\n        pass\n"
    file.write_text(text)
    found = candidate_from(load_candidate(str(file)), "c.py", asked=select_steps(["dice"]))
    assert found.name == "c.py:Mine"
    file.write_text(file.read_text() + "\n\nclass Other(Mine):\n    pass\n")
    with pytest.raises(InputError, match="parity check dice_loss --candidate"):
        candidate_from(load_candidate(str(file)), "c.py", asked=select_steps(["dice"]))


def two_groups(model, lr, weight_decay):
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        (decayed if name.startswith("backbone") else plain).append(parameter)
    rates = {"lr": lr, "weight_decay": weight_decay}
    return [{"params": decayed, **rates}, {"params": plain, **rates}]


def slow_backbone(model, lr, weight_decay):
    found = two_groups(model, lr, weight_decay)
    found[0]["lr"] = lr / 10
    return found


def test_groups_are_compared_by_parameter():
    assert checked(two_groups, "param_groups")[1]["optim_groups"] == {"equal", "not compared"}
    check, found = checked(slow_backbone, "param_groups")
    assert found["optim_groups"] == {"different", "not compared"}
    _, expected, actual = check.records()["optim", "optim_groups"][0]
    wrong = judge(Outcome(actual), expected).worst
    assert wrong is not None
    assert wrong[0].startswith("backbone.")
    assert wrong[0].endswith(".lr")


def without_head(model, lr, weight_decay):
    named = model.named_parameters()
    kept = [one for name, one in named if not name.startswith("decode_head")]
    return [{"params": kept, "lr": lr, "weight_decay": weight_decay}]


def backbone_frozen(model, lr, weight_decay):
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and not name.startswith("backbone"))
    trained = [one for one in model.parameters() if one.requires_grad]
    return [{"params": trained, "lr": lr, "weight_decay": weight_decay}]


@pytest.mark.parametrize(
    ("given", "start"), [(without_head, "decode_head."), (backbone_frozen, "backbone.")]
)
def test_a_trained_parameter_that_is_in_no_group_is_missing(given, start):
    check, found = checked(given, "param_groups")
    assert found["optim_groups"] == {"different", "not compared"}
    _, expected, actual = check.records()["optim", "optim_groups"][0]
    wrong = judge(Outcome(actual), expected).worst
    assert wrong is not None
    assert wrong[0].startswith(start)


def of_timm(model, lr, weight_decay):
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            of = plain if parameter.ndim <= 1 or name.endswith(".bias") else decayed
            of.append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0}]


def ohem(logits, labels, thresh=0.7, min_kept=100_000, ignore_index=255):
    losses = functional.cross_entropy(
        logits, labels, reduction="none", ignore_index=ignore_index
    ).view(-1)
    hard = losses[losses > -np.log(thresh)]
    if hard.numel() < min_kept:
        hard, _ = losses.topk(min(min_kept, losses.numel()))
    return hard.mean()


def focal_of_cross_entropy(inputs, targets, alpha=0.5, gamma=2.0):
    losses = functional.cross_entropy(inputs, targets, reduction="none", ignore_index=255)
    return (alpha * (1 - torch.exp(-losses)) ** gamma * losses).mean()


def mean_of_scores(preds, labels, num_classes):
    scores = []
    for pred, label in zip(preds, labels, strict=True):
        known = label != 255
        hits = [(pred == at) & (label == at) & known for at in range(num_classes)]
        either = [((pred == at) | (label == at)) & known for at in range(num_classes)]
        found = [a.sum() / b.sum() for a, b in zip(hits, either, strict=True) if b.any()]
        scores += [np.mean(found)] if found else []
    return float(np.mean(scores)) if scores else float("nan")


@pytest.mark.parametrize(
    ("given", "asked", "at", "name"),
    [
        (of_timm, "param_groups", ("optim", "optim_groups"), "no-decay-on-vectors"),
        (ohem, "ohem_cross_entropy", ("loss", "loss_ohem_default"), "ohem-ignored-among-kept"),
        (focal_of_cross_entropy, "focal", ("loss", "loss_focal_default"), "focal-of-softmax"),
        (mean_of_scores, "iou", ("iou", "iou"), "mean-of-images"),
    ],
)
def test_what_people_copy_most_is_named(given, asked, at, name):
    check, _ = checked(given, asked)
    [how, *_] = mistake_of(check.records()[at]).evidence
    assert how.startswith(f"{name}: exactly reproduced")


def matcher(outputs, targets):
    rows = zip(outputs["pred_logits"], outputs["pred_masks"], targets, strict=True)
    return [
        mask2former_match(scores, masks, target["labels"], target["masks"])
        for scores, masks, target in rows
    ]


def test_a_matcher_of_outputs_and_targets():
    found = checked(matcher, "mask2former_match")[1]
    assert found["mask2former_match"] == found["mask2former_match_crowd"] == {"equal"}
    assert found["mask2former_match_few"] == {"not compared"}


def clip(gradients, max_norm, norm_type=2):
    norms = [one.norm(norm_type) for one in gradients if one is not None]
    total = torch.norm(torch.stack(norms), norm_type) if norms else torch.tensor(0.0)
    factor = min(float(max_norm / (total + 1e-6)), 1.0)
    return [None if one is None else one * factor for one in gradients]


def test_clipping_by_the_names_of_torch():
    assert "equal" in checked(clip, "clip_gradients")[1]["optim_clip"]


def test_a_function_of_fewer_arguments_is_no_candidate_for_a_step():
    found = checked(lambda mask_cls, mask_pred: mask_pred, "mask2former_inference")[1]
    assert found == {"mask2former_infer": {"not compared"}}


def without_maps(sample, rng=None, **options):
    return replace(collate([sample], **options), maps={})


def one_by_one(sample, rng=None, **options):
    return collate([sample], **options)


def test_maps_besides_labels_are_not_asked_of_a_collate_that_gives_none():
    bare, whole = (checked(of, "collate")[1] for of in (without_maps, one_by_one))
    assert bare["collate_maps"] == bare["collate_maps_test"] == {"not compared"}
    assert whole["collate_maps"] == whole["collate_size"] == bare["collate_size"] == {"equal"}
