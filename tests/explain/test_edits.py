"""Every setting that a person edits in a zoo config is named, and nothing beside it."""

import pytest

from tests.explain.edits.catalogue import CONFIGS, edits_of, zoo_config
from tests.explain.edits.judge import changed_settings
from tests.explain.edits.legacy import LEGACY, legacy_cases
from tests.explain.edits.measure import PROCESSES, judged, plan

pytestmark = pytest.mark.live
SAMPLE = [
    (path, processes, edit) for path in CONFIGS[:14] for processes, edit in list(plan(path, 3))[:3]
]


def _name(value):
    return getattr(value, "named", None) or str(value).rpartition("/")[2].partition("_")[0]


@pytest.mark.parametrize(("path", "processes", "edit"), SAMPLE, ids=_name)
def test_an_edit_is_named_and_nothing_beside_it(path, processes, edit):
    found = judged(path, (edit,), processes=processes, wrapped=False)
    assert not found.missed, found.said
    assert not found.false, found.said


@pytest.mark.parametrize("processes", PROCESSES)
def test_nothing_is_found_in_an_untouched_run(processes):
    found = judged(CONFIGS[3], (), processes=processes, wrapped=False)
    assert not found.false, found.said


@pytest.mark.parametrize("path", CONFIGS)
def test_the_catalogue_knows_many_edits_of_each_config_and_names_what_they_change(path):
    config = zoo_config(path)
    edits = edits_of(config)
    assert edits
    assert changed_settings(config, config) == []


@pytest.mark.parametrize("name", LEGACY)
def test_nothing_is_found_in_an_untouched_run_of_an_older_mmseg(name):
    edits, found = next(legacy_cases(name))
    assert edits == ()
    assert not found.false, found.said
