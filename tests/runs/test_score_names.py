"""What programs call the scores of segmentation."""

import pytest

from parity.runs import read_run
from parity.runs.scalars import score_name, split_name
from tests.runs.builders import write


@pytest.mark.parametrize(
    ("written", "name", "split"),
    [
        ("mIoU", "mIoU", None),
        ("sem_seg/mIoU", "mIoU", None),
        ("eval_mean_iou", "mIoU", "val"),
        ("val_mIoU", "mIoU", "val"),
        ("val/miou", "mIoU", "val"),
        ("valid_mean_iou", "mIoU", "val"),
        ("test/mIoU", "mIoU", "test"),
        ("Mean_IoU", "mIoU", None),
        ("sem_seg/mACC", "mAcc", None),
        ("eval_mean_accuracy", "mAcc", "val"),
        ("sem_seg/pACC", "aAcc", None),
        ("eval_overall_accuracy", "aAcc", "val"),
        ("sem_seg/fwIoU", "fwIoU", None),
        ("train_mIoU", None, None),
        ("loss", None, None),
        ("IoU.wall", None, None),
        ("eval_accuracy_wall", None, "val"),
    ],
)
def test_names(written, name, split):
    assert score_name(written) == name
    if name is not None:
        assert split_name(written) == split


@pytest.mark.parametrize("column", ["sem_seg/mIoU", "eval_mean_iou", "val_mIoU", "val/miou"])
def test_in_a_table(tmp_path, column):
    path = write(tmp_path / "run.csv", f"step,loss,{column}\n50,1.5,\n100,1.0,0.375\n")
    assert [(s.step, s.value) for s in read_run(path).scores] == [(100, 37.5)]
