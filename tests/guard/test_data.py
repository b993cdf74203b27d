"""Data sets checked and made smaller, on a few files."""

import json
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.cli.dataset import SHOWN
from parity.errors import InputError
from parity.guard.data import check_split
from parity.guard.shrink import MANIFEST, downsample, subset


@pytest.fixture
def root(tmp_path):
    rng = np.random.RandomState(0)
    for split, count in (("training", 6), ("validation", 2)):
        for kind in ("images", "annotations"):
            (tmp_path / "data" / kind / split).mkdir(parents=True)
        for index in range(count):
            image = rng.randint(0, 255, (8, 12, 3), dtype=np.uint8)
            label = rng.randint(0, 151, (8, 12), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / f"data/images/{split}/{index}.jpg"), image)
            cv2.imwrite(str(tmp_path / f"data/annotations/{split}/{index}.png"), label)
    return tmp_path / "data"


def label(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_what_is_wrong_is_named(root):
    found = check_split(root, "training")
    assert (found.images, found.troubles, found.smallest) == (6, (), (8, 12))
    assert found.ids.sum() == 6 * 96
    images, labels = root / "images/training", root / "annotations/training"
    data = (images / "0.jpg").read_bytes()
    (images / "0.jpg").write_bytes(data[: len(data) // 2])
    (images / "1.jpg").write_bytes(b"no image")
    (labels / "2.png").unlink()
    cv2.imwrite(str(labels / "3.png"), np.zeros((4, 4), np.uint8))
    cv2.imwrite(str(labels / "4.png"), np.zeros((8, 12), np.uint16))
    cv2.imwrite(str(labels / "alone.png"), np.zeros((8, 12), np.uint8))
    told = [line.replace(str(root), "") for line in check_split(root, "training").troubles]
    assert [line.partition(":")[0] for line in told] == [
        "/images/training/0.jpg",
        "/images/training/1.jpg",
        "/annotations/training/2.png",
        "/annotations/training/3.png",
        "/annotations/training/4.png",
        "/annotations/training/alone.png",
    ]
    assert "4x4, its image 8x12" in told[3]


def test_downsampled_labels_are_those_of_the_middle(root, tmp_path):
    made, troubles = downsample(root, tmp_path / "small", factor=4)
    assert (made, troubles) == (8, [])
    for path in (root / "annotations").rglob("*.png"):
        small = tmp_path / "small" / path.relative_to(root)
        np.testing.assert_array_equal(label(small), label(path)[2::4, 2::4])
    image = cv2.imread(str(root / "images/training/0.jpg"))
    small = cv2.imread(str(tmp_path / "small/images/training/0.jpg")).astype(float)
    mean = image.reshape(2, 4, 3, 4, 3).mean((1, 3))
    assert np.abs(small - mean).mean() < 20  # JPEG, of noise
    assert np.abs(small.mean() - mean.mean()) < 2


def test_what_is_made_is_kept_and_what_is_broken_made_again(root, tmp_path):
    out = tmp_path / "small"
    downsample(root, out, factor=2)
    first = (out / MANIFEST).read_text()
    kept = (out / "images/training/1.jpg").stat().st_mtime_ns
    (out / "images/training/0.jpg").write_bytes(b"torn")
    (out / MANIFEST).write_text(first[:-20])  # killed while it wrote the last line
    assert downsample(root, out, factor=2) == (8, [])
    assert (out / "images/training/1.jpg").stat().st_mtime_ns == kept
    assert cv2.imread(str(out / "images/training/0.jpg")).shape == (4, 6, 3)
    again = (out / MANIFEST).read_text()
    assert json.loads(first.splitlines()[-1]) == json.loads(again.splitlines()[-1])
    with pytest.raises(InputError, match="other options"):
        downsample(root, out, factor=4)


def test_broken_pairs_are_left_out_and_named(root, tmp_path):
    (root / "images/training/0.jpg").write_bytes(b"no image")
    (root / "annotations/validation/1.png").unlink()
    made, troubles = downsample(root, tmp_path / "small", factor=2)
    assert made == 6
    assert ["training/0.jpg" in troubles[0], "validation/1.png" in troubles[1]] == [True, True]
    assert not (tmp_path / "small/images/training/0.jpg").exists()


def test_a_subset_is_of_the_training_alone(root, tmp_path):
    assert subset(root, tmp_path / "third", every=3) == (4, [])
    names = sorted(path.name for path in (tmp_path / "third/images/training").iterdir())
    assert names == ["0.jpg", "3.jpg"]
    assert len(list((tmp_path / "third/images/validation").iterdir())) == 2
    drawn = []
    for seed in (1, 1, 2):
        subset(root, tmp_path / "drawn", count=3, seed=seed)
        drawn.append(sorted(p.name for p in (tmp_path / "drawn/images/training").iterdir()))
        shutil.rmtree(tmp_path / "drawn")
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 3
    with pytest.raises(InputError, match="there are 6"):
        subset(root, tmp_path / "more", count=7)


def test_what_is_no_terminal_gets_no_progress(root, tmp_path):
    done = CliRunner().invoke(app, ["dataset", "check", str(root)])
    assert (done.exit_code, done.stderr) == (0, "")
    for number in range(SHOWN + 3):
        (root / f"images/training/a\x1b{number:02}\n.jpg").write_text("")
    done = CliRunner().invoke(app, ["dataset", "check", str(root)])
    lines = [line.strip() for line in done.stdout.splitlines() if "/a\\x1b" in line]
    assert len(lines) == SHOWN
    assert lines[0].endswith("00\\n.jpg: is no image that Pillow knows (0 bytes)")
    assert "and 3 more" in done.stdout
    (root / "images/training/loop.jpg").symlink_to("loop.jpg")
    with pytest.raises(InputError, match=r"loop.jpg: cannot be read: Too many levels"):
        check_split(root, "training")
    done = CliRunner().invoke(app, ["dataset", "check", str(tmp_path)])
    assert done.stderr == ""
    assert str(done.exception).startswith(f"{tmp_path}/images/training: no such directory")


def test_a_data_set_of_one_split(root, tmp_path):
    shutil.rmtree(root / "images/training")
    done = CliRunner().invoke(app, ["dataset", "check", str(root)])
    assert done.exit_code == 0
    assert "training is not there, and not checked" in done.stdout
    made, troubles = downsample(root, tmp_path / "smaller", factor=2)
    assert (made > 0, troubles) == (True, [])
    with pytest.raises(InputError, match="images/training: no such directory"):
        subset(root, tmp_path / "fewer", every=2)
