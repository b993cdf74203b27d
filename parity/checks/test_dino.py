from importlib.util import find_spec

import pytest
import torch

from parity.checks.support import assert_equal
from parity.probes.dino import PROBES, make_backbone
from parity.probes.natural import step_of
from parity.steps.dino import dinov2

INSTALLED = find_spec("transformers") is not None
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not INSTALLED, reason="transformers, an extra, is not installed"),
]


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
def test_probes(probe, seed):
    assert_equal(probe.step, probe.make(seed), seed)


def test_half_precision():
    value = make_backbone(2)
    halves = {name: one.bfloat16() for name, one in value["weights"].items()}
    upstream = tuple(one.bfloat16() for one in value["grad_output"])
    images = value["images"].bfloat16()
    changed = {"images": images, "weights": halves, "grad_output": upstream}
    assert_equal(step_of("dino", dinov2), {**value, **changed})


@pytest.mark.parametrize("size", [(518, 518), (224, 644)])
def test_the_real_table(size):
    """37 x 37 positions, at their own size and at another."""
    value = make_backbone(0)
    torch.manual_seed(0)
    rows, columns = (edge // 14 for edge in size)
    width = value["weights"]["pos_embed"].shape[2]
    weights = {
        **value["weights"],
        "pos_embed": torch.randn(1, 1 + 37 * 37, width),
        "patch_embed.proj.weight": torch.randn(width, 3, 14, 14) * 0.02,
    }
    upstream = (torch.randn(1, width, rows, columns),)
    images = torch.randn(1, 3, *size)
    value = {**value, "weights": weights, "images": images, "grad_output": upstream}
    assert_equal(step_of("dino", dinov2), value)
