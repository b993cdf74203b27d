from __future__ import annotations

import shutil
import warnings

import numpy as np
import pytest
from torch.utils.data import DataLoader

from parity.compare import Verdict
from parity.compare.tree import compare_tree
from parity.dataset import BrokenFileWarning, list_data
from parity.errors import InputError
from parity.fixtures import inputs_root
from parity.pipeline import SegDataset, TrainPipeline, ValPipeline

PIPELINE = TrainPipeline(scale=(96, 48), crop_size=(32, 40))


@pytest.fixture
def root(tmp_path):
    shutil.copytree(inputs_root(), tmp_path / "root")
    return tmp_path / "root"


def samples(dataset, workers):
    loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=list)
    return [sample for batch in loader for sample in batch]


def assert_same(actual, expected):
    assert len(actual) == len(expected)
    for mine, theirs in zip(actual, expected, strict=True):
        for path, leaf in compare_tree(mine, theirs).items():
            assert leaf.verdict is Verdict.EQUAL, path


def differs(actual, expected):
    return any(
        leaf.verdict is Verdict.DIFFERENT
        for mine, theirs in zip(actual, expected, strict=True)
        for leaf in compare_tree(mine, theirs).values()
    )


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same(workers):
    dataset = SegDataset(inputs_root(), "validation", PIPELINE, seed=4)
    assert_same(samples(dataset, workers), samples(dataset, 0))


def test_seed_and_epoch_matter():
    dataset = SegDataset(inputs_root(), "validation", PIPELINE, seed=4)
    first = samples(dataset, 0)
    assert differs(samples(SegDataset(inputs_root(), "validation", PIPELINE, seed=5), 0), first)
    dataset.set_epoch(1)
    assert differs(samples(dataset, 0), first)
    dataset.set_epoch(0)
    assert_same(samples(dataset, 0), first)


def test_epoch_reaches_workers_that_already_run():
    dataset = SegDataset(inputs_root(), "validation", PIPELINE)
    loader = DataLoader(dataset, num_workers=2, collate_fn=list, persistent_workers=True)
    first = [batch[0] for batch in loader]
    dataset.set_epoch(1)
    second = [batch[0] for batch in loader]
    assert differs(second, first)
    assert_same(second, samples(dataset, 0))


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_files_are_counted_over_all_workers(root, workers):
    bad = [root / "images/validation/odd_37x53.jpg", root / "images/validation/coffee.jpg"]
    for path in bad:
        path.write_bytes(b"")
    dataset = SegDataset(root, "validation", PIPELINE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BrokenFileWarning)
        assert len(samples(dataset, workers)) == len(dataset)
    assert set(dataset.broken) == {str(path) for path in bad}


def test_broken_file_is_warned_about_by_path(root):
    path = root / "annotations/validation/coffee.png"
    path.unlink()
    dataset = SegDataset(root, "validation", PIPELINE)
    index = [info.seg_map_path for info in dataset.infos].index(str(path))
    with pytest.warns(BrokenFileWarning, match="coffee.png: no such file"):
        dataset[index]


def test_validation_stops_at_a_broken_file(root):
    (root / "annotations/validation/coffee.png").unlink()
    dataset = SegDataset(root, "validation", ValPipeline())
    with pytest.raises(InputError, match=r"coffee\.png"):
        [dataset[index] for index in range(len(dataset))]
    assert len(dataset.broken) == 1


def test_all_broken(root):
    for path in (root / "images/validation").iterdir():
        path.write_bytes(b"")
    dataset = SegDataset(root, "validation", PIPELINE, max_refetch=5)
    with pytest.warns(BrokenFileWarning), pytest.raises(InputError, match="after 5 other tries"):
        dataset[0]


def test_repaired_file_is_no_longer_broken(root):
    path = root / "images/validation/coffee.jpg"
    content = path.read_bytes()
    path.write_bytes(b"")
    dataset = SegDataset(root, "validation", ValPipeline())
    index = [info.img_path for info in dataset.infos].index(str(path))
    with pytest.raises(InputError):
        dataset[index]
    path.write_bytes(content)
    dataset[index]
    assert dataset.broken == ()


def test_indices():
    dataset = SegDataset(inputs_root(), "validation", ValPipeline())
    assert_same([dataset[-1]], [dataset[len(dataset) - 1]])
    assert dataset.data_info(-1)["sample_idx"] == len(dataset) - 1
    for index in (len(dataset), -len(dataset) - 1):
        with pytest.raises(IndexError, match=str(index)):
            dataset[index]


def test_validation_keeps_the_label_size():
    dataset = SegDataset(inputs_root(), "validation", ValPipeline(scale=(64, 32)))
    for sample in dataset:
        assert sample.seg.shape == sample.meta.ori_shape
        assert sample.image.shape[:2] == sample.meta.img_shape != sample.meta.ori_shape
        assert (sample.image.dtype, sample.seg.dtype) == (np.uint8, np.uint8)


@pytest.mark.parametrize("split", ["training", "nonsense"])
def test_missing_split(split):
    with pytest.raises(InputError, match=split):
        SegDataset(inputs_root(), split, PIPELINE)


def test_no_images(tmp_path):
    (tmp_path / "images" / "training").mkdir(parents=True)
    with pytest.raises(InputError, match="no file that ends"):
        SegDataset(tmp_path, "training", PIPELINE)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_outside_the_generator(seed):
    with pytest.raises(InputError, match="seed"):
        SegDataset(inputs_root(), "validation", PIPELINE, seed)


def test_link_to_a_parent_is_listed_once(root):
    (root / "images" / "validation" / "loop").symlink_to(root / "images")
    assert len(list_data(root / "images" / "validation", None)) == 7
