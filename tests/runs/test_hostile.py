"""Run directories made to do harm: nothing is executed, followed or waited for; all is listed."""

import copy
import os
import zipfile

import pytest
import torch

from parity.errors import RunFormatError
from parity.runs import read_run
from parity.runs.config import parse_config, read_config
from parity.runs.facts import Config, Fact, Source, Unknown
from parity.runs.segments import combine
from parity.runs.settings import SettingSources, settings_of
from parity.runs.tree import list_tree, open_regular, read_bounded
from parity.zoo.configs import full_signature
from tests.runs.builders import (
    CONFIG,
    STAMP,
    listed,
    train_line,
    write,
    write_run,
)


def unread(run):
    return {item.file: item.reason for item in run.unread}


def test_a_config_that_would_run_a_command_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evil = "import os\nos.system('touch touched')\n" + CONFIG
    root = write_run(tmp_path / "run", config=evil)
    run = read_run(root)
    assert listed(tmp_path) == ["run"]
    dumped = f"{STAMP}/vis_data/config.py"
    assert "needs execution" in unread(run)[dumped]
    assert f"{dumped}:2:" in unread(run)[dumped]
    assert run.config is None
    # The same config does run its command when it is executed: the test tests something.
    exec(compile(evil, "evil", "exec"), {})
    assert listed(tmp_path) == ["run", "touched"]


def test_a_malicious_checkpoint_is_named_and_its_weights_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Runs:
        def __reduce__(self):
            return os.system, ("touch touched",)

    root = write_run(tmp_path / "run")
    torch.save({"state_dict": {"a": torch.ones(2)}, "optimizer": Runs()}, root / "iter_200.pth")
    run = read_run(root)
    assert listed(tmp_path) == ["run"]
    assert "asks to run" in unread(run)["iter_200.pth"]
    assert "system" in unread(run)["iter_200.pth"]
    assert list(run.checkpoints[0].content.tensors) == ["a"]


def test_a_zip_bomb_is_listed(tmp_path):
    root = write_run(tmp_path)
    with zipfile.ZipFile(root / "iter_200.pth", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a/data.pkl", b"\0" * (1 << 26))
    assert "compressed" in unread(read_run(root))["iter_200.pth"]


def test_links_out_of_the_run_are_not_followed(tmp_path):
    secret = write(tmp_path / "secret.out", "error in x_im2col: the secret\n")
    write(tmp_path / "secrets/more.out", "error in x_im2col: the secret\n")
    root = write_run(tmp_path / "run")
    (root / "nohup.out").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path / "secrets")
    (root / "loop").symlink_to(root)
    (root / "nowhere.out").symlink_to(root / "missing")
    (root / "relative.out").symlink_to("../secret.out")
    run = read_run(root)
    assert run.console == ()
    assert "secret" not in " ".join(unread(run).values())
    assert {"nohup.out", "folder", "loop", "nowhere.out", "relative.out"} <= unread(run).keys()
    assert "out of the run" in unread(run)["nohup.out"]


def test_a_link_inside_the_run_is_read(tmp_path):
    root = write_run(tmp_path)
    torch.save({"a": torch.ones(2)}, root / "iter_200.pth")
    (root / "latest.pth").symlink_to("iter_200.pth")
    run = read_run(root)
    assert run.unread == ()
    expected = [("iter_200.pth", "iter"), ("latest.pth", "last")]
    assert [(item.file, item.kind) for item in run.checkpoints] == expected


def test_pipes_are_not_waited_for(tmp_path):
    root = write_run(tmp_path)
    os.mkfifo(root / "nohup.out")
    assert "not opened" in unread(read_run(root))["nohup.out"]
    with pytest.raises(RunFormatError, match="not a regular file"):
        open_regular(root / "nohup.out")


