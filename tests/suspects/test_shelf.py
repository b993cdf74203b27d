"""Large tensors of failures live in files, and are the same tensors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from parity.suspects.shelf import LARGE, let_go, shelve

STATUS = Path("/proc/self/status")


def test_values_shapes_and_objects_stay():
    large = torch.arange(LARGE // 4, dtype=torch.float32).reshape(2, -1)
    small, turned = torch.ones(3), torch.zeros(LARGE // 4, 2).t()
    before, places = large.clone(), (small.data_ptr(), turned.data_ptr())
    shelve({"logits": large, "rest": [small, turned]}, None)
    let_go()
    assert torch.equal(large, before)
    assert (small.data_ptr(), turned.data_ptr()) == places


def test_what_is_written_never_gets_into_the_file():
    tensor = torch.zeros(LARGE // 4)
    shelve(tensor)
    tensor += 1
    let_go()
    assert tensor.sum() == 0


@pytest.mark.skipif(not STATUS.exists(), reason="Linux says how much memory is taken")
def test_memory_is_freed():
    tensor = torch.ones(2**24)
    before = resident()
    shelve(tensor)
    assert before - resident() > tensor.nbytes / 2
    tensor.sum()
    assert before - resident() < tensor.nbytes / 2
    let_go()
    assert before - resident() > tensor.nbytes / 2


def resident():
    [found] = re.findall(r"VmRSS:\s+(\d+) kB", STATUS.read_text())
    return int(found) * 1024
