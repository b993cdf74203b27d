"""From batches of one process to images, and what configs ask for."""

import inspect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.runs import read_run
from parity.runs.config import installed_configs, parse_config, read_config
from parity.runs.counts import images_of, scored_images, trained_images
from parity.runs.datasets import KNOWN, planned_images, planned_validation
from tests.runs import legacy
from tests.runs.builders import CONFIG, STAMP, environment, head, live, val_lines, write, write_run

VOC = "dict(type='PascalVOCDataset', data_prefix=dict(img_path='JPEGImages'), {})"
TRAIN, AUG = (f"ann_file='ImageSets/Segmentation/{name}.txt'" for name in ("train", "aug"))


def config(text):
    return parse_config(text, file="c.py")


def training(dataset, split="train"):
    return config(f"{split}_dataloader = dict(batch_size=2, dataset={dataset})")


@given(st.integers(1, 5_000), st.integers(1, 16), st.integers(1, 16), st.booleans())
def test_a_count_of_batches_is_a_range_of_images(images, processes, batch, drop_last):
    each = math.ceil(images / processes)
    batches = each // batch if drop_last else math.ceil(each / batch)
    low, high = images_of(batches, processes, batch, drop_last=drop_last)
    assert low <= images <= high

    def count(number):
        each = math.ceil(number / processes)
        return each // batch if drop_last else math.ceil(each / batch)

    assert count(high) == batches
    assert count(high + 1) == batches + 1
    if low > 1:
        assert count(low) == batches
        assert count(low - 1) == batches - 1


@pytest.mark.live
def test_the_sampler_of_mmengine_counts_so():
    sampler = live("mmengine.dataset.sampler").DefaultSampler
    source = inspect.getsource(sampler.__init__)
    assert "math.ceil(len(self.dataset) / world_size)" in source
    for images in (1, 7, 250, 2000):
        assert math.ceil(len(sampler(range(images), seed=0)) / 4) == -(-images // 4)


def test_a_validation_counts_the_batches_of_one_process(tmp_path):
    log = environment(gpus=8, distributed=True) + val_lines(images=250)
    write(tmp_path / f"{STAMP}.log", log)
    low, high, source = scored_images(read_run(tmp_path))
    assert (low, high) == (1993, 2000)
    assert source.text.startswith("Iter(val) [250/250]")


def test_larger_batches_of_a_validation(tmp_path):
    text = CONFIG.replace("batch_size=1,", "batch_size=4,")
    root = write_run(tmp_path, config=text)
    low, high, _ = scored_images(read_run(root))
    assert (low, high) == (7997, 8000)


def test_no_number_of_processes_no_number_of_images(tmp_path):
    write(tmp_path / f"{STAMP}.log", val_lines())
    assert scored_images(read_run(tmp_path)) is None


def test_eight_processes_validate_the_whole_data_set(tmp_path):
    log = environment(gpus=8, distributed=True) + val_lines(images=250)
    write(tmp_path / STAMP / f"{STAMP}.log", log)
    write(tmp_path / STAMP / "vis_data/config.py", CONFIG)
    assert read_run(tmp_path).settings.dataset_size.value == 20210


def test_mmseg_0x_states_its_images(tmp_path):
    run = read_run(legacy.write_legacy(tmp_path))
    assert trained_images(run)[:2] == (20210, 20210)
    assert scored_images(run)[:2] == (1997, 2000)


def test_mmseg_0x_states_each_of_several_data_sets(tmp_path):
    text = legacy.CONFIG.replace(
        "img_dir='images/training'", "img_dir='J', split=['train.txt', 'aug.txt']"
    ).replace("ADE20KDataset", "PascalVOCDataset")
    log = legacy.log(config=text).replace(
        "Loaded 20210 images", f"Loaded 1464 images\n{legacy.HEAD}Loaded 9118 images"
    )
    run = read_run(write(tmp_path / f"{STAMP}.log", log))
    assert trained_images(run)[:2] == (10582, 10582)
    assert run.settings.dataset_size.note == "1464 + 9118"
    assert planned_images(run.config).value == 10582


def test_images_that_a_test_loads_are_not_of_the_training(tmp_path):
    log = f"{legacy.HEAD}Loaded 2000 images\n{legacy.HEAD}Iter(val) [2000]\tmIoU: 0.4\n"
    run = read_run(write(tmp_path / f"{STAMP}.log", log))
    assert trained_images(run) is None
    assert run.settings.dataset_size.value is None


@pytest.mark.parametrize(
    ("loader", "images", "expected"),
    [
        ("", "MyDataset", (209, 216, 216)),
        ("drop_last=True, ", "MyDataset", (213, 220, 216)),
        # What is published for the data set lies in the range, and is exact.
        ("", "STAREDataset", (209, 216, 216)),
    ],
)
def test_an_epoch_counts_its_batches(tmp_path, loader, images, expected):
    text = CONFIG.replace("max_iters=160000", "max_epochs=3").replace("ADE20KDataset", images)
    text = text.replace("batch_size=2,", f"batch_size=2, {loader}")
    log = f"{head()}Epoch(train)  [1][10/27]  lr: 1.0e-02  loss: 1.5\n"
    write(tmp_path / STAMP / f"{STAMP}.log", environment(gpus=4) + log)
    write(tmp_path / STAMP / "vis_data/config.py", text)
    run = read_run(tmp_path)
    low, high, source = trained_images(run)
    assert (low, high, run.settings.dataset_size.value) == expected
    assert source.text.startswith("Epoch(train)")
    assert f"at least {low}, at most {high}" in run.settings.dataset_size.note


def test_an_epoch_of_a_repeated_set_shows_each_image_several_times(tmp_path):
    dataset = "dict(type='RepeatDataset', times=40, dataset=dict(type='STAREDataset'))"
    text = f"train_dataloader = dict(batch_size=4, dataset={dataset})"
    log = f"{head()}Epoch(train)  [1][10/50]  lr: 1.0e-02  loss: 1.5\n"
    write(tmp_path / STAMP / f"{STAMP}.log", environment(gpus=2) + log)
    write(tmp_path / STAMP / "vis_data/config.py", text)
    run = read_run(tmp_path)
    assert trained_images(run)[:2] == (10, 10)
    assert run.settings.dataset_size.value == 10


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (VOC.format(TRAIN), 1464),
        (VOC.format("ann_file='ImageSets/Segmentation/trainaug.txt'"), 10582),
        (f"dict(type='ConcatDataset', datasets=[{VOC.format(TRAIN)}, {VOC.format(AUG)}])", 10582),
        (VOC.format("ann_file='mine.txt'"), None),
        (f"dict(type='ConcatDataset', datasets=[{VOC.format(TRAIN)}, dict(type='Mine')])", None),
        ("dict(type='ADE20KDataset')", 20210),
        ("dict(type='ADE20KDataset', data_prefix=dict(img_path='images/validation'))", 2000),
        ("dict(type='ADE20KDataset', data_prefix=dict(img_path='/data/half/'))", None),
        ("dict(type='ADE20KDataset', indices=316)", 316),
        ("dict(type='ADE20KDataset', indices=-316)", 316),
        ("dict(type='ADE20KDataset', indices=[1, 5, 9])", 3),
        ("dict(type='ADE20KDataset', indices=99999)", 20210),
        ("dict(type='Mine', indices=[1, 5, 9])", 3),
        ("dict(type='RepeatDataset', times=40000, dataset=dict(type='DRIVEDataset'))", 20),
        ("dict(type='COCOStuffDataset', data_prefix=dict(img_path='images/train2014'))", 9000),
        ("dict(type='COCOStuffDataset', data_prefix=dict(img_path='a/images/train2017'))", 118287),
        ("dict(type='COCOStuffDataset')", None),
        ("dict(type='PascalContextDataset59', ann_file='ImageSets/x/train.txt')", 4998),
        # What is odd, or only running the config could tell, is not passed over.
        ("dict(type='ADE20KDataset', indices='some')", None),
        (
            "dict(type='ADE20KDataset', ann_file=3, data_prefix=dict(img_path='images/training'))",
            None,
        ),
        ("dict(type='ADE20KDataset', data_prefix=3)", None),
        ("3", None),
    ],
)
def test_the_images_a_config_asks_for(dataset, expected):
    assert planned_images(training(dataset)).value == expected


