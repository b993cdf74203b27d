"""What a config builds, live: its transforms and preprocessor as mmengine's registries make them.

An entry is the config's own dict, read without executing the file it stands in.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from numpy.random import RandomState

from parity.sample import Batch, DataInfo, Sample
from reference.collate import batch_of
from reference.compat import load_reference
from reference.generator import global_stream
from reference.results import to_results, to_sample

Entry = Mapping[str, Any]


def transform(value: DataInfo | Sample, rng: RandomState, *, entry: Entry) -> Sample:
    """The transform that `entry` asks for, on an entry of a data set or on a sample."""
    load_reference()
    from mmseg.registry import TRANSFORMS

    built = TRANSFORMS.build(copy.deepcopy(dict(entry)))
    info = value if isinstance(value, DataInfo) else value.info
    results = value.as_dict() if isinstance(value, DataInfo) else to_results(value)
    with global_stream(rng):
        return to_sample(built(results), info)


def preprocess(sample: Sample, rng: RandomState, *, entry: Entry, training: bool) -> Batch:
    """``PackSegInputs`` and ``pseudo_collate``, then the preprocessor that `entry` asks for."""
    load_reference()
    from mmseg.registry import MODELS

    return batch_of([sample], MODELS.build(copy.deepcopy(dict(entry))), training=training)
