"""Objects of other libraries as candidates; a library that is not installed is skipped by name."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from parity.candidate.judge import judge
from parity.candidate.runner import InProcess
from parity.candidate.steps import candidate_from
from parity.candidate.whole import augment
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import run_step
from parity.errors import InputError
from parity.libraries import adapter, arrays, dataset
from parity.libraries.library import Library
from parity.pipeline import Step
from parity.probes.iou import make_images
from parity.probes.natural import step_of
from parity.steps.iou import IoUMetric
from tests.candidate.support import TRAIN, check, verdicts

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


def load(name):
    """The library of an adapter, or a skip that says what is missing."""
    library = adapter(name).LIBRARY
    if not library.is_installed:
        pytest.skip(f"{library.title} is {library.hint}")
    return adapter(name).load if name == "torchvision" else library.load


def pair(seed=0, size=(60, 80)):
    rng = np.random.RandomState(seed)
    image = rng.randint(0, 256, (*size, 3)).astype(np.uint8)
    return image, rng.randint(0, 150, size).astype(np.uint8)


def run_pipeline(given, seed=0):
    """What a pipeline candidate makes of a pair, run as the check runs it."""
    runner = InProcess(candidate_from(given, "given"))
    state = GeneratorState.of(RecordingRandomState(seed))
    outcome = runner.run("pipeline", Step("pipeline", augment), pair(), state)
    if outcome.record.error:
        raise InputError(outcome.record.error)
    assert outcome.misuse == ""
    return outcome.record.output


def assert_same(actual, expected):
    np.testing.assert_array_equal(actual[0], expected[0])
    np.testing.assert_array_equal(actual[1], expected[1])


def mirrored(image, seg):
    return image[:, ::-1], seg[:, ::-1]


def test_missing_library_says_what_to_install():
    library = Library("Nothing", "not_there_at_all", "nothing-at-all")
    assert not library.is_installed
    assert library.version == ""
    with pytest.raises(InputError, match="Nothing is not installed; pip install nothing-at-all"):
        library.load()


def test_broken_library_says_so(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("raise RuntimeError('no such operator')\n")
    monkeypatch.syspath_prepend(tmp_path)
    library = Library("Broken", "broken_library", "broken")
    with pytest.raises(InputError, match=r"does not import \(RuntimeError: no such operator\)"):
        library.load()


def test_arrays_go_there_and_back():
    image, seg = pair()
    np.testing.assert_array_equal(arrays.from_rgb_tensor(arrays.to_rgb_tensor(image)), image)
    np.testing.assert_array_equal(arrays.from_unit_tensor(arrays.to_unit_tensor(image)), image)
    assert int(arrays.to_rgb_tensor(image)[0, 0, 0]) == image[0, 0, 2]
    np.testing.assert_array_equal(arrays.as_image(arrays.to_rgb_tensor(image), "x"), image)
    np.testing.assert_array_equal(arrays.as_image(image[..., ::-1] / 255.0, "x"), image)
    np.testing.assert_array_equal(arrays.as_labels(torch.from_numpy(seg).float()[None], "x"), seg)
    np.testing.assert_array_equal(arrays.as_labels(seg[..., None].astype(np.int64), "x"), seg)


@pytest.mark.parametrize(
    ("function", "value", "message"),
    [
        (arrays.as_image, np.zeros((3, 4, 4)) - 1.5, "leave out normalisation"),
        (arrays.as_image, np.zeros((4, 4), np.uint8), "three channels"),
        (arrays.as_image, np.zeros((4, 4, 3), np.int64), "give uint8"),
        (arrays.as_labels, np.full((4, 4), 0.5), "ids 0 to 255"),
        (arrays.as_labels, np.full((4, 4), -1), "ids 0 to 255"),
        (arrays.as_labels, np.zeros((4, 4, 2)), "ids 0 to 255"),
    ],
)
def test_arrays_that_do_not_fit(function, value, message):
    with pytest.raises(InputError, match=message):
        function(value, "x")


def test_albumentations():
    A = load("albumentations")()  # noqa: N806
    assert_same(run_pipeline(A.Compose([])), pair())
    assert_same(run_pipeline(A.Compose([A.HorizontalFlip(p=1)])), mirrored(*pair()))
    with pytest.raises(InputError, match="leave out normalisation"):
        run_pipeline(A.Compose([A.Normalize()]))
    jitter = A.Compose([A.HueSaturationValue(p=1)])
    assert_same(run_pipeline(jitter, 3), run_pipeline(jitter, 3))
    assert not np.array_equal(run_pipeline(jitter, 3)[0], run_pipeline(jitter, 4)[0])
    with pytest.raises(InputError, match="give a Compose"):
        candidate_from(A.BboxParams(format="coco"), "x")


def test_torchvision():
    v2 = load("torchvision")("transforms.v2")
    assert_same(run_pipeline(v2.Compose([v2.RandomHorizontalFlip(1.0)])), mirrored(*pair()))
    jitter = v2.ColorJitter(hue=0.1)
    assert_same(run_pipeline(jitter, 3), run_pipeline(jitter, 3))
    assert not np.array_equal(run_pipeline(jitter, 3)[0], run_pipeline(jitter, 4)[0])
    with pytest.raises(InputError, match="leave out normalisation"):
        run_pipeline(
            v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.1] * 3)])
        )


def test_kornia():
    augmentation = load("kornia")("augmentation")
    flip = augmentation.AugmentationSequential(
        augmentation.RandomHorizontalFlip(p=1.0), data_keys=["input", "mask"]
    )
    assert_same(run_pipeline(flip), mirrored(*pair()))


@pytest.mark.parametrize("kind", ["SegformerImageProcessor", "MaskFormerImageProcessor"])
def test_huggingface(kind):
    load("huggingface")
    processor = adapter("huggingface")._processor(kind.removesuffix("ImageProcessor"))
    _, results = check(processor)
    assert "different" in verdicts(results, "resize")[0]  # Pillow's antialias
    assert verdicts(results, "crop")[0] == {"not compared"}
    if kind.startswith("Segformer"):
        assert verdicts(results, "load")[0] == {"equal"}


@pytest.mark.parametrize("name", ["torchmetrics", "sklearn"])
def test_metrics(name):
    library = load(name)
    if name == "sklearn":
        from functools import partial

        score = library("metrics").jaccard_score
        good = partial(score, average="macro")
        bad = partial(score, average="macro", labels=list(range(150)), zero_division=0)
    else:
        options = {"task": "multiclass", "num_classes": 150}
        good = library().JaccardIndex(**options, ignore_index=255)
        bad = library().JaccardIndex(**options, ignore_index=3)
    for given, verdict in ((good, Verdict.EQUAL), (bad, Verdict.DIFFERENT)):
        candidate = adapter(name).adapt(given, name)
        assert candidate.partial
        step = step_of("iou", IoUMetric, {"num_classes": 150})
        verdicts_seen = []
        for seed in range(4):
            state = GeneratorState.of(RecordingRandomState(seed))
            value = make_images(seed)
            expected = run_step("iou", step, value, state)
            outcome = InProcess(candidate).run("step:iou", step, value, state)
            verdicts_seen.append(judge(outcome, expected, partial=True).verdict)
        assert verdict in verdicts_seen
        assert (set(verdicts_seen) == {Verdict.EQUAL}) == (verdict is Verdict.EQUAL)


def test_metric_of_the_wrong_size():
    candidate = adapter("sklearn").adapt(lambda label, pred: [1.0, 2.0], "mine")
    with pytest.raises(InputError, match="gives 2 numbers; one mean or 150"):
        candidate.steps["iou"](make_images(0), None, num_classes=150)


class Folder(Dataset):
    """What people write: RGB, label 0 to 255, the rest lowered."""

    def __init__(self, root):
        self.images = sorted((Path(root) / "images" / "training").glob("*.jpg"))
        self.labels = sorted((Path(root) / "annotations" / "training").glob("*.png"))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = cv2.imread(str(self.images[index]))[..., ::-1].copy()
        label = cv2.imread(str(self.labels[index]), cv2.IMREAD_UNCHANGED)
        return {"image": image, "mask": np.where(label == 0, 255, label - np.uint8(1))}


class Swapped(Folder):
    """Forgets that OpenCV reads BGR."""

    def __getitem__(self, index):
        item = super().__getitem__(index)
        return item["image"][..., ::-1].copy(), item["mask"]


class DeclaredBgr(Swapped):
    channel_order = "bgr"


class Augmenting(Folder):
    """Augments with the global NumPy stream, as mmseg does."""

    def __getitem__(self, index):
        item = super().__getitem__(index)
        bgr = item["image"][..., ::-1].copy()
        steps = TRAIN.steps[1:]
        done = augment((bgr, item["mask"]), np.random, steps=steps)
        return torch.from_numpy(done[0][..., ::-1].transpose(2, 0, 1).copy()), done[1]


class Empty(Folder):
    def __len__(self):
        return 0


class Odd(Folder):
    def __getitem__(self, index):
        return 3


def test_dataset_that_loads():
    for given, expected in ((Folder, "equal"), (DeclaredBgr, "equal"), (Swapped, "different")):
        assert expected in verdicts(check(given, seeds=4)[1], "load")[0]


def make_folder(root) -> Dataset:
    return Folder(root)


def test_function_that_gives_a_dataset():
    assert verdicts(check(make_folder, seeds=2)[1], "load")[0] == {"equal"}


def test_dataset_that_augments_is_a_whole_pipeline():
    candidate = candidate_from(Augmenting, "mine")
    assert candidate.pipeline is not None
    assert any("another item each time" in note for note in candidate.notes)
    _, results = check(Augmenting, seeds=4)
    assert verdicts(results, "pipeline")[0] == {"equal"}


@pytest.mark.parametrize(("kind", "message"), [(Empty, "finds no item"), (Odd, "an item is a int")])
def test_datasets_that_cannot_be_read(kind, message):
    with pytest.raises(InputError, match=message):
        candidate_from(kind, "mine")


def test_instance_of_a_dataset_reads_other_files(tmp_path):
    with pytest.raises(InputError, match="name its class"):
        candidate_from(Folder(tmp_path), "mine")


def test_dataset_without_known_keys():
    with pytest.raises(InputError, match=r"an item has \['a'\]"):
        dataset._entry({"a": 1}, dataset.IMAGE_KEYS, "mine")
