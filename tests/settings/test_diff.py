"""Two configs in one set of terms: what differs, one line each, and nothing else."""

from __future__ import annotations

import pytest

from parity.fixtures import fixtures_root
from parity.runs.config import read_config
from parity.runs.facts import Config, Source, Unknown
from parity.settings import differences, terms_of
from tests.causes.made import CONFIG, DELETE, TRAIN, VAL, config


def found(changes, base=CONFIG):
    """Differences of `base` with `changes` from `base`, as path, here and there."""
    here, there = (terms_of(made) for made in (config(changes, base), config(base=base)))
    return [(item.path, item.here, item.there) for item in differences(here, there)]


def paths(changes, base=CONFIG):
    return [path for path, _, _ in found(changes, base)]


PIPELINE = "train_dataloader.dataset.pipeline"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({(*TRAIN, 3, "crop_size"): (640, 640)}, [f"{PIPELINE}.RandomCrop.crop_size"]),
        ({(*TRAIN, 4): DELETE}, [f"{PIPELINE}.RandomFlip"]),
        ({("optim_wrapper", "optimizer", "lr"): 1e-3}, ["optim_wrapper.optimizer.lr"]),
        ({("param_scheduler", 0, "by_epoch"): DELETE}, ["param_scheduler.PolyLR.by_epoch"]),
        ({("model", "decode_head", "loss_decode"): DELETE}, []),  # it is the default of the head
        ({("optim_wrapper", "type"): DELETE}, []),
        ({("optim_wrapper", "optimizer", "betas"): [0.9, 0.999]}, []),
        ({("train_cfg", "by_epoch"): False}, []),
        ({(*TRAIN, 3, "type"): "mmseg.RandomCrop"}, []),
        ({(*TRAIN, 3, "crop_size"): 512}, []),
        ({("crop_size",): (1, 1)}, []),  # no Runner reads it
    ],
)
def test_one_edit_is_one_line(changes, expected):
    assert paths(changes) == expected


def test_a_default_that_is_set_otherwise_differs_from_nothing_written():
    changes = {("model", "decode_head", "loss_decode", "avg_non_ignore"): True}
    assert found(changes) == [("model.decode_head.loss_decode.avg_non_ignore", "True", "False")]


def test_a_step_that_moved_is_one_line_and_says_where():
    swapped = {(*TRAIN, 3): CONFIG[TRAIN[0]]["dataset"]["pipeline"][4]}
    swapped[(*TRAIN, 4)] = CONFIG[TRAIN[0]]["dataset"]["pipeline"][3]
    [(path, here, there)] = found(swapped)
    assert path == f"{PIPELINE}.RandomCrop.position"
    assert (here, there) == ("after RandomFlip", "after RandomResize")


def test_a_step_replaced_by_another_is_one_line():
    changes = {(*TRAIN, 2): {"type": "Resize", "scale": (512, 512)}}
    [(path, here, there)] = found(changes)
    assert path == f"{PIPELINE}.RandomResize"
    assert "'Resize'" in here
    assert "'RandomResize'" in there


def test_one_of_several_equal_heads_taken_out_is_one_line():
    heads = [{"type": "FCNHead", "in_index": index, "num_classes": 150} for index in range(3)]
    base = {**CONFIG, "model": {**CONFIG["model"], "auxiliary_head": heads}}
    [path] = paths({("model", "auxiliary_head", 1): DELETE}, base)
    assert path.startswith("model.auxiliary_head.FCNHead")


def test_another_optimizer_is_its_type_and_what_both_write():
    changes = {("optim_wrapper", "optimizer"): {"type": "SGD", "lr": 0.01, "momentum": 0.9}}
    assert paths(changes) == ["optim_wrapper.optimizer.type", "optim_wrapper.optimizer.lr"] or (
        sorted(paths(changes)) == ["optim_wrapper.optimizer.lr", "optim_wrapper.optimizer.type"]
    )