@pytest.mark.parametrize("name", ["a\nb.out", "a\x1b[31m.out", "\u202eout.out", "a\udcff.out"])
def test_names_that_could_forge_a_report_are_escaped_and_not_read(tmp_path, name):
    root = write_run(tmp_path)
    try:
        write(root / name, "error in x_im2col: bad\n")
    except (OSError, UnicodeError):
        pytest.skip("this file system refuses the name")
    run = read_run(root)
    (item,) = run.unread
    assert item.file.isprintable()
    assert "control character" in item.reason
    assert run.console == ()


def test_a_path_with_newlines_to_a_good_run_is_read(tmp_path):
    run = read_run(write_run(tmp_path / "a\nb"))
    assert run.unread == ()
    assert run.last.value == 44.0


def test_a_pointer_to_elsewhere_names_only_files_of_the_run(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "iter_900.pth")
    root = write_run(tmp_path / "run")
    write(root / "last_checkpoint", "../iter_900.pth")
    run = read_run(root)
    assert run.checkpoints == ()
    assert "not in the run" in unread(run)["last_checkpoint"]


def test_empty_and_truncated_files_are_listed_and_the_rest_is_read(tmp_path):
    root = write_run(tmp_path)
    write(root / STAMP / f"{STAMP}.log", "")
    records = (root / STAMP / "vis_data/scalars.json").read_bytes()
    write(root / STAMP / "vis_data/scalars.json", records[:-20])
    write(root / STAMP / "vis_data" / f"{STAMP}.json", records[:-20])
    write(root / STAMP / "vis_data/config.py", "")
    write(root / "iter_200.pth", "")
    run = read_run(root)
    assert unread(run)[f"{STAMP}/{STAMP}.log"].endswith("empty")
    assert "JSON" in unread(run)[f"{STAMP}/vis_data/scalars.json"]
    assert "defines nothing" in unread(run)[f"{STAMP}/vis_data/config.py"]
    assert "not a checkpoint" in unread(run)["iter_200.pth"]
    assert run.settings.method.value == "Mask2Former"
    assert len(run.curves["loss"]) == 4


@pytest.mark.parametrize("junk", [b"\0" * 5000, b"\xff\xfe" * 999, os.urandom(9999), b"\n" * 9999])
def test_files_of_junk_are_listed_and_the_rest_is_read(tmp_path, junk):
    root = write_run(tmp_path)
    names = [f"{STAMP}/vis_data/scalars.json", f"{STAMP}/vis_data/config.py", "iter_200.pth"]
    names += ["events.out.tfevents.1", "last_checkpoint"]
    for name in names:
        write(root / name, junk)
    run = read_run(root)
    assert run.last.value == 44.0
    assert run.settings.method.value == "Mask2Former"
    assert {"iter_200.pth", "events.out.tfevents.1"} <= unread(run).keys()


def test_a_file_without_permission_is_listed(tmp_path):
    root = write_run(tmp_path)
    write(root / "nohup.out", train_line(50)).chmod(0)
    if os.access(root / "nohup.out", os.R_OK):
        pytest.skip("this user may read everything")
    assert "cannot be read" in unread(read_run(root))["nohup.out"]


def test_a_config_of_odd_types_costs_facts_not_the_run(tmp_path):
    odd = "model = 5\ntrain_dataloader = [1]\noptim_wrapper = 'x'\nval_dataloader = dict(dataset=3)"
    odd += "\ntrain_cfg = dict(max_iters='many')\nparam_scheduler = 7\ngpu_ids = 4\nload_from = 9\n"
    run = read_run(write_run(tmp_path, config=odd))
    assert run.settings.method.value is None
    assert run.settings.max_iters.value == 160000
    nested = "model = dict(backbone=dict(type='SwinTransformer', depths=[[1]], embed_dims={}), "
    nested += "decode_head=[], test_cfg=[])\ntrain_dataloader = dict(dataset=dict(type=5, "
    nested += "pipeline=3))\nval_dataloader = dict(dataset=dict(pipeline=dict(a=1)))"
    assert read_run(write_run(tmp_path, config=nested)).settings.method.value is None


