"""Configs for other hardware, beside the configs that they are derived from."""

import numpy as np
import pytest

from parity.errors import InputError
from parity.guard.derive import derive
from parity.live import reference_module
from parity.runs.config import read_config
from parity.settings import terms_of
from parity.steps.optim.accumulate import accumulation_plan
from parity.steps.schedule import lr_table

MASK2FORMER = "mask2former_swin-s_8xb2-160k_ade20k-512x512"
KNET = "knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-512x512"
FCN = "mmseg::fcn/fcn_r50-d8_4xb4-80k_ade20k-512x512.py"
SHORT = """
_base_ = "{base}"
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=60, val_interval=20)
param_scheduler = {stages}
"""
STAGES = (
    "[dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=7),"
    " dict(type='PolyLR', eta_min=1e-5, power=0.9, by_epoch=False, begin=7, end=60)]",
    "[dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=3, end=9),"
    " dict(type='CosineAnnealingLR', by_epoch=False, begin=10)]",
    "[dict(type='ConstantLR', factor=0.5, by_epoch=False, begin=0, end=9),"
    " dict(type='MultiStepLR', by_epoch=False, begin=9, end=60, milestones=[20, 30])]",
)


def rates_at_steps(terms):
    """The rate of each optimizer step: of the last of its micro-batches."""
    length = terms.get("train_cfg", "max_iters")
    counts = terms.get("optim_wrapper", "accumulative_counts")
    updates = [
        part.updates for part in accumulation_plan(accumulative_counts=counts, max_counts=length)
    ]
    rate = terms.get("optim_wrapper", "optimizer", "lr")
    table = lr_table([rate], terms.config.get("param_scheduler"), max_iters=length)
    return table[np.array(updates), 0]


@pytest.mark.parametrize("name", [MASK2FORMER, KNET])
def test_the_configs_of_the_notes(tmp_path, name):
    out = tmp_path / "derived.py"
    made = derive(name, gpus=1, out=out, data=tmp_path)
    out.write_text(made.text)
    terms = terms_of(read_config(out))
    assert terms.get("train_dataloader", "batch_size") == 2
    assert terms.get("optim_wrapper", "accumulative_counts") == made.factor == 8
    assert terms.get("val_dataloader", "dataset", "data_root") == str(tmp_path)
    assert any("groups: the original's" in line for line in made.checked)
    reference_module("compat")
    live = pytest.importorskip("mmengine.config").Config.fromfile(str(out)).to_dict()
    read = terms.config.values
    assert {key: live[key] for key in made.changes} == {key: read[key] for key in made.changes}


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize(("gpus", "batch"), [(1, 4), (2, 1), (1, 1)])
def test_every_step_has_its_rate_and_samples(tmp_path, stages, gpus, batch):
    file = tmp_path / "mine_4xb4-60_ade20k-512x512.py"
    file.write_text(SHORT.format(base=FCN, stages=stages))
    made = derive(str(file), gpus=gpus, batch=batch)
    out = tmp_path / "derived.py"
    out.write_text(made.text)
    before, after = terms_of(read_config(file)), terms_of(read_config(out))
    np.testing.assert_allclose(
        rates_at_steps(after), rates_at_steps(before), rtol=1e-12, atol=1e-17
    )
    assert after.get("train_cfg", "max_iters") * gpus * batch == 60 * 16
    assert any("SyncBN" in line for line in made.differs)


def test_what_stays_different():
    (masks,) = [line for line in derive(MASK2FORMER, gpus=1).differs if "masks" in line]
    assert "2 images at a time" in masks
    frozen = derive("maskformer_r50-d32_8xb2-160k_ade20k-512x512", gpus=1).differs
    whole = derive(MASK2FORMER, gpus=1, batch=16).differs
    assert not any("norm" in line or "BN" in line for line in frozen)
    assert not any("masks" in line for line in whole)
    (counted,) = [line for line in whole if "not the mean" in line]
    assert "decode_head.DiceLoss" in counted
    knet = derive(KNET, gpus=1, batch=4).differs
    assert any("updated 4 times" in line for line in knet)
    assert not any("not the mean" in line for line in knet)


def test_what_cannot_be_derived(tmp_path):
    with pytest.raises(InputError, match="no multiple of 3 x 2"):
        derive(MASK2FORMER, gpus=3)
    with pytest.raises(InputError, match="no multiple of 1 x 32"):
        derive(MASK2FORMER, gpus=1, batch=32)
    file = tmp_path / "mine_4xb4-60_ade20k.py"
    stages = "[dict(type='ExponentialLR', gamma=0.9, by_epoch=False)]"
    file.write_text(SHORT.format(base=FCN, stages=stages))
    with pytest.raises(InputError, match="ExponentialLR is not derived"):
        derive(str(file), gpus=1)
    file.write_text("import os\nos.system('touch ran')\ntrain_cfg = dict(max_iters=os.getpid())")
    with pytest.raises(InputError, match="needs execution"):
        derive(str(file), gpus=1)