def test_mirrors_and_copies_of_a_file_of_weights_are_the_same():
    place = ("model", "backbone", "init_cfg", "checkpoint")
    assert paths({place: "/data/swin_small_22k_20220317-1cdeb081.pth"}) == []
    assert paths({place: "/data/swin_small_1k.pth"}) == ["model.backbone.init_cfg.checkpoint"]


def test_the_test_set_is_named_only_where_it_differs_otherwise():
    base = {**CONFIG, "test_dataloader": CONFIG["val_dataloader"]}
    both = {(*VAL, 1, "scale"): (1, 1), ("test_dataloader", *VAL[1:], 1, "scale"): (1, 1)}
    assert paths(both, base) == ["val_dataloader.dataset.pipeline.Resize.scale"]


def test_a_value_that_is_not_known_is_no_difference():
    value = Unknown("f()", Source("c.py", 1), "the call of `f`")
    assert paths({("optim_wrapper", "optimizer", "lr"): value}) == []


def test_bookkeeping_is_told_apart():
    changes = {
        ("train_dataloader", "num_workers"): 9,
        ("optim_wrapper", "optimizer", "lr"): 1.0,
        ("train_cfg", "val_interval"): 7,
    }
    here, there = terms_of(config(changes)), terms_of(config())
    told = {item.path: item.is_bookkeeping for item in differences(here, there)}
    assert told == {
        "train_dataloader.num_workers": True,
        "optim_wrapper.optimizer.lr": False,
        "train_cfg.val_interval": True,
    }


@pytest.mark.live
def test_every_config_of_the_zoo_equals_its_dump():
    """As mmengine dumps it: keys sorted, variables and bases gone."""
    from parity.zoo.places import row_config, zoo_rows
    from reference.dump import config_text

    rows = [row for row in zoo_rows("ADE20K") if row_config(row) is not None][::8]
    assert rows
    for row in rows:
        original = row_config(row)
        dumped = _parsed(config_text(original.values, wrapped=False))
        assert differences(terms_of(dumped), terms_of(original)) == (), row.name


def _parsed(text):
    from parity.runs.config import parse_config

    return parse_config(text, file="config.py")


@pytest.mark.live
def test_a_config_of_mmseg_0_x_equals_its_row_of_1_x():
    from parity.zoo.places import row_config, zoo_rows

    case = fixtures_root() / "cases" / "mmseg0x_r50_4gpu"
    mine = read_config(case / "upernet_r50_512x512_160k_ade20k.py")
    [row] = [row for row in zoo_rows("ADE20K") if row.name.startswith("upernet_r50_4xb4-160k")]
    told = differences(terms_of(mine), terms_of(row_config(row)))
    assert [item.path for item in told if not item.is_bookkeeping] == []


@pytest.mark.live
def test_the_signatures_are_those_of_the_installed_reference():
    from pathlib import Path

    from parity.settings.terms import signatures
    from reference.signatures import signatures as live

    now = live()
    for scope, kinds in signatures().items():
        for kind, options in kinds.items():
            assert now[scope][kind] == _tuples(now[scope][kind], options), (scope, kind)
    assert (Path(__file__).parents[2] / "parity" / "settings" / "signatures.json").is_file()


def _tuples(like, value):
    """`value`, read from JSON, with tuples where `like` has them."""
    if isinstance(like, dict) and isinstance(value, dict):
        return {key: _tuples(like.get(key), item) for key, item in value.items()}
    if isinstance(like, tuple):
        return tuple(_tuples(a, b) for a, b in zip(like, value, strict=True))
    if isinstance(like, list):
        return [_tuples(a, b) for a, b in zip(like, value, strict=True)]
    return value


def test_odd_values_anywhere_never_raise():
    for odd in (None, 3, "x", [], [1, "a", None], {}, {"type": 3}, [[{"type": []}]], float("nan")):
        for key in CONFIG:
            here = Config({**CONFIG, key: odd}, "c.py")
            differences(terms_of(here), terms_of(config()))
