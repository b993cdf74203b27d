"""Steps with the signatures their authors gave them, beside our own steps."""

from __future__ import annotations

import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from parity.candidate.engine import Engine
from parity.candidate.run import CheckOptions, check_with
from parity.candidate.runner import InProcess
from parity.candidate.steps import candidate_from
from parity.check.cases import probe_cases
from parity.compare.trace import run_trace
from parity.errors import InputError, NotExercised
from parity.probes.natural import OPERATIONS
from parity.steps import collate as collates
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps.infer import slide_inference
from parity.steps.optim import build_optimizer, param_groups
from parity.testing import assert_parity


def verdicts(given, seeds=12):
    """Verdicts of the probes by step, beside our own steps in the place of the reference."""
    check = Engine(InProcess(candidate_from(given, "given")))
    found = {}
    for case in probe_cases(range(seeds)):
        if not check.part(case.steps[0]):
            continue
        trace = run_trace([(step.name, step) for step in case.steps], case.start(), case.seed)
        [result] = check.run([(case, trace)])
        [step] = result.comparison.steps
        found.setdefault(step.name, set()).add(str(step.isolated.verdict))
    return found


DATA = ("resize", "crop", "flip", "photometric")


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


def test_torch_scheduler():
    found = verdicts(torch.optim.lr_scheduler.PolynomialLR, seeds=40)
    assert found["schedule"] == {"different", "not compared"}


def test_function_of_an_optimizer():
    def make(optimizer, *, param_scheduler, max_iters, **options):
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)

    assert "different" in verdicts({"lr_table": make})["schedule"]


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


def test_groups_as_an_optimizer():
    def groups(model, *, lr, weight_decay, paramwise_cfg=None, constructor=None):
        options = {"lr": lr, "weight_decay": weight_decay, "paramwise_cfg": paramwise_cfg}
        named = {} if constructor is None else {"constructor": constructor}
        found = param_groups(model, **options, **named)
        return build_optimizer(model, found, optimizer={"type": "SGD", "lr": lr})

    found = verdicts({"param_groups": groups}, seeds=12)
    assert found["optim_groups"] == {"equal"}


def one_scheduler(optimizer):
    return torch.optim.lr_scheduler.PolynomialLR(optimizer, 160000, power=0.9)


def one_rate(it):
    return 0.01 * (1 - it / 160000) ** 0.9


def make_optimizer(model):
    return torch.optim.AdamW(model.parameters(), lr=6e-5)


@pytest.mark.parametrize("function", [one_scheduler, one_rate, make_optimizer])
def test_one_fixed_recipe_is_not_compared_without_its_config(function):
    runner = InProcess(candidate_from(function, "given"))
    report = check_with(runner, CheckOptions(text="given", live=False))
    assert str(report.verdict) == "not compared"
    assert "--config" in report.unexercised[0].reason


def timm_layer_decay(model, weight_decay=0.05, no_weight_decay_list=(), layer_decay=0.75):
    """As timm's param_groups_layer_decay returns its groups."""
    layers = 13
    scales = [layer_decay ** (layers - at) for at in range(layers + 1)]
    groups = {}
    for name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        flat = param.ndim <= 1 or name.endswith(".bias") or name in no_weight_decay_list
        stem = name.startswith(("backbone.cls_token", "backbone.pos_embed", "backbone.patch_embed"))
        block = int(name.split(".")[2]) + 1 if name.startswith("backbone.layers.") else layers
        layer = 0 if stem else block
        key = f"layer_{layer}_{'no_decay' if flat else 'decay'}"
        decay = 0.0 if flat else weight_decay
        made = {"lr_scale": scales[layer], "weight_decay": decay, "params": [], "param_names": []}
        group = groups.setdefault(key, made)
        group["params"].append(param)
        group["param_names"].append(name)
    return list(groups.values())


def of_timm(
    model, *, lr, weight_decay, paramwise_cfg=None, constructor="", undecayed=(), **options
):
    if constructor != "LayerDecayOptimizerConstructor":
        raise NotExercised("decays layers only")
    rate = paramwise_cfg["layer_decay_rate"]
    return timm_layer_decay(model, weight_decay, undecayed, layer_decay=rate)


def reversed_groups(model, **options):
    return list(reversed(of_timm(model, **options)))


def names_alone(model, **options):
    return [{**group, "params": group["param_names"]} for group in of_timm(model, **options)]


@pytest.mark.parametrize("function", [of_timm, reversed_groups, names_alone])
def test_layer_decay_of_timm(function):
    assert verdicts({"param_groups": function})["optim_groups"] == {"equal", "not compared"}


