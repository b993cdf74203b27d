"""The run directories under fixtures/runs: what they show, from the shipped files alone."""

from __future__ import annotations

import ast
import json
import re
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from parity.fixtures import fixtures_root
from parity.steps.deform_attn import initial_sampling_bias
from parity.steps.schedule import lr_table, schedulers_from_config

ROOT = fixtures_root() / "runs"
DEAD = {"dead-kernel-checkpoint", "dead-kernel-both"}
CONSOLES = {"dead-kernel-both", "dead-kernel-console", "healthy-fcn", "keys-unmatched-console"}
RUNS = {
    *DEAD,
    *CONSOLES,
    "healthy",
    "effective-batch",
    "truncated-run",
    "keys-unmatched-log",
    "reduce-zero",
    "syncbn-reverted",
    "resume",
}
LAYERS = tuple(f"decode_head.pixel_decoder.encoder.layers.{layer}.self_attn." for layer in (0, 1))
ALWAYS_ZERO = (
    "sampling_offsets.weight",
    "attention_weights.weight",
    "attention_weights.bias",
    "value_proj.bias",
)
# The places that the training was run from, that Python was moved to, and that torch was built in.
NEUTRAL = ("/tmp/ade_tiny", "/venv/", "/usr/", "/opt/rh/gcc-toolset-", "/__w/pytorch/")


def parts(name):
    return sorted(path for path in (ROOT / name).iterdir() if path.is_dir())


def log_text(part):
    return (part / f"{part.name}.log").read_text("utf-8")


def scalars(part):
    return [json.loads(line) for line in (part / "vis_data/scalars.json").open(encoding="utf-8")]


def texts(name):
    files = (path for path in (ROOT / name).rglob("*") if path.is_file() and path.suffix != ".pth")
    return {path: path.read_text("utf-8") for path in files}


def literal(node):
    """The value of an expression made of literals and ``dict(...)``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict" and not node.args:
        return {keyword.arg: literal(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.List | ast.Tuple):
        return [literal(item) for item in node.elts]
    return ast.literal_eval(node)


@cache
def config(part):
    body = ast.parse((part / "vis_data/config.py").read_text("utf-8")).body
    return {line.targets[0].id: literal(line.value) for line in body}


@cache
def checkpoint(name, file):
    return torch.load(ROOT / name / file, map_location="cpu", weights_only=True)


@cache
def initial():
    return load_file(ROOT / "initial.safetensors")


@cache
def rates(name):
    """The learning rate of every iteration, before parameter groups."""
    cfg = config(parts(name)[0])
    optimizer, plan = cfg["optim_wrapper"]["optimizer"], cfg["param_scheduler"]
    table = lr_table(
        [optimizer["lr"]], schedulers_from_config(plan), max_iters=cfg["train_cfg"]["max_iters"]
    )
    return table[:, 0], optimizer["weight_decay"]


def decayed(tensor, name):
    """`tensor` after a run in which no gradient ever reached it: AdamW's decay alone, float32."""
    lrs, weight_decay = rates(name)
    tensor = tensor.clone()
    for lr in lrs:
        tensor.mul_(1 - lr * weight_decay)
    return tensor


def fingerprint(state, layer, name):
    """What of one layer is as if no gradient had passed the op, bit by bit."""
    found = {key: not state[layer + key].any() for key in ALWAYS_ZERO}
    grid = initial_sampling_bias(num_heads=8, num_levels=3, num_points=4)
    found["sampling_offsets.bias"] = torch.equal(
        state[layer + "sampling_offsets.bias"], decayed(grid, name)
    )
    for key in ("value_proj.weight", "output_proj.weight"):
        start = initial()[f"{name}/{layer}{key}"]
        found[key] = torch.equal(state[layer + key], decayed(start, name))
    return found


