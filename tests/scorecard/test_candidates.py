"""Every known mistake as a candidate is found by the default check of its step."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mistakes.candidates import Planted, plain_name, plant, plant_all, records_of
from mistakes.candidates_page import render_planted
from mistakes.cost import spoiled
from scorecard import app
from typer.testing import CliRunner

from parity.compare.tree import compare_tree
from parity.steps import collate as collates
from parity.steps import crop as crops
from parity.steps import load as loads
from parity.steps import resize as resizes
from parity.suspects.catalogue import all_suspects
from parity.suspects.suspect import Suspect

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scorecard.md"


@pytest.mark.parametrize("step", ["load", "resize", "crop", "flip", "photometric", "collate"])
def test_every_suspect_is_found(step):
    rows = list(plant_all(frozenset({step}), live=False))
    assert rows
    assert [row.id for row in rows if not row.is_detected] == []


def test_names_are_those_of_steps():
    names = {name: plain_name(name) for one in all_suspects() for _, name in one.functions}
    assert names["collate"] == "collate"
    assert names["cross_entropy"] == "cross_entropy"
    assert names["random_resize_sample"] == names["resize_sample"] == "resize"


@pytest.mark.parametrize("step", ["crop", "collate", "iou"])
def test_no_mistake_is_not_found(step):
    records = list(records_of(step, live=False))
    owns = {one.function.__name__: one.function for _, one, _ in records}
    held = {place for one in all_suspects() for place in one.functions}
    for name, function in owns.items():
        if (step, name) in held:
            clean = Suspect("clean", "Nothing is wrong.", {(step, name): function})
            assert not plant(clean, (step, name), records).is_detected


def not_counting_ignored(sample, rng, *, crop_size, cat_max_ratio=1.0):
    """Ignored pixels count as a class of their own."""
    return crops.crop_sample(
        sample, rng, crop_size=crop_size, cat_max_ratio=cat_max_ratio, ignore_index=-1
    )


def labels_of_16_bit(info, rng):
    """Label 200 is taken for ignored."""
    found = loads.load_sample(info, rng)
    return found.replace(seg=np.where(found.seg == 199, 255, found.seg).astype(np.uint8))


def one_pixel_more(sample, rng, **options):
    """The size is rounded up."""
    found = resizes.random_resize_sample(sample, rng, **options)
    odd = found.image.shape[0] % 2
    return found.replace(image=np.pad(found.image, ((0, odd), (0, 0), (0, 0)), mode="edge"))


def labels_shifted(samples, rng=None, **options):
    """Label maps of a batch are stacked in the reverse order."""
    found = collates.collate(samples, **options)
    if found.segs is None or isinstance(found.segs, tuple):
        return found
    return type(found)(found.images, found.segs.flip(0), found.metas)


# None of these is a suspect.
HELD_OUT = [
    ("crop", "crop_sample", not_counting_ignored),
    ("load", "load_sample", labels_of_16_bit),
    ("resize", "random_resize_sample", one_pixel_more),
    ("collate", "collate", labels_shifted),
]


@pytest.mark.parametrize(("step", "replaces", "function"), HELD_OUT)
def test_mistakes_outside_the_catalogue_are_found(step, replaces, function):
    mistake = Suspect("held-out", function.__doc__, {(step, replaces): function})
    assert plant(mistake, (step, replaces), list(records_of(step, live=False))).is_detected


def test_command(tmp_path):
    path, page = tmp_path / "rows.json", tmp_path / "rows.md"
    arguments = ["flip", "--as-candidates", "--own", "--json", str(path)]
    done = CliRunner().invoke(app, [*arguments, "--markdown", str(page)])
    assert done.exit_code == 0, done.output
    assert "21 of 21" in done.output
    rows = json.loads(path.read_text())["rows"]
    assert len(rows) == 21
    assert all(row["case"] for row in rows)
    assert "| all | 21 | 21 | 21 | 0 |" in page.read_text()


def test_what_is_not_found_is_in_a_table():
    text = render_planted([Planted("flip", "one", "flip_sample", "flip")], "own clean steps")
    assert "| one | flip | flip_sample |" in text


def test_page_in_the_docs_finds_all():
    text = PAGE.read_text("utf-8").partition("## As candidates")[2]
    [total] = re.findall(r"^\| all \| (\d+) \| \d+ \| (\d+) \| 0 \|$", text, re.MULTILINE)
    assert total == (str(len(all_suspects())),) * 2


def test_cost_of_a_diagnosis(tmp_path):
    page = tmp_path / "page.md"
    done = CliRunner().invoke(
        app, ["flip", "--cost", "--own", "--jobs", "1", "--markdown", str(page)]
    )
    assert done.exit_code == 0, done.output
    assert re.search(r"^\| flip \| flip \| 8 \| [\d.]+ \|", page.read_text(), re.MULTILINE)


def test_what_is_spoiled_is_all_wrong():
    before = {"a": np.zeros((2, 3), np.float32), "b": [torch.ones(2, dtype=torch.int64)], "c": "x"}
    after = spoiled(before)
    leaves = compare_tree(after, before)
    assert [leaf.differing for leaf in leaves.values()] == [6, 2, 0]
    assert {leaf.reason for leaf in leaves.values()} == {"values", ""}