def test_a_config_full_of_shared_references_does_not_explode(tmp_path):
    bomb = "\n".join(["a = [0]", *["a = [a] * 10"] * 20])
    run = read_run(write_run(tmp_path, config=bomb))
    assert "unfolds to more than" in unread(run)[f"{STAMP}/vis_data/config.py"]


def test_deep_and_wide_trees_are_cut(tmp_path, monkeypatch):
    deep = tmp_path
    for _ in range(12):
        deep = deep / "d"
    write(deep / "x.out", "x")
    assert "deeper than" in list_tree(tmp_path).unread[0].reason
    monkeypatch.setattr("parity.runs.tree.MAX_FILES", 3)
    for index in range(9):
        write(tmp_path / f"{index}.txt", "x")
    assert any("more than 3 files" in item.reason for item in list_tree(tmp_path).unread)


def test_a_config_of_gigabytes_is_refused_by_its_size(tmp_path):
    path = write(tmp_path / "cfg.py", "a = 1\n" * (1 << 18))
    with pytest.raises(RunFormatError, match="larger than"):
        read_config(path)
    with pytest.raises(RunFormatError, match="larger than 5 bytes"):
        read_bounded(path, 5)


# What else than a config settings are derived from.
NOTHING = (Fact(), Fact(), {}, (), {}, (), (), combine("", [], (), None), {})
ANY = [None, 5, -1.5, "x", [], [[]], [1, None], {}, {"type": 3}, {"type": []}, [{"a": {}}], True]
PLACES = [
    "model",
    "model.backbone",
    "model.backbone.type",
    "model.backbone.depths",
    "model.backbone.embed_dims",
    "model.decode_head",
    "model.decode_head.norm_cfg",
    "model.test_cfg",
    "model.test_cfg.mode",
    "optim_wrapper",
    "optim_wrapper.type",
    "optim_wrapper.optimizer",
    "optim_wrapper.paramwise_cfg",
    "optim_wrapper.clip_grad",
    "param_scheduler",
    "train_cfg",
    "train_cfg.max_iters",
    "train_dataloader",
    "train_dataloader.batch_size",
    "train_dataloader.dataset",
    "train_dataloader.dataset.type",
    "train_dataloader.dataset.pipeline",
    "train_dataloader.dataset.data_prefix",
    "val_dataloader.dataset.pipeline",
    "val_evaluator",
    "val_evaluator.ignore_index",
    "gpu_ids",
    "load_from",
    "fp16",
]


@pytest.mark.parametrize("place", PLACES)
def test_any_setting_may_be_of_any_type(place):
    *path, last = place.split(".")
    for value in [*ANY, Unknown("f()", Source("c.py", 1), "the call of `f`")]:
        values = copy.deepcopy(dict(parse_config(CONFIG, file="c.py").values))
        box = values
        for key in path:
            box = box[key]
        box[last] = value
        config = Config(values, "c.py")
        found = settings_of(SettingSources(config, *NOTHING))
        assert found.seed.value == 7
        full_signature(config)


def test_what_a_setting_depends_on_is_not_known_is_no_default():
    values = dict(parse_config(f"{CONFIG}\noptim_wrapper = f()", file="c.py").values)
    found = settings_of(SettingSources(Config(values, "c.py"), *NOTHING))
    for fact in (found.precision, found.optimizer, found.accumulation, found.clip_grad):
        assert fact.value is None
        assert "`f`" in fact.note


def test_a_run_of_thousands_of_different_configs_reads_some(tmp_path):
    root = write_run(tmp_path)
    for index in range(200):
        write(root / f"c{index}.py", f"a = {index}")
    assert any("different configs" in item.reason for item in read_run(root).unread)


def test_a_config_with_a_tensor_in_it_counts_but_for_that(tmp_path):
    config = CONFIG.replace("num_classes=150,", "num_classes=150, w=tensor([1.0], device='cuda'),")
    run = read_run(write_run(tmp_path, config=config))
    assert run.unread == ()
    assert run.settings.method.value == "Mask2Former"
    assert any("tensor([1.0], device='cuda')" in note for note in run.notes)