class TestFiles:
    def test_runs(self):
        assert {path.name for path in ROOT.iterdir() if path.is_dir()} == RUNS

    @pytest.mark.parametrize("name", sorted(RUNS))
    def test_laid_out_as_mmengine_leaves_them(self, name):
        assert len(parts(name)) == (2 if name == "resume" else 1)
        for part in parts(name):
            left = {path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file()}
            vis_data = ("config.py", "scalars.json", f"{part.name}.json")
            assert left == {f"{part.name}.log", *(f"vis_data/{file}" for file in vis_data)}
            assert re.fullmatch(r"\d{8}_\d{6}", part.name)
        [dump] = (ROOT / name).glob("*.py")
        assert dump.read_bytes() == (parts(name)[-1] / "vis_data/config.py").read_bytes()
        assert (ROOT / name / "console.out").exists() == (name in CONSOLES)
        pointer = ROOT / name / "last_checkpoint"
        assert pointer.exists() == (name != "dead-kernel-console")
        if pointer.exists():
            assert (ROOT / name / pointer.read_text().rpartition("/")[2]).is_file()
            assert len(list((ROOT / name).glob("best_mIoU_iter_*.pth"))) == 1

    @pytest.mark.parametrize(
        "path", sorted(ROOT.rglob("*.pth")), ids=lambda path: f"{path.parent.name}-{path.stem}"
    )
    def test_checkpoints_load_without_running_code(self, path):
        loaded = checkpoint(path.parent.name, path.name)
        assert loaded["meta"]["mmengine_version"] == "0.10.7"
        for key, tensor in loaded["state_dict"].items():
            counts = key.endswith("num_batches_tracked")
            assert tensor.dtype == (torch.int64 if counts else torch.float32)
        assert ("optimizer" in loaded) == path.name.startswith("iter")

    def test_small(self):
        sizes = {
            name: sum(path.stat().st_size for path in (ROOT / name).rglob("*") if path.is_file())
            for name in RUNS
        }
        assert max(sizes.values()) < 650_000
        assert sum(sizes.values()) < 3_000_000


class TestNothingOfTheMachine:
    @staticmethod
    def foreign_paths(text):
        found = re.findall(r"(?<![\w./:<>-])/(?:[\w.+-]+/)+[\w.+-]*", text)
        return [path for path in found if not path.startswith(NEUTRAL)]

    @pytest.mark.parametrize("name", sorted(RUNS))
    def test_no_path(self, name):
        for path, text in texts(name).items():
            assert self.foreign_paths(text) == [], path
        for path in (ROOT / name).glob("*.pth"):
            assert self.foreign_paths(checkpoint(name, path.name)["meta"]["cfg"]) == [], path

    @pytest.mark.parametrize("path", ["/home/someone/x.py", "/root/.cache/x", "/data/ade/y.jpg"])
    def test_a_path_would_be_found(self, path):
        assert self.foreign_paths(f"load model from: {path}\n") == [path]


