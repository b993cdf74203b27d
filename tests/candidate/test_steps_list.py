"""Every step in words: the list is complete, and each of its examples is a right candidate."""

from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.candidate.engine import Engine
from parity.check.cases import all_steps, data_cases, default_cases, list_root, probe_cases
from parity.cli import app
from parity.cli.steps import render_steps_markdown
from parity.compare.trace import run_trace
from parity.fixtures import inputs_root
from parity.probes.natural.describe import described
from tests.candidate.support import runner_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bring-your-own.md"


@cache
def traces():
    """A few cases of every step, with what our own steps make of them."""
    root = inputs_root()
    [small] = [info for info in list_root(root) if "37x53" in info.img_path]
    cases = [*default_cases([small], range(1)), *data_cases(root, range(2)), *probe_cases(range(3))]
    return [
        (case, run_trace([(one.name, one) for one in case.steps], case.start(), case.seed))
        for case in dict.fromkeys(case.name for case in cases)
        for case in [next(one for one in cases if one.name == case)]
    ]


def run(name, example):
    space = {}
    exec(example, space)  # the examples are ours
    check = Engine(runner_of({name: space[name]}))
    pairs = [pair for pair in traces() if any(check.part(step) for step in pair[0].steps)]
    found = []
    for (case, _), result in zip(pairs, check.run(pairs), strict=True):
        for step, one in zip(case.steps, result.comparison.steps, strict=True):
            if check.part(step):
                found.append((step.name, one.isolated))
    return found


@pytest.mark.parametrize("one", described(), ids=lambda one: one.name)
def test_example(one):
    assert len(one.example.splitlines()) == 3
    found = run(one.name, one.example)
    wrong = [
        (name, result.explain()) for name, result in found if str(result.verdict) == "different"
    ]
    assert not wrong
    assert any(str(result.verdict) == "equal" for _, result in found)


def test_every_step_is_listed():
    listed = {one.step for one in described()}
    assert listed == {step.module for step in all_steps()}
    functions = {step.function.__name__ for step in all_steps()}
    from parity.candidate.forms import functions_named

    assert functions == set().union(*(functions_named(one.name) for one in described())) | {
        "load_image_sample",
        "load_annotation_sample",
    }


def test_the_page_has_the_list():
    assert PAGE.read_text("utf-8").endswith(f"<!-- steps -->\n{render_steps_markdown()}")


def test_command():
    done = CliRunner().invoke(app, ["steps", "dice_loss"])
    assert done.exit_code == 0
    assert done.output.startswith("loss: dice_loss(pred, label, *, weight=None, use_sigmoid=True")
    assert "int64 (N, H, W), 255 ignored" in done.output
    every = CliRunner().invoke(app, ["steps"]).output
    assert every.count("\n    def ") + every.count("\n    class ") == len(described())


def test_unknown_step():
    done = CliRunner().invoke(app, ["steps", "dise_loss"])
    assert done.exit_code != 0
    assert "no step dise_loss" in str(done.exception)
