"""Loops by epoch, orders that begin anew, and data sets that are joined, repeated or mixed."""

import re
from dataclasses import replace
from itertools import repeat
from unittest import mock

import pytest

from parity.errors import InputError
from parity.train import record
from parity.train.checkpoint import meta_of
from parity.train.data import EpochOrder
from parity.train.loop import Loop
from parity.train.plan import plan_of
from parity.train.settings import read_settings
from parity.train.whole import for_whole
from reference.checkpoints import mmengine_checkpoints
from tests.train import tiny

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("terse")]

# Six images: three batches an epoch, or with batches of four one, and two images left out.
LOOP = "train_cfg={'type': 'EpochBasedTrainLoop', 'max_epochs': 3, 'val_interval': 2}"
ORDER = "train_dataloader.sampler={'type': 'DefaultSampler', 'shuffle': True}"
DROPPED = ("train_dataloader.drop_last=True", "train_dataloader.batch_size=4")
SCHEDULE = (
    "param_scheduler=[{'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': True, 'begin': 0, "
    "'end': 2, 'convert_to_iter_based': True}, "
    "{'type': 'PolyLR', 'eta_min': 1e-4, 'power': 0.9, 'begin': 1, 'by_epoch': True}]"
)
LIVE_ON = "train_dataloader.persistent_workers=True"
EPOCHS = (LOOP, ORDER, SCHEDULE)
LEAF = re.search(
    r"dataset=(dict\(\n        type='ADE20KDataset'.*?PackSegInputs'\)\]\))", tiny.CONFIG, re.S
)[1]
JOINED = f"""dict(type='ConcatDataset', datasets=[
    dict(type='RepeatDataset', times=2, dataset={LEAF}), {LEAF.replace("prob=0.5", "prob=1.0")}])"""
LOADED = re.sub(r"(reduce_zero_label=True\)),.*", r"\1])", LEAF, flags=re.DOTALL)
STEPS = LEAF[LEAF.index("dict(type='RandomResize'") :]
MIXED = f"""dict(type='MultiImageMixDataset',
    dataset=dict(type='ConcatDataset', datasets=[{LOADED}]),
    pipeline=[dict(type='RandomMosaic', prob=0.7, img_scale=(24, 32)), {STEPS}"""


def with_data(dataset):
    return tiny.CONFIG.replace(LEAF, dataset)


@pytest.mark.parametrize(
    ("options", "workers", "iters"),
    [
        (EPOCHS, 0, 7),
        ((*EPOCHS, *DROPPED), 0, 3),
        (EPOCHS, 2, 4),
        ((*EPOCHS, LIVE_ON), 2, 4),
        ((ORDER,), 0, 4),
    ],
)
def test_epochs_are_equal(options, workers, iters, tmp_path, data):
    validated = LOOP in options and not workers
    given = tiny.settings(tmp_path, data, *options, workers=workers, validated=validated)
    with mock.patch("mmengine.runner.loops.time.sleep"):
        tally = tiny.run(given, tmp_path, iters=iters)
    assert tally.first is None
    assert tally.iterations == iters
    assert ("scores" in tally.counts) == validated


@pytest.mark.parametrize(("dataset", "size"), [(JOINED, 18), (MIXED, 6)])
def test_joined_data_is_equal(dataset, size, tmp_path, data):
    given = tiny.settings(tmp_path, data, text=with_data(dataset))
    assert len(plan_of(given).dataset) == size
    assert tiny.run(given, tmp_path, iters=4).first is None


class SameOrder(Loop):
    """As without DistSamplerSeedHook."""

    def _loader(self, seed):
        self.order.seeds = repeat(seed)
        return super()._loader(seed)


def test_the_order_of_another_epoch_is_located(tmp_path, data):
    given = tiny.settings(tmp_path, data, *EPOCHS)
    first = tiny.run(given, tmp_path, loop=SameOrder, iters=5).first
    assert (first.iteration, first.quantity) == (4, "sample indices")


def test_workers_that_live_on_are_located(tmp_path, data):
    """Those of the reference are new in each epoch, and begin with the same seeds."""
    given = tiny.settings(tmp_path, data, *EPOCHS, workers=1)
    tally = tiny.run(given, tmp_path, plan=lambda plan: replace(plan, persistent=True), iters=4)
    assert (tally.first.iteration, tally.first.quantity) == (4, "generators after loading")


def test_other_steps_of_the_second_data_set_are_located(tmp_path, data):
    def unlike(plan):
        plan.dataset.datasets[1].pipeline = plan.dataset.datasets[0].datasets[0].pipeline
        return plan

    given = tiny.settings(tmp_path, data, text=with_data(JOINED))
    assert tiny.run(given, tmp_path, plan=unlike, iters=4).first.quantity in (
        "generators after loading",
        "batch",
    )


def test_a_whole_training_counts_epochs(tmp_path, data):
    given = tiny.settings(tmp_path, data, *EPOCHS, validated=True)
    made = for_whole(given, 6, 3, shorten=True, amp=False)
    assert made.values["train_cfg"]["max_epochs"] == 2
    assert made.values["train_cfg"]["val_interval"] == 1
    plan = plan_of(made)
    assert (plan.max_iters, plan.validation.interval, plan.order) == (6, 3, EpochOrder)
    with pytest.raises(InputError, match="--interval 4 ends within an epoch of 3 iterations"):
        for_whole(given, 8, 4, shorten=False, amp=False)
    with pytest.raises(InputError, match="an epoch has 3 iterations"):
        for_whole(given, 8, 0, shorten=True, amp=False)


def test_an_order_that_begins_anew_is_not_gone_on_with(tmp_path, data):
    given = for_whole(tiny.settings(tmp_path, data, *EPOCHS), 6, 3, shorten=True, amp=False)
    asked = tiny.options(tmp_path, iters=6, interval=3)
    assert record.train(given, asked).equal
    with mmengine_checkpoints():
        metas = [meta_of(tmp_path / side / "iter_6.pth") for side in ("candidate", "reference")]
    assert [(meta["epoch"], meta["iter"]) for meta in metas] == [(1, 6)] * 2
    with pytest.raises(InputError, match=f"{tmp_path}: only with InfiniteSampler"):
        record.train(given, replace(asked, resume=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((LOOP,), "InfiniteSampler never ends its first epoch"),
        (("train_dataloader.num_batch_per_epoch=3",), "num_batch_per_epoch is not done"),
        ((DROPPED[0], "train_dataloader.batch_size=7"), "leaves no batch of 7 from 6 images"),
        ((LOOP.replace("3", "None"), ORDER), "max_epochs is None"),
    ],
)
def test_what_is_not_trained_is_said(options, message, tmp_path, data):
    with pytest.raises(InputError, match=message):
        plan_of(tiny.settings(tmp_path, data, *options))


def test_data_of_several_roots_is_not_put_below_one(tmp_path, data):
    other = LEAF.replace("data/missing", "data/other")
    text = with_data(f"dict(type='ConcatDataset', datasets=[{LEAF}, {other}])")
    (tmp_path / "joined.py").write_text(text)
    with pytest.raises(InputError, match="several roots, and --data names one"):
        read_settings(str(tmp_path / "joined.py"), data=data)