class TestEachRunShowsItsCauseAlone:
    @pytest.mark.parametrize(
        ("pattern", "files", "expected"),
        [
            (
                r"error in ms_deformable_(im2col|col2im)_cuda: no kernel image",
                "*.out",
                {"dead-kernel-console", "dead-kernel-both"},
            ),
            # mmengine logs what a backbone's weights do not match, and only prints it of load_from.
            ("state dict do not match exactly", "*.log", {"keys-unmatched-log"}),
            ("state dict do not match exactly", "*.out", {"keys-unmatched-console"}),
            ("reduce_zero_label=False", "*.py", {"reduce-zero"}),
            ("type='SyncBN'", "*.py", {"syncbn-reverted"}),
            # Logged by every run that is not distributed, whether it has such layers or not.
            (r"all SyncBatchNorm \(SyncBN\) layers", "*.log", RUNS),
            (r"load model from: pretrain/|Load checkpoint from pretrain/", "*.log", RUNS),
        ],
    )
    def test_text(self, pattern, files, expected):
        shown = {
            name
            for name in RUNS
            for path, text in texts(name).items()
            if path.match(files) and re.search(pattern, text)
        }
        assert shown == expected

    def test_console_holds_the_log_too(self):
        for name in CONSOLES:
            console = (ROOT / name / "console.out").read_text("utf-8")
            [part] = parts(name)
            last = scalars(part)[-1]
            assert "mmengine - INFO - Iter(train) [" in console
            assert f"mIoU: {last['mIoU']:.4f}" in console

    def test_ops_lines_are_as_many_as_launches(self):
        # Two layers: forward and backward in 400 iterations, forward for 2 x 32 images.
        console = (ROOT / "dead-kernel-console/console.out").read_text("utf-8")
        assert console.count("error in ms_deformable_im2col_cuda: ") == 2 * (400 + 64)
        assert console.count("error in ms_deformable_col2im_cuda: ") == 2 * 400

    def test_one_console_has_log_lines_within_the_ops(self):
        torn = {
            name
            for name in CONSOLES
            if re.search(
                r"^[a-z_ 2:]+\d\d/\d\d \d\d:\d\d:\d\d - mmengine",
                (ROOT / name / "console.out").read_text("utf-8"),
                re.MULTILINE,
            )
        }
        assert torn == {"dead-kernel-both"}

    def test_only_one_log_ends_within_a_line(self):
        cut = {part.parent.name for name in RUNS for part in parts(name) if self.is_cut(part)}
        assert cut == {"truncated-run"}

    @staticmethod
    def is_cut(part):
        return not log_text(part).endswith("\n")

    def test_only_one_run_is_not_finished(self):
        unfinished = {
            name
            for name in RUNS
            if scalars(parts(name)[-1])[-1]["step"]
            < config(parts(name)[-1])["train_cfg"]["max_iters"]
        }
        assert unfinished == {"truncated-run"}

    def test_only_one_batch_is_not_its_names(self):
        other = set()
        for name in RUNS:
            [dump] = (ROOT / name).glob("*.py")
            gpus, per_gpu = map(int, re.search(r"_(\d+)xb(\d+)-", dump.name).groups())
            ran = int(re.search(r"GPU number: (\d+)", log_text(parts(name)[0])).group(1))
            batch = config(parts(name)[0])["train_dataloader"]["batch_size"]
            if gpus * per_gpu != ran * batch:
                other.add(name)
        assert other == {"effective-batch"}

    def test_learning_rate_jumps_where_the_run_started_again(self):
        first, second = (
            [row["lr"] for row in scalars(part) if "lr" in row] for part in parts("resume")
        )
        assert second[0] > 2 * first[-1]
        assert sorted(first, reverse=True) == first
        assert sorted(second, reverse=True) == second
        assert config(parts("resume")[1])["resume"] is False


