"""Names of data sets, which configs, metafiles and READMEs each spell in their own way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from parity.errors import InputError

# What a config's name says -> what a metafile says, where more than the spelling differs.
# "mapillay" is how mmsegmentation 1.2.2 spells it in the name of its config.
_ALIASES = {
    "voc12aug": "pascalvoc2012aug",
    "voc2012": "pascalvoc2012",
    "mapillayv165": "mapillaryvistasv12",
}
# One class of mmsegmentation serves several of the zoo's data sets; see parity/runs/datasets.py.
_SHARED = {"cocostuff", "pascalvoc2012"}
# Images of the split that is scored, as their publishers count them.
VALIDATION_SIZES = {"ade20k": 2000, "cityscapes": 500, "pascalvoc2012aug": 1449}


def dataset_key(name: str) -> str:
    """One key for every spelling: ``COCO-Stuff 164k`` and ``coco-stuff164k`` have the same."""
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    return _ALIASES.get(key, key)


def may_be(name: str, dataset: str) -> bool:
    """Whether a run on `name`, as its config says, may be one on `dataset`."""
    mine, theirs = dataset_key(name), dataset_key(dataset)
    return mine == theirs or (mine in _SHARED and theirs.startswith(mine))


def find_dataset(name: str, known: Iterable[str]) -> str:
    """The member of `known` that `name` means; the most frequent of several spellings.

    Raises InputError, listing them with their number of results, when it is none of them.
    """
    counts = Counter(known)
    for candidate, _ in counts.most_common():
        if dataset_key(candidate) == dataset_key(name) and dataset_key(name):
            return candidate
    listed = ", ".join(f"{candidate} ({count})" for candidate, count in counts.most_common())
    raise InputError(f"--dataset {name}: the zoo has no mIoU for it; it has {listed or 'none'}")
