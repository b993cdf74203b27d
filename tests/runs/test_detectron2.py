"""Output folders of detectron2, made up line by line in its formats."""

import json
import math

import pytest

from parity.errors import RunFormatError
from parity.runs import find_runs, read_run
from tests.runs.builders import KERNEL, assert_evidence_exists, value, write

CONFIG = """\
DATASETS:
  TEST:
  - ade20k_sem_seg_val
  TRAIN:
  - ade20k_sem_seg_train
INPUT:
  CROP:
    ENABLED: true
    SINGLE_CATEGORY_MAX_AREA: 1.0
    SIZE:
    - 512
    - 512
    TYPE: absolute
MODEL:
  BACKBONE:
    FREEZE_AT: 0
    NAME: D2SwinTransformer
  MASK_FORMER:
    TRANSFORMER_DECODER_NAME: MultiScaleMaskedTransformerDecoder
  META_ARCHITECTURE: MaskFormer
  SEM_SEG_HEAD:
    NUM_CLASSES: 150
  SWIN:
    DEPTHS:
    - 2
    - 2
    - 6
    - 2
    EMBED_DIM: 96
  WEIGHTS: swin_tiny_patch4_window7_224.pkl
SEED: -1
SOLVER:
  AMP:
    ENABLED: true
  BASE_LR: 0.0001
  CLIP_GRADIENTS:
    CLIP_TYPE: full_model
    CLIP_VALUE: 0.01
    ENABLED: true
    NORM_TYPE: 2.0
  IMS_PER_BATCH: 16
  LR_SCHEDULER_NAME: WarmupPolyLR
  MAX_ITER: 160000
  OPTIMIZER: ADAMW
  POLY_LR_POWER: 0.9
  WARMUP_ITERS: 0
  WEIGHT_DECAY: 0.05
TEST:
  AUG:
    ENABLED: false
"""
HEAD = "[07/12 12:00:00] {} {}: {}\n"


def said(text, name="detectron2.engine.defaults", level="INFO"):
    return HEAD.format(name, level, text)


def log(*, world=8, done=0, steps=(20, 40), extra="", scores="43.5000,70.0000,56.0000,80.0000"):
    environment = (
        "----------------------  -----------------------------\n"
        "sys.platform            linux\n"
        "detectron2              0.6 @/opt/detectron2\n"
        "PyTorch                 1.10.1 @/opt/torch\n"
        "GPU 0,1,2,3,4,5,6,7     NVIDIA A100 (arch=8.0)\n"
        "----------------------  -----------------------------\n"
        "PyTorch built with:\n  - GCC 7.3\n\n"
    )
    training = "".join(
        said(
            f" eta: 1 day, 2:00:00  iter: {step - 1}  total_loss: {60 - step / 10}  loss_ce: 3.1  "
            "time: 0.5  last_time: 0.5  data_time: 0.01   lr: 0.0001  max_mem: 9000M",
            "d2.utils.events",
        )
        for step in steps
    )
    return (
        said(f"Rank of current process: 0. World size: {world}", "detectron2")
        + said("Environment info:\n" + environment, "detectron2").removesuffix("\n")
        + said("Command line arguments: Namespace(config_file='a.yaml', num_gpus=8)", "detectron2")
        + said("[DetectionCheckpointer] Loading from swin_tiny.pkl ...", "fvcore.common.checkpoint")
        + extra
        + said(f"Starting training from iteration {done}", "detectron2.engine.train_loop")
        + training
        + said("copypaste: Task: sem_seg", "detectron2.evaluation.testing")
        + said("copypaste: mIoU,fwIoU,mACC,pACC", "detectron2.evaluation.testing")
        + said(f"copypaste: {scores}", "detectron2.evaluation.testing")
    )


def record(step, **values):
    base = {"iteration": step - 1, "total_loss": 60 - step / 10, "lr": 1e-4, "loss_ce": 3.1}
    return {**base, "eta_seconds": 9.0, **values}


SCORES = {
    "sem_seg/mIoU": 43.5,
    "sem_seg/fwIoU": 70.0,
    "sem_seg/mACC": 56.0,
    "sem_seg/pACC": 80.0,
    "sem_seg/IoU-wall": 77.25,
    "sem_seg/ACC-wall": 88.5,
    "sem_seg/IoU-crt screen": math.nan,
}


def metrics(*records):
    return "\n".join(map(json.dumps, records)) + "\n"