class TestFingerprint:
    @pytest.mark.parametrize("name", sorted({"healthy", *DEAD}))
    def test_rates_are_those_logged(self, name):
        lrs, weight_decay = rates(name)
        rows = [row for row in scalars(parts(name)[0]) if "base_lr" in row]
        assert {row["step"] for row in rows} >= set(range(20, 401, 20))
        for row in rows:
            assert row["base_lr"] == pytest.approx(lrs[row["step"] - 1], rel=1e-9, abs=1e-15)
        assert weight_decay == 0.05

    @pytest.mark.parametrize("name", sorted({"healthy", *DEAD}))
    def test_no_multiplier_applies_to_self_attn(self, name):
        log = log_text(parts(name)[0])
        options = re.findall(r"paramwise_options -- (\S+?):(\w+)=(\S+)", log)
        assert ("decode_head.query_embed.weight", "decay_mult", "0.0") in options
        norm = "decode_head.pixel_decoder.encoder.layers.0.norms.0.weight"
        assert (norm, "weight_decay", "0.0") in options
        assert [option for option in options if ".self_attn." in option[0]] == []

    @pytest.mark.parametrize("layer", LAYERS)
    @pytest.mark.parametrize("name", sorted(DEAD))
    def test_dead(self, name, layer):
        state = checkpoint(name, "iter_400.pth")["state_dict"]
        assert all(fingerprint(state, layer, name).values())
        assert state[layer + "output_proj.bias"].abs().max() > 1e-3

    @pytest.mark.parametrize("layer", LAYERS)
    def test_healthy(self, layer):
        state = checkpoint("healthy", "iter_400.pth")["state_dict"]
        assert not any(fingerprint(state, layer, "healthy").values())
        for key in ALWAYS_ZERO:
            assert state[layer + key].abs().max() > 1e-3, key

    @pytest.mark.parametrize("key", [*ALWAYS_ZERO, "sampling_offsets.bias", "value_proj.weight"])
    def test_one_gradient_would_show(self, key):
        state = dict(checkpoint("dead-kernel-both", "iter_400.pth")["state_dict"])
        moved = state[LAYERS[1] + key].clone()
        one = moved.view(-1)[:1]
        one.copy_(torch.nextafter(one, torch.ones(1)))
        state[LAYERS[1] + key] = moved
        found = fingerprint(state, LAYERS[1], "dead-kernel-both")
        assert [name for name, same in found.items() if not same] == [key]

    @pytest.mark.parametrize("name", sorted({"healthy", *DEAD}))
    def test_factor(self, name):
        # As seen without the order of float32 roundings. A healthy bias has nearly the same best
        # factor, being large beside what training adds: what is left over tells, not the factor.
        lrs, weight_decay = rates(name)
        product = float(np.prod(1 - lrs * weight_decay))
        assert product == pytest.approx(0.99475, abs=5e-6)
        grid = initial_sampling_bias(num_heads=8, num_levels=3, num_points=4).double()
        bias = checkpoint(name, "iter_400.pth")["state_dict"][LAYERS[0] + "sampling_offsets.bias"]
        factor = float(bias.double() @ grid / (grid @ grid))
        left_over = float((bias - factor * grid).abs().max())
        assert factor == pytest.approx(product, rel=1e-3 if name == "healthy" else 5e-6)
        assert left_over > 1e-2 if name == "healthy" else left_over < 5e-6

    def test_pair_started_alike(self):
        for layer in LAYERS:
            for key in ("value_proj.weight", "output_proj.weight"):
                healthy, dead = (
                    initial()[f"{name}/{layer}{key}"]
                    for name in ("healthy", "dead-kernel-checkpoint")
                )
                assert torch.equal(healthy, dead)


class TestMeasured:
    ROWS = json.loads((ROOT / "measured.json").read_text("utf-8"))["dead_vs_healthy"]

    def test_pairs(self):
        by_op = {
            op: {(row["seed"], row["iterations"]) for row in self.ROWS if row["op"] == op}
            for op in ("healthy", "dead")
        }
        assert by_op["healthy"] == by_op["dead"] == {(0, 400), (1, 400), (2, 400)}

    def test_figures_are_those_of_the_shipped_runs(self):
        shipped = [row for row in self.ROWS if row["run"] in RUNS]
        assert len(shipped) == 4
        for row in shipped:
            [part] = parts(row["run"])
            rows = scalars(part)
            assert rows[-1]["mIoU"] == pytest.approx(row["mIoU"], abs=0.006)
            assert [item["loss"] for item in rows if "loss" in item][-1] == pytest.approx(
                row["loss"], abs=6e-4
            )

    def test_readme_quotes_them(self):
        readme = (ROOT / "README.md").read_text("utf-8")
        for seed in (0, 1, 2):
            healthy, dead = (
                next(row for row in self.ROWS if (row["op"], row["seed"]) == (op, seed))
                for op in ("healthy", "dead")
            )
            cells = (seed, *(f"{row['mIoU']:.2f}" for row in (healthy, dead)))
            losses = (f"{row['loss']:.3f}" for row in (healthy, dead))
            assert f"| {' | '.join(map(str, (*cells, *losses)))} |" in readme
