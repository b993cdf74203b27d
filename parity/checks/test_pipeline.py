"""Whole pipelines and the data set loop beside mmseg's own."""

import shutil

import numpy as np
import pytest
from numpy.random import RandomState

from parity.candidate.engine import Engine
from parity.candidate.own import check_case
from parity.candidate.sides import OwnSteps
from parity.check.cases import default_cases, list_root
from parity.check.summary import reference_steps
from parity.compare import Verdict
from parity.compare.rng import GeneratorState
from parity.compare.rounding import Rounding
from parity.compare.trace import run_trace
from parity.compare.tree import compare_tree
from parity.dataset import BrokenFileWarning, SegDataset
from parity.fixtures import inputs_root
from parity.live import reference_module
from parity.pipeline import TrainPipeline, ValPipeline
from parity.probes.catalogue import PROBES


@pytest.mark.parametrize("step", [probe.step.name for probe in PROBES])
def test_recorded_model_side(recorded, step):
    recorded.assert_equal(step)


SMALL = TrainPipeline(scale=(128, 64), crop_size=(48, 40))


def assert_same_sample(actual, expected):
    for path, leaf in compare_tree(actual, expected).items():
        assert leaf.verdict is Verdict.EQUAL, f"{path}: {leaf}"


@pytest.mark.live
class TestSteps:
    def test_photographs(self, photographs):
        """Every step from load to loss or IoU, isolated and chained, at full scale."""
        chosen = photographs[:2]  # all of them go through the whole pipelines below
        cases = default_cases(chosen, range(len(chosen)))
        for case in cases:
            if case.probe is not None:  # checked in the files of their steps
                continue
            reference = run_trace(reference_steps(case.steps), case.start(), case.seed)
            result = check_case(case, reference, Engine(OwnSteps(), rounding=Rounding.FAIL))
            assert not result.broken
            failing = result.comparison.first_difference
            assert failing is None, f"{case.name}: {failing}"
            assert result.comparison.verdict is Verdict.EQUAL


@pytest.mark.live
class TestWholePipeline:
    """The pipeline built from the config mmseg ships, run by mmengine's Compose."""

    @pytest.mark.parametrize("seed", range(20))
    def test_training(self, photographs, seed):
        run_train_pipeline = reference_module("runner").run_train_pipeline

        info = photographs[seed % len(photographs)]
        mine, theirs = RandomState(seed), RandomState(seed)
        actual = TrainPipeline()(info.img_path, info.seg_map_path, mine)
        expected = run_train_pipeline(
            TrainPipeline().data_info(info.img_path, info.seg_map_path), theirs
        )
        assert_same_sample(actual, expected)
        assert GeneratorState.of(mine) == GeneratorState.of(theirs)

    def test_validation(self, photographs):
        run_val_pipeline = reference_module("runner").run_val_pipeline

        for info in photographs:
            actual = ValPipeline()(info.img_path, info.seg_map_path)
            expected = run_val_pipeline(ValPipeline().data_info(info.img_path, info.seg_map_path))
            assert_same_sample(actual, expected)


@pytest.fixture
def small_root(tmp_path):
    """A training split with folders, hidden and foreign files."""
    for kind, suffix in (("images", ".jpg"), ("annotations", ".png")):
        source = inputs_root() / kind / "validation"
        for place in ("b", "a/deep", "."):
            folder = tmp_path / kind / "training" / place
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("odd_37x53", "wide_21x160", "all_ignored_40x48"):
                shutil.copy(source / f"{name}{suffix}", folder)
        (tmp_path / kind / "training" / f".hidden{suffix}").write_bytes(b"")
        (tmp_path / kind / "training" / "notes.txt").write_bytes(b"")
    return tmp_path


@pytest.mark.live
class TestDataset:
    def test_entries(self, small_root):
        build_dataset = reference_module("runner").build_dataset

        ours = SegDataset(small_root, "training", SMALL)
        theirs = build_dataset(small_root, "training", SMALL)
        assert len(ours) == len(theirs) == 9
        for index in range(len(ours)):
            assert ours.data_info(index) == theirs.get_data_info(index)

    @pytest.mark.parametrize("seed", range(5))
    def test_samples(self, small_root, seed):
        live = reference_module("runner")
        build_dataset, fetch = live.build_dataset, live.fetch

        ours = SegDataset(small_root, "training", SMALL)
        theirs = build_dataset(small_root, "training", SMALL)
        for index in range(len(ours)):
            mine, other = RandomState(seed), RandomState(seed)
            assert_same_sample(ours.fetch(index, mine), fetch(theirs, index, other))
            assert GeneratorState.of(mine) == GeneratorState.of(other)

    @pytest.mark.parametrize("seed", range(5))
    def test_refetch_draws_the_same_other_sample(self, small_root, seed):
        """Empty files: the only broken ones that the reference's ignore_empty lets through."""
        live = reference_module("runner")
        build_dataset, fetch = live.build_dataset, live.fetch

        for name in ("b/odd_37x53.jpg", "odd_37x53.jpg", "a/deep/wide_21x160.jpg"):
            (small_root / "images" / "training" / name).write_bytes(b"")
        ours = SegDataset(small_root, "training", SMALL)
        theirs = build_dataset(small_root, "training", SMALL, ignore_empty=True)
        for index in range(len(ours)):
            mine, other = RandomState(seed), RandomState(seed)
            with np.testing.suppress_warnings() as quiet:
                quiet.filter(BrokenFileWarning)
                assert_same_sample(ours.fetch(index, mine), fetch(theirs, index, other))
            assert GeneratorState.of(mine) == GeneratorState.of(other)
        assert sum("odd" in path for path in ours.broken) == 2


def test_listing_is_sorted_by_path(small_root):
    infos = list_root(small_root)
    assert [info.img_path for info in infos] == sorted(info.img_path for info in infos)
    assert [info.sample_idx for info in infos] == list(range(9))