def write_output(root, **options):
    write(root / "log.txt", log(**options))
    write(root / "metrics.json", metrics(record(20), record(40, **SCORES)))
    write(root / "config.yaml", CONFIG)
    return root


def test_an_output_folder_tells_everything(tmp_path):
    run = read_run(write_output(tmp_path))
    assert run.unread == ()
    assert run.config is None
    expected = {
        "framework": "detectron2 0.6",
        "method": "Mask2Former",
        "backbone": "Swin-T",
        "dataset": "ADE20K",
        "dataset_size": 20210,
        "classes": 150,
        "crop_size": (512, 512),
        "max_iters": 160000,
        "iterations": 40,
        "world_size": 8,
        "samples_per_gpu": 2,
        "effective_batch": 16,
        "precision": "amp float16",
        "pretrained": "swin_tiny_patch4_window7_224.pkl",
        "optimizer": {"type": "AdamW", "lr": 0.0001, "weight_decay": 0.05},
        "clip_grad": {"max_norm": 0.01, "norm_type": 2.0, "clip_type": "full_model"},
        "schedule": ({"type": "WarmupPolyLR", "poly_lr_power": 0.9, "warmup_iters": 0},),
        "signature": "mIoU|ss|whole|ignore=255|reduce0=y|orig-size",
        "seed": None,
    }
    assert {name: value(run, name) for name in expected} == expected
    assert run.settings.max_iters.source.text == "MAX_ITER: 160000"
    assert run.curves["loss"].steps.tolist() == [20, 40]
    assert run.curves["lr"].values.tolist() == [1e-4, 1e-4]
    assert "eta_seconds" not in run.curves
    (evaluation,) = run.evaluations
    assert (evaluation.step, evaluation.metrics["mIoU"]) == (40, 43.5)
    assert (evaluation.metrics["mAcc"], evaluation.metrics["aAcc"]) == (56.0, 80.0)
    wall, screen = evaluation.classes
    assert (wall.name, wall.iou, wall.acc) == ("wall", 77.25, 88.5)
    assert math.isnan(screen.iou)
    assert run.environment["GPU 0,1,2,3,4,5,6,7"].value == "NVIDIA A100 (arch=8.0)"
    assert [(load.path, load.purpose) for load in run.weights] == [("swin_tiny.pkl", "init")]
    assert_evidence_exists(run)


@pytest.mark.parametrize("kept", ["log.txt", "metrics.json"])
def test_one_file_of_it_is_enough(tmp_path, kept):
    write_output(tmp_path / "whole")
    for path in (tmp_path / "whole" / kept, write(tmp_path / "one" / kept, "")):
        path.write_text((tmp_path / "whole" / kept).read_text())
        run = read_run(path if path.parent.name == "whole" else path.parent)
        assert run.curves["loss"].steps.tolist() == [20, 40]
        assert run.last.value == 43.5
        assert_evidence_exists(run)


def test_a_log_under_another_name(tmp_path):
    colours = "\x1b[32m[07/12 12:00:00 d2.utils.events]: \x1b[0m eta: 0:00:01  iter: 19  "
    path = write(
        tmp_path / "console.txt", f"{colours}total_loss: 2.5  lr: N/A  max_mem: 9M\n{KERNEL}\n"
    )
    run = read_run(path)
    assert (run.curves["loss"].steps.tolist(), run.curves["loss"].values.tolist()) == ([20], [2.5])
    assert "lr" not in run.curves
    assert run.console[0].kind == "kernel-launch"


def test_the_final_scores_are_recorded_under_the_number_of_all_iterations(tmp_path):
    last = {"iteration": 160000, "sem_seg/mIoU": 47.5}
    write(tmp_path / "metrics.json", metrics(record(159980), record(160000), last))
    for config in ("", CONFIG):
        if config:
            write(tmp_path / "config.yaml", config)
        run = read_run(tmp_path)
        assert [(s.step, s.value) for s in run.scores] == [(160000, 47.5)]
        assert value(run, "iterations") == 160000