@pytest.mark.parametrize(
    ("loader", "expected"),
    [
        ("batch_size=2, drop_last='maybe'", (209, 220)),
        ("batch_size=2, dataset=dict(type='RepeatDataset', times='x', dataset=dict())", None),
        ("batch_size='x'", None),
    ],
)
def test_odd_options_widen_the_range_or_leave_it_open(tmp_path, loader, expected):
    log = f"{head()}Epoch(train)  [1][10/27]  lr: 1.0e-02  loss: 1.5\n"
    write(tmp_path / STAMP / f"{STAMP}.log", environment(gpus=4) + log + val_lines())
    text = f"train_dataloader = dict({loader})\nval_dataloader = dict(batch_size='x')\n"
    write(tmp_path / STAMP / "vis_data/config.py", text)
    run = read_run(tmp_path)
    found = trained_images(run)
    assert (found[:2] if found else None) == expected
    assert scored_images(run) is None


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (VOC.format("ann_file='ImageSets/Segmentation/val.txt'"), 1449),
        ("dict(type='ADE20KDataset', data_prefix=dict(img_path='images/validation'))", 2000),
        ("dict(type='ChaseDB1Dataset')", 8),
        ("dict(type='MapillaryDataset_v1')", None),
    ],
)
def test_the_images_a_config_validates_on(dataset, expected):
    assert planned_validation(training(dataset, "val")).value == expected


def test_lists_of_mmseg_0x():
    several = config("data = dict(train=[dict(type='DRIVEDataset'), dict(type='STAREDataset')])")
    assert planned_images(several).value == 30
    split = "split=['ImageSets/Segmentation/train.txt', 'ImageSets/Segmentation/aug.txt']"
    one = config(f"data = dict(train=dict(type='PascalVOCDataset', img_dir='J', {split}))")
    assert planned_images(one).value == 10582


@pytest.mark.live
def test_the_zoo_asks_for_the_published_splits():
    """Every base config of mmsegmentation on a data set whose splits are kept here."""
    unknown = {}
    for path in sorted((installed_configs() / "_base_" / "datasets").glob("*.py")):
        found = read_config(path)
        sizes = planned_images(found).value, planned_validation(found).value
        if None in sizes:
            unknown[path.stem] = sizes
    without_validation = {name for name, sizes in unknown.items() if sizes[0]}
    assert without_validation == {"bdd100k", "mapillary_v1", "mapillary_v1_65", "mapillary_v2"}
    assert unknown.keys() - without_validation == {"levir_256x256", "nyu", "nyu_512x512", "synapse"}


@pytest.mark.live
def test_classes_are_those_of_mmseg():
    registry = live("mmseg.registry").DATASETS
    for name, info in KNOWN.items():
        assert len(registry.get(name).METAINFO["classes"]) == info.classes, name
