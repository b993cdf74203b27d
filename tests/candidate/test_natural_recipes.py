"""Schedules, parameter groups and scores with the signatures their authors gave them."""

import numpy as np
import pytest
import torch

from parity.errors import NotExercised
from parity.steps.optim import build_optimizer, param_groups
from tests.candidate.support import probe_verdicts as verdicts
from tests.candidate.support import report_of, runner_of


def test_torch_scheduler():
    found = verdicts(torch.optim.lr_scheduler.PolynomialLR, seeds=40)
    assert found["schedule"] == {"different", "not compared"}


def test_function_of_an_optimizer():
    def make(optimizer, *, param_scheduler, max_iters, **options):
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)

    assert "different" in verdicts({"lr_table": make})["schedule"]


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
    report = report_of(function)
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
    report = report_of(runner_of(function, asked=frozenset({"iou"})), "iou")
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
