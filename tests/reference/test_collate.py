"""What mmengine leaves to chance, and a report must not show."""

import pytest

from parity.live import reference_module


class Packed(dict):
    """As a data sample without maps."""


@pytest.mark.live
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_metadata_has_one_order_whatever_that_of_the_set(names):
    sample = Packed()
    sample.metainfo = dict.fromkeys(names)
    output = {"inputs": None, "data_samples": [sample]}
    batch = reference_module("collate").to_batch(output, training=False)
    assert [list(meta) for meta in batch.metas] == [["a", "b"]]
