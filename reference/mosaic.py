"""``RandomMosaic`` (mmseg) inside ``MultiImageMixDataset``, live."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from parity.steps.mosaic import Pool
from reference.compat import load_reference
from reference.generator import global_stream
from reference.results import to_results, to_sample


def mosaic_sample(sample: Sample, rng: RandomState, *, pool: Pool, **options: Any) -> Sample:
    """As in ``parity.steps.mosaic``, of a `pool` whose samples draw nothing."""

    def fetch(index: int) -> dict[str, Any]:
        return to_results(pool.fetch(index, rng))

    entry = {"type": "RandomMosaic", **options}
    return mixed(sample, rng, count=len(pool), fetch=fetch, entry=entry)


def mixed(
    sample: Sample,
    rng: RandomState,
    *,
    count: int,
    fetch: Callable[[int], dict[str, Any]],
    entry: Mapping[str, Any],
) -> Sample:
    """One transform of ``MultiImageMixDataset``: `sample` with others that `fetch` gives.

    fetch: of an index below `count`, mmseg's dict of a sample, drawn from the global stream.
    """
    load_reference()
    from mmengine.dataset import ConcatDataset
    from mmseg.datasets import MultiImageMixDataset

    class Fetching(ConcatDataset):  # type: ignore[misc]  # mmengine has no types
        """What the data set insists on; None is the sample at hand."""

        metainfo = property(lambda self: {})

        def __init__(self) -> None:
            """Without data sets to join."""

        def full_init(self) -> None:
            """All is there."""

        def __len__(self) -> int:
            return count

        def __getitem__(self, index: int | None) -> dict[str, Any]:
            return to_results(sample) if index is None else fetch(index)

    with global_stream(rng):
        results = MultiImageMixDataset(Fetching(), [copy.deepcopy(dict(entry))])[None]
    return to_sample(results, sample.info)