def test_layer_decay_of_timm_without_decay_of_positions():
    def wrong(model, **options):
        kept = ("backbone.pos_embed", "backbone.cls_token")
        return of_timm(model, **options, undecayed=kept)

    assert "different" in verdicts({"param_groups": wrong})["optim_groups"]  # mmseg decays these


def test_layer_decay_of_timm_with_another_rate():
    def wrong(model, **options):
        groups = of_timm(model, **options)
        return [{**group, "lr_scale": group["lr_scale"] * 0.5} for group in groups]

    assert "different" in verdicts({"param_groups": wrong})["optim_groups"]


class Jaccard:
    """The interface of a metric of torchmetrics."""

    num_classes, ignore_index = 150, 255

    def __init__(self, absent=float("nan")):
        self.absent = absent
        self.reset()

    def reset(self):
        self.both = torch.zeros(150)
        self.either = torch.zeros(150)

    def update(self, preds, target):
        kept = target != 255
        preds, target = preds[kept], target[kept]
        inside = target[target < 150]
        both = torch.bincount(preds[preds == target], minlength=150)
        counts = torch.bincount(preds, minlength=150) + torch.bincount(inside, minlength=150)
        self.both += both
        self.either += counts - both

    def compute(self):
        ratios = self.both / self.either
        return ratios.nan_to_num(self.absent) if self.absent == 0 else ratios.nanmean()


@pytest.mark.parametrize("given", [Jaccard, Jaccard()])
def test_metric(given):
    found = verdicts(given)
    assert found["iou"] <= {"equal", "different"}
    assert found["iou_nan_to_num"] == found["iou_ignore_0"] == {"not compared"}


def test_metric_in_which_absent_classes_count():
    assert "different" in verdicts(Jaccard(absent=0))["iou"]


def histogram(pred, label, classes=150):
    kept = label < classes
    cells = classes * label[kept].astype(int) + pred[kept]
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def ratios(table):
    with np.errstate(all="ignore"):
        return np.diag(table) / (table.sum(0) + table.sum(1) - np.diag(table))


def miou(preds, labels):
    pairs = zip(preds, labels, strict=True)
    return float(np.nanmean(ratios(sum(histogram(p.ravel(), q.ravel()) for p, q in pairs))))


def mean_iou(target, pred):
    return 100 * np.nanmean(ratios(histogram(pred, target)))


def by_name(preds, labels, num_labels, ignore_index):
    return {"mean_iou": miou(preds, labels), "overall_accuracy": 0.0}


def image_by_image(preds, labels):
    alone = [miou([p], [q]) for p, q in zip(preds, labels, strict=True) if (q < 150).any()]
    return float(np.mean(alone))


def absent_as_0(preds, labels):
    pairs = zip(preds, labels, strict=True)
    table = sum(histogram(p.ravel(), q.ravel()) for p, q in pairs)
    return np.nan_to_num(ratios(table)).mean()


def scored(function):
    given = candidate_from(function, "given", asked=frozenset({"iou"}))
    options = CheckOptions(text="given", live=False, only=frozenset({"iou"}))
    report = check_with(InProcess(given), options)
    return next(row for row in report.summaries if (row.pipeline, row.step) == ("iou", "iou"))


@pytest.mark.parametrize("function", [miou, mean_iou, by_name])
def test_a_function_that_gives_a_score(function):
    row = scored(function)
    assert (row.failed, row.cases) == (0, 2)


@pytest.mark.parametrize(
    ("function", "name"),
    [(image_by_image, "mean-of-images"), (absent_as_0, "nan-as-0"), (Jaccard(0), "nan-as-0")],
)
def test_the_mistake_in_one_number_is_named(function, name):
    row = scored(function)
    assert row.failed
    assert row.diagnosis.sure
    assert row.diagnosis.evidence[0].startswith(f"{name}:")


def test_what_a_module_builds_on_is_not_given():
    mine = types.ModuleType("mine")
    mine.cross_entropy, mine.crop = functional.cross_entropy, crops.crop_sample
    mine.train = lambda arguments: None
    with pytest.raises(InputError, match="gives no step"):
        candidate_from(mine, "mine")


def test_what_was_not_exercised_is_part_of_the_verdict():
    runner = InProcess(candidate_from({"cross_entropy": cross_entropy}, "given"))
    only = frozenset({"loss_ce", "loss_ce_class", "loss_dice"})
    report = check_with(runner, CheckOptions(text="given", live=False, only=only))
    first, second = report.unexercised
    assert str(first) == "loss_ce_class in 2 cases (the candidate takes no class_weight)"
    assert str(second) == "loss_dice (not given)"
