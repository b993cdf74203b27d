"""What the text logs of mmengine and mmcv 0.x say."""

import io
import math
import time

import pytest

from parity.runs.log import MAX_KEYS, MAX_LOADS, read_log
from parity.runs.log_data import LR_SCALED, SYNC_BN
from parity.runs.text import blocks, entries
from tests.runs.builders import REVERTED, environment, head, printed_config, train_line, val_lines


def read(text):
    return read_log(entries(blocks(io.BytesIO(text.encode()))), file="a.log")


def test_the_environment_with_the_line_of_each_value():
    data = read("x\n" + environment(gpus=4))
    assert data.environment["GPU number"].value == "4"
    assert data.environment["GPU number"].source.line == environment().count("\n") - 1
    assert data.environment["GPU number"].source.text == "GPU number: 4"
    assert data.environment["GPU 0"].value == "NVIDIA H100 PCIe"
    assert "CUDA Runtime 11.6" in data.environment["PyTorch compiling details"].value
    assert data.logger == "mmengine"


def test_what_cuda_prints_into_the_environment_is_no_part_of_it():
    text = environment().replace("    seed", "error in ms_deform_col2im: no kernel\n    seed")
    assert not any("error in" in name for name in read(text).environment)


def test_training_lines_make_curves():
    data = read(train_line(50, loss=3.5, lr=2e-4) + train_line(100, loss=math.nan))
    curves = data.points.curves()
    assert curves["loss"].steps.tolist() == [50, 100]
    assert curves["lr"].values.tolist() == [2e-4, 1e-4]
    assert math.isnan(curves["loss"].values[1])
    assert curves["grad_norm"].source(1).line == 2
    assert "eta" not in curves
    assert (data.max_iters.value, data.max_iters.source.line) == (160000, 1)


def test_training_lines_by_epoch_count_iterations():
    line = f"{head()}Epoch(train)  [2][ 10/270]  lr: 1.0e-02  loss: 1.5\n"
    data = read(line)
    assert data.points.curves()["loss"].steps.tolist() == [280]
    assert data.loader_length.value == 270


def test_an_evaluation_has_its_classes_and_the_step_of_the_training_before_it():
    text = train_line(50) + f"{head()}Saving checkpoint at 75 iterations\n" + val_lines(44.5)
    (evaluation,) = read(text).evaluations
    assert (evaluation.step, evaluation.metrics["mIoU"], evaluation.samples) == (75, 44.5, 2000)
    assert [item.name for item in evaluation.classes] == ["wall", "building"]
    assert evaluation.classes[0].iou == 77.1
    assert math.isnan(evaluation.classes[1].iou)
    assert evaluation.source.text.startswith("Iter(val) [2000/2000]")


def test_a_test_takes_its_step_from_the_weights():
    text = f"{head()}Load checkpoint from work/iter_160000.pth\n"
    text += val_lines().replace("val", "test")
    (evaluation,) = read(text).evaluations
    assert (evaluation.split, evaluation.step) == ("test", 160000)


def test_mmcv_0x_gives_fractions_and_the_length_of_the_validation():
    start = "2021-05-01 12:00:00,123 - mmseg - INFO - "
    text = (
        f"{start}Loaded 20210 images\n"
        f"{start}Iter [50/160000]\tlr: 9.997e-03, eta: 22:00:00, time: 0.5, loss: 1.2500\n"
        f"{start}Iter(val) [2000]\taAcc: 0.7500, mIoU: 0.4254, mAcc: 0.5, IoU.wall: 0.7\n"
    )
    data = read(text)
    assert data.points.curves()["loss"].values.tolist() == [1.25]
    assert ([fact.value for fact in data.images], data.logger) == ([20210], "mmseg")
    (evaluation,) = data.evaluations
    assert (evaluation.metrics["mIoU"], evaluation.scale) == (pytest.approx(42.54), 100)
    assert (evaluation.classes[0].name, evaluation.classes[0].iou) == ("wall", pytest.approx(70))


