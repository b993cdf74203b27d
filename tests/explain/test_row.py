"""Which zoo row a run is compared with."""

from dataclasses import replace

import pytest

from parity.causes.facts import dataset
from parity.errors import InputError, ReferenceUnavailable
from parity.explain import row as zoo
from parity.explain.explain import explain
from parity.explain.row import choose
from parity.runs.facts import Fact
from parity.settings import terms_of
from parity.settings.items import plain
from parity.zoo.configs import crop_text, model_signature
from parity.zoo.places import row_config, zoo_rows
from tests.causes.made import run

pytestmark = pytest.mark.live
SWIN_S = "mask2former_swin-s_8xb2-160k_ade20k-512x512"


def of_row(name, *, changes=None, run_name="my-run", config_name=None):
    """A run of a zoo config under another name."""
    [row] = [row for row in zoo_rows("ADE20K") if row.name == name]
    values = dict(row_config(row).values)
    made = run(values=values, changes=changes, name=run_name)
    stated = Fact(config_name) if config_name else Fact()
    settings = replace(made.settings, config_name=stated)
    return replace(made, settings=settings)


def test_the_config_name_decides():
    found = choose(of_row(SWIN_S, config_name=SWIN_S))
    assert (found.row.name, found.row.miou) == (SWIN_S, 51.24)
    assert "is called" in found.reason
    assert found.config is not None


def test_gpus_and_batch_in_the_name_do_not_matter():
    found = choose(of_row(SWIN_S, config_name="mask2former_swin-s_1xb2-160k_ade20k-512x512"))
    assert found.row.name == SWIN_S
    assert "but for GPUs and batch" in found.reason


def test_a_renamed_config_is_found_by_its_content():
    found = choose(of_row(SWIN_S))
    assert found.row.name == SWIN_S
    assert "decode head, backbone and data set" in found.reason


def test_a_name_that_lies_about_the_model_is_not_believed():
    found = choose(of_row("mask2former_swin-t_8xb2-160k_ade20k-512x512", config_name=SWIN_S))
    assert found.row.name == "mask2former_swin-t_8xb2-160k_ade20k-512x512"


def test_every_zoo_config_finds_its_own_row_by_name_and_another_never_by_content():
    rows = [row for row in zoo_rows("ADE20K") if row.method in ("Mask2Former", "KNet", "Segformer")]
    assert {row.method for row in rows} == {"Mask2Former", "KNet", "Segformer"}
    misnamed = []
    for row in rows:
        assert choose(of_row(row.name, config_name=row.name)).row == row
        steps = dataset(terms_of(row_config(row)), "train").get("pipeline")
        if crop_text(plain(steps.get("RandomCrop", "crop_size"))) != row.crop:
            misnamed.append(row.name)
            continue
        found = choose(of_row(row.name)).row
        assert found in (None, row)
    # Its last lines set train_dataloader again, without the pipeline of 640x640 crops.
    assert misnamed == ["knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-640x640"]


def test_a_released_config_that_crops_otherwise_than_its_name_says_is_noted():
    name = "knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-640x640"
    notes = explain(of_row(name, config_name=name)).notes
    assert any("as released crops 512x512, not 640x640" in note for note in notes)


def test_near_rows_have_their_figures_and_the_misread_one_is_there():
    near = {row.name: row.miou for row in choose(of_row(SWIN_S, config_name=SWIN_S)).near}
    assert near["mask2former_swin-b-in1k-384x384-pre_8xb2-160k_ade20k-640x640"] == 52.44
    assert SWIN_S not in near


def test_no_row_is_a_reason_and_near_rows():
    changes = {("model", "backbone", "depths"): [1, 1, 1, 1]}
    found = choose(of_row(SWIN_S, changes=changes, config_name="mask2former_swin-mine_ade20k"))
    assert found.row is None
    assert "no row has" in found.reason
    assert found.near


def test_an_unknown_name_is_an_error_that_names_near_ones():
    with pytest.raises(InputError, match="did you mean mask2former"):
        choose(of_row(SWIN_S), "mask2former_swin-x_8xb2-160k_ade20k-512x512")


@pytest.mark.parametrize("given", [SWIN_S, f"{SWIN_S}.py", f"configs/mask2former/{SWIN_S}.py"])
def test_against_takes_a_name_or_a_path_of_a_config(given):
    found = choose(of_row("mask2former_swin-t_8xb2-160k_ade20k-512x512"), given)
    assert found.row.name == SWIN_S
    assert found.own.name != SWIN_S


def test_a_row_of_another_data_set_can_be_named():
    found = choose(of_row(SWIN_S), "mask2former_r50_8xb2-90k_cityscapes-512x1024")
    assert found.row.miou == 80.44


def test_without_mmseg_there_is_no_row_and_no_error(monkeypatch):
    def absent():
        raise ReferenceUnavailable("mmseg is not installed")

    made = of_row(SWIN_S)
    monkeypatch.setattr(zoo, "all_rows", absent)
    found = choose(made)
    assert found.row is None
    assert "zoo cannot be found" in found.reason
    with pytest.raises(ReferenceUnavailable):
        choose(made, SWIN_S)


def test_crop_text():
    expected = ["512x1024", "640x640", "", "", ""]
    assert [crop_text(c) for c in ((512, 1024), 640, None, "x", [1])] == expected


def test_signatures_survive_odd_configs():
    for odd in ({}, {"model": {"backbone": {"type": 3, "depths": {"a": [1]}}, "decode_head": 5}}):
        assert model_signature(run(values=odd).config)
