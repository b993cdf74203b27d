"""The steps that configs add to the usual pipelines: `warp`, `tone`, `maps` and `mosaic`."""

import pytest

from parity.checks.support import assert_equal
from parity.probes.augment import PROBES


@pytest.mark.live
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
def test_augment(probe):
    for seed in range(3):
        assert_equal(probe.step, probe.make(seed), seed)