def test_a_resumed_training_goes_back(tmp_path):
    first = [record(step) for step in (20, 40, 60)] + [{"iteration": 59, "sem_seg/mIoU": 1.0}]
    again = [record(60, total_loss=9.0), record(80)]
    write(tmp_path / "metrics.json", metrics(*first[:3], *again))
    run = read_run(tmp_path)
    assert run.curves["loss"].steps.tolist() == [20, 40, 60, 80]
    write(tmp_path / "metrics.json", metrics(*first, record(40, total_loss=9.0), record(60)))
    run = read_run(tmp_path)
    assert run.timestamps == ("start 1", "start 2")
    assert run.curves["loss"].values.tolist() == [58.0, 9.0, 54.0]
    assert run.segments[1].resumed_at.value == 20
    assert run.scores == ()  # of an iteration that the resumption discarded
    assert run.notes == ()


def test_a_resumption_that_the_log_states(tmp_path):
    text = log(steps=(20, 40)) + log(done=20, steps=(40, 60), scores="44.0000,70,56,80")
    write(tmp_path / "log.txt", text)
    run = read_run(tmp_path)
    assert run.segments[1].resumed_at.value == 20
    assert [load.purpose for load in run.weights] == ["init", "resume"]
    assert [(score.step, score.value) for score in run.scores] == [(60, 44.0)]
    assert_evidence_exists(run)


def test_keys_that_did_not_match(tmp_path):
    shapes, missing, unused = (
        said(text, "fvcore", "WARNING")
        for text in (
            "Skip loading parameter 'head.w' to the model due to incompatible shapes: ...",
            "Some model parameters or buffers are not found in the checkpoint:",
            "The checkpoint state_dict contains keys that are not used by the model:",
        )
    )
    missing += "\x1b[34mbackbone.norm0.{bias, weight}\x1b[0m\n"
    unused += "  \x1b[35mfc.{bias, weight}\x1b[0m\n"
    run = read_run(write_output(tmp_path, extra=shapes + missing + unused))
    (load,) = run.weights
    assert load.mismatched == ("head.w",)
    assert load.missing == ("backbone.norm0.{bias, weight}",)
    assert load.unexpected == ("fc.{bias, weight}",)
    assert load.listed.line is not None
    assert sum(message.count for message in run.messages) == 3


def test_cityscapes_has_a_name_of_its_own_for_the_score(tmp_path):
    scores = {"sem_seg/IoU": 79.0, "sem_seg/iIoU": 60.0}
    write(tmp_path / "metrics.json", metrics(record(20, **scores)))
    run = read_run(tmp_path)
    assert run.last.value == 79.0


def test_a_resnet_and_a_batch_that_the_processes_do_not_share_evenly(tmp_path):
    text = CONFIG.replace("D2SwinTransformer", "build_resnet_backbone")
    text = text.replace("  WEIGHTS:", "  RESNETS:\n    DEPTH: 50\n  WEIGHTS:")
    write_output(tmp_path, world=3)
    write(tmp_path / "config.yaml", text)
    run = read_run(tmp_path)
    assert value(run, "backbone") == "R-50-D32"
    assert (value(run, "effective_batch"), value(run, "samples_per_gpu")) == (16, None)


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['touch pwned']\n",
        "- 1\n- 2\n",
        "a: [\n",
        "x" * 400_000,
        "a: &a [*a]\n",
        "",
        "MODEL: 3\nSOLVER: [1]\nDATASETS: {TRAIN: 5}\n",
        "INPUT: {CROP: {ENABLED: true, TYPE: absolute, SIZE: [a]}}\n",
    ],
)
def test_a_hostile_config_costs_only_itself(tmp_path, text):
    write_output(tmp_path)
    write(tmp_path / "config.yaml", text)
    run = read_run(tmp_path)
    assert run.last.value == 43.5
    assert not (tmp_path / "pwned").exists()


def test_records_that_are_none(tmp_path):
    text = metrics(record(20)) + '[1]\n{"iteration": -1}\n{"iteration": 1e400}\n{"total\n'
    write(tmp_path / "metrics.json", text + metrics(record(40)))
    run = read_run(tmp_path)
    assert run.curves["loss"].steps.tolist() == [20, 40]
    assert (run.unread[0].line, run.unread[0].count) == (2, 4)


def test_metrics_of_something_else_are_none(tmp_path):
    write(tmp_path / "metrics.json", json.dumps({"accuracy": 0.9}))
    with pytest.raises(RunFormatError):
        read_run(tmp_path)


def test_its_folders_are_found(tmp_path):
    write_output(tmp_path / "a/b")
    write(tmp_path / "c/log.txt", "other")
    assert list(find_runs(tmp_path)) == [tmp_path / "a/b"]