def test_weights_and_what_did_not_match():
    text = (
        f"{head()}load model from: swin.pth\n"
        f"{head()}Loads checkpoint by local backend from path: swin.pth\n"
        f"{head('WARNING')}The model and loaded state dict do not match exactly\n\n"
        "size mismatch for a.w: copying a param with shape torch.Size([3])\n"
        "unexpected key in source state_dict: fc.weight, fc.bias\n\n"
        "missing keys in source state_dict: norm0.weight\n\n"
        f"{head()}Load checkpoint from run/iter_30.pth\n"
        f"{head()}resumed epoch: 0, iter: 30\n"
    )
    data = read(text)
    init, resume = data.weights
    assert (init.path, init.purpose, init.source.line) == ("swin.pth", "init", 1)
    assert init.unexpected == ("fc.weight", "fc.bias")
    assert init.missing == ("norm0.weight",)
    assert init.mismatched == ("a.w",)
    assert init.listed.line == 3
    assert (resume.path, resume.purpose, resume.listed) == ("run/iter_30.pth", "resume", None)
    assert data.resumed_at.value == 30


def test_a_mismatch_listed_before_the_file_is_named_belongs_to_that_file():
    text = (
        "The model and loaded state dict do not match exactly\n\n"
        "missing keys in source state_dict: a\n\n"
        f"{head()}Load checkpoint from other.pth\n"
    )
    (load,) = read(text).weights
    assert (load.path, load.purpose, load.missing) == ("other.pth", "load", ("a",))


def test_weights_that_match_list_nothing():
    (load,) = read(f"{head()}Load checkpoint from a.pth\n").weights
    assert (load.unexpected, load.missing, load.mismatched, load.listed) == ((), (), (), None)


def test_known_statements_and_warnings():
    text = REVERTED + f"{head()}LR is set based on batch size of 16 and the current\n"
    text += f"{head('WARNING')}step 5 is slow\n{head('WARNING')}step 17 is slow\n"
    data = read(text)
    assert data.notices[SYNC_BN].line == 1
    assert data.notices[LR_SCALED].line == 2
    (message,) = data.tally.messages()
    expected = ("WARNING", 2, 3, 4)
    assert (message.kind, message.count, message.source.line, message.last_line) == expected


def test_a_healthy_log_has_no_such_statement():
    data = read(environment() + train_line(50))
    assert data.notices == {}
    assert data.tally.messages() == ()
    assert data.unread == []


def test_the_printed_config_and_its_line():
    found = read(environment() + printed_config("a = 1\nb = 2")).config
    assert found.text.strip() == "a = 1\nb = 2"
    assert (found.line, found.own_lines) == (environment().count("\n") + 1, True)


def test_a_line_of_nothing_but_letters_takes_no_longer_than_its_length():
    read(f"{head()}Iter(train) [1/2]  " + "a" * 1_000_000 + "\n")
    read(f"{head()}\n" + "\n" * 200_000 + "| IoU\n| \n")


LISTED = "The model and loaded state dict do not match exactly\n\n"


def loads(text):
    start = time.process_time()
    found = read_log(entries(blocks(io.BytesIO(text.encode()))), file="a.log").weights
    assert time.process_time() - start < 10
    return found


def test_many_mismatches_take_linear_time():
    (found,) = loads(LISTED + "size mismatch for a.b: x\n" * 150_000)
    assert len(found.mismatched) == MAX_KEYS


def test_many_keys_are_cut():
    (found,) = loads(f"{LISTED}unexpected key in source state_dict: {'a, ' * 500_000}\n")
    assert len(found.unexpected) == MAX_KEYS


def test_many_lists_are_cut():
    assert len(loads(f"{LISTED}missing keys in source state_dict: a, b\n" * 10_000)) == MAX_LOADS
