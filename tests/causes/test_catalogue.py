"""Every cause on a run that has it, and on one that does not."""

import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from parity.causes.catalogue import all_causes, cause
from parity.causes.cause import Found, RuledOut, RunContext, Unchecked
from parity.report.catalogue import causes_table
from parity.runs.facts import Fact, Source
from parity.runs.record import ClassScore, Settings

from .made import (  # fmt: skip
    CONFIG,
    DELETE,
    LOG,
    ROW,
    TRAIN,
    VAL,
    context,
    curve,
    launch,
    load,
    run,
    segment,
)

OPTIM = ("optim_wrapper",)
HEAD = ("model", "decode_head")
LOSS = (*HEAD, "loss_decode")
PAD = {"type": "Pad", "size": (512, 512)}
SLIDE = {"mode": "slide", "crop_size": (512, 512), "stride": (341, 341)}
OTHER_ROW = replace(ROW, name="net_r101_8xb2-160k_ade20k-640x640")
DEFORMABLE = {(*HEAD, "pixel_decoder"): {"type": "mmdet.MSDeformAttnPixelDecoder"}}
CUDA_12 = {"PyTorch": "2.1.0+cu121"}
FIRST, RESTARTED = (
    segment(),
    segment("20240102_000000", weights=(load("work/iter_500.pth", "load"),)),
)
GOING_ON = segment("20240102_000000", rates=(1e-6, 8e-7, 0.0), steps=(1000, 1500, 2000))
VIT = {("model", "backbone", "type"): "mmpretrain.VisionTransformer"}
RESNET = {("model", "backbone", "type"): "ResNetV1c"}
SUBSET_VAL = {"samples": 32}
MANY = segment(
    curves={
        name: curve(name, (1, 200, 400, 700, 1000), values)
        for name, values in (
            ("loss", (3.0, 2.5, 2.0, 1.5, 1.0)),
            ("lr", (1e-4, 8e-5, 6e-5, 3e-5, 0.0)),
        )
    }
)
ALIKE = run(segments=(MANY,))


NAN, INF = float("nan"), float("inf")


def of(**given):
    """A run that is healthy apart from what is given, beside its row."""
    return context(run(**given))


def changed(*path, to):
    return of(changes={path: to})


def with_curve(name, values, time=None):
    """A run that logged `values`, its loss falling unless it is given."""
    steps = range(100, 100 * len(values) + 1, 100)
    made = {"loss": tuple(3.0 - step / 1000 for step in steps), name: values}
    if time is not None:
        made["time"] = time
    curves = {key: curve(key, tuple(steps), given) for key, given in made.items()}
    return of(segments=(segment(curves=curves),))


def listing(*classes, samples=2000):
    """A run of 8 processes whose validations list classes."""
    made = run(samples=samples)
    rows = tuple(ClassScore(name, iou, iou) for name, iou in classes)
    mean = [iou for _, iou in classes if not math.isnan(iou)]
    found = tuple(
        replace(item, classes=rows, metrics={"mIoU": sum(mean) / len(mean)})
        for item in made.evaluations
    )
    return replace(made, evaluations=found)


HITS: dict[str, list[RunContext]] = {
    "dead-kernel": [of(console=(launch(),))],
    "mmcv-guard-edited": [of(environment={"MMCV": "2.2.0", "MMSegmentation": "1.2.2"})],
    "cuda-mismatch": [of(environment={**CUDA_12, "MMCV CUDA Compiler": "11.7"})],
    "effective-batch": [of(world_size=1, effective_batch=2)],
    "fewer-epochs": [of(world_size=1, effective_batch=2)],
    "lr-unscaled": [of(world_size=1, effective_batch=2)],
    "accumulation-trap": [
        changed(*OPTIM, "accumulative_counts", to=8),
        context(
            run(changes={(*OPTIM, "accumulative_counts"): 8, ("auto_scale_lr", "enable"): True}),
            expected=None,
        ),
    ],
    "syncbn-reverted": [of(notices={"sync_bn": Source(LOG, 4, "SyncBN reverted")})],
    "bn-split": [changed(*HEAD, "norm_cfg", to={"type": "BN", "requires_grad": True})],
    "schedule-end": [
        changed("param_scheduler", 0, "end", to=500),
        changed("param_scheduler", 0, "by_epoch", to=True),
        changed("param_scheduler", 0, "by_epoch", to=DELETE),  # True is mmengine's default
    ],
    "rate-zero": [
        of(segments=(segment(rates=(0.0, 0.0, 0.0)),)),
        changed(*OPTIM, "paramwise_cfg", "custom_keys", "backbone", "lr_mult", to=0.0),
        changed(*OPTIM, "optimizer", "lr", to=0.0),
    ],
    "rate-off-schedule": [
        of(segments=(segment(rates=(1e-4,) * 6, steps=(10, 200, 400, 600, 800, 1000)),))
    ],
    "diverged": [with_curve("loss", (2.0, NAN, NAN)), with_curve("loss", (2.0, 1.0, INF))],
    "loss-lost": [
        with_curve("loss", (0.0,) * 6),
        with_curve("loss", (0.7, 0.0, 0.0, 0.0, 0.0, 0.0)),
        with_curve("loss", (1.5,) * 6, time=(0.31, 0.32, 0.31, 0.3, 0.33, 0.3)),
    ],
    "gradient-lost": [with_curve("grad_norm", (0.0,) * 6), with_curve("grad_norm", (INF,) * 6)],
    "class-never-scored": [context(listing(("wall", NAN), ("sky", 3.0), samples=250))],
    "score-constant": [of(scores=tuple((step, 0.31) for step in (1, 2, 3, 4)))],
    "evaluation-only": [
        context(ALIKE, other=run(segments=(MANY,), scores=((500, 40.0), (1000, 48.0))), row=None)
    ],
    "num-classes": [changed(*HEAD, "num_classes", to=151)],
    "warm-up": [
        context(
            expected={
                **CONFIG,
                "param_scheduler": [
                    {"type": "LinearLR", "begin": 0, "end": 10},
                    *CONFIG["param_scheduler"],
                ],
            }
        )
    ],
    "truncated-run": [of(iterations=400)],
    "early-score": [of(scores=((100, 36.0),))],
    "grad-clip": [changed(*OPTIM, "clip_grad", to=DELETE), changed(*OPTIM, "clip_grad", to={})],
    "paramwise": [changed(*OPTIM, "paramwise_cfg", to=DELETE)],
    "amp": [changed(*OPTIM, "type", to="AmpOptimWrapper")],
    "resume": [of(segments=(FIRST, RESTARTED))],
    "pretrain-absent": [
        of(weights=()),
        of(weights=(), changes={("model", "backbone", "init_cfg"): None}),
        of(weights=(), notices={"no_pretrained": Source(LOG, 4, "No pre-trained")}),
    ],
    "keys-unmatched": [
        of(weights=(load(missing=("conv1.weight",), unexpected=("encoder.conv1.weight",)),)),
        of(weights=(load(mismatched=("patch_embed.weight",)),)),
    ],
    "pos-embed": [of(changes=VIT, weights=(load(mismatched=("pos_embed",)),))],
    "alt-pretrain": [
        changed("model", "backbone", "init_cfg", "checkpoint", to="a/swin_small_1k.pth")
    ],
    "reduce-zero": [
        changed(*TRAIN, 1, "reduce_zero_label", to=False),
        of(changes={(*s, i, "reduce_zero_label"): False for s, i in ((TRAIN, 1), (VAL, 2))}),
    ],
    "label-map-order": [
        of(
            changes={("train_dataloader", "dataset", "metainfo"): {"classes": ("a", "b")}},
            environment={"MMSegmentation": "1.0.0"},
        )
    ],
    "avg-non-ignore": [changed(*LOSS, "avg_non_ignore", to=True)],
    "resize-backend": [changed(*VAL, 1, "backend", to="pillow")],
    "test-align": [changed(*VAL, 1, "type", to="ResizeToMultiple")],
    "pad-not-removed": [changed(*VAL, 3, to=PAD)],
    "align-corners": [changed(*HEAD, "align_corners", to=True)],
    "cat-max-ratio": [changed(*TRAIN, 3, "cat_max_ratio", to=DELETE)],
    "channel-order": [changed("model", "data_preprocessor", "bgr_to_rgb", to=False)],
    "photometric": [changed(*TRAIN, 5, to={"type": "PackSegInputs"})],
    "crop-size": [changed(*TRAIN, 3, "crop_size", to=(640, 640))],
    "worker-seed": [of(framework="own loop", environment={"PyTorch": "1.8.1"})],
    "data-subset": [
        of(**SUBSET_VAL),
        of(dataset_size=2000),
        changed("train_dataloader", "dataset", "indices", to=100),
    ],
    "wrong-row": [context(own=OTHER_ROW), changed("model", "backbone", "depths", to=[2, 18])],
    "tta": [of(test_time_augmentation="ms+flip")],
    "slide-whole": [changed("model", "test_cfg", to=SLIDE)],
    "lowres-eval": [
        of(changes={(*VAL, 1): {"type": "LoadAnnotations"}, (*VAL, 2): {"type": "Resize"}})
    ],
    "minimal-port": [of(changes={(*TRAIN, i): {"type": "PackSegInputs"} for i in (2, 3, 5)})],
    "best-vs-last": [of(scores=((500, 46.0), (1000, 44.0)))],
    "seed-noise": [context(gap=-0.4)],
}
# Found by a parity check alone: see test_parity_results.py.
BY_PARITY = {"label-interpolated", "iou-average", "nan-class", "metric-ignore"}
# Never found, only ruled out or left open: no file of a run states it.
NEVER = {"tf32"}

NOOPS: dict[str, list[RunContext]] = {
    "dead-kernel": [context()],
    "mmcv-guard-edited": [of(environment={"MMCV": "2.1.0", "MMSegmentation": "1.2.2"})],
    "cuda-mismatch": [
        of(environment={"PyTorch": "2.0.1+cu117", "MMCV CUDA Compiler": "11.8"}),
        of(environment={"CUDA available": "False"}),
    ],
    "effective-batch": [context(), of(world_size=1, samples_per_gpu=2, accumulation=8)],
    "lr-unscaled": [
        context(),
        of(effective_batch=2, notices={"lr_scaled": Source(LOG, 4, "LR is set based")}),
        of(effective_batch=2, changes={(*OPTIM, "optimizer", "lr"): 1.25e-5}),
    ],
    "accumulation-trap": [
        context(),
        of(changes={(*OPTIM, "accumulative_counts"): 8}, max_iters=8000),
    ],
    "syncbn-reverted": [
        context(),
        of(
            changes={(*HEAD, "norm_cfg", "type"): "GN"},
            notices={"sync_bn": Source(LOG, 4, "SyncBN reverted")},
        ),
    ],
    "bn-split": [
        context(),
        of(changes={(*HEAD, "norm_cfg"): {"type": "BN"}}, samples_per_gpu=16),
        changed(*HEAD, "norm_cfg", to={"type": "BN", "requires_grad": False}),
    ],
    "truncated-run": [context(), of(iterations=990, max_iters=1000)],
    "early-score": [context(), of(scores=((950, 44.0),))],
    "resume": [context(), of(segments=(FIRST, GOING_ON))],
    "keys-unmatched": [
        of(changes=RESNET),
        of(weights=(load(missing=("norm1.weight", "norm3.bias")),)),
        of(weights=(load(unexpected=("stages.0.blocks.1.attn_mask", "head.weight")),)),
    ],
    "tf32": [
        of(environment={"GPU 0": "Tesla V100-SXM2-32GB"}),
        of(environment={"CUDA available": "False"}),
    ],
    "label-map-order": [
        context(),
        of(
            changes={("train_dataloader", "dataset", "metainfo"): {"classes": ("a", "b")}},
            environment={"MMSegmentation": "1.2.2"},
        ),
    ],
    "worker-seed": [context(), of(framework="own loop", environment={"PyTorch": "2.0.1"})],
    "data-subset": [of(dataset_size=20210, loaded_images=20210)],
    "class-never-scored": [context(listing(("wall", 70.0), ("sky", 3.0)))],
    "evaluation-only": [context(ALIKE, other=ALIKE, row=None)],
    "gradient-lost": [with_curve("grad_norm", (0.3, 0.2, 0.1))],
    "rate-off-schedule": [
        of(segments=(segment(rates=(1e-4, 8e-5, 6e-5, 3e-5, 0.0), steps=(1, 200, 400, 700, 1000)),))
    ],
    "score-constant": [of(scores=tuple((s, 0.1 * s) for s in (1, 2, 3, 4)))],
    "best-vs-last": [context(), context(run(scores=((500, 46.0), (1000, 44.0))), gap=1.0)],
    "seed-noise": [context(gap=-7.2)],
    "pad-not-removed": [context(), context(expected={**CONFIG})],
}


@pytest.mark.parametrize(("name", "given"), [(n, c) for n, rows in HITS.items() for c in rows])
def test_hit(name, given):
    found = cause(name).detect(given)
    assert isinstance(found, Found), found
    assert found.why
    assert found.evidence, "a finding without evidence"


@pytest.mark.parametrize("name", [item.id for item in all_causes()])
def test_noop(name):
    for given in NOOPS.get(name, [context()]):
        verdict = cause(name).detect(given)
        assert isinstance(verdict, RuledOut), verdict
        assert verdict.by


@pytest.mark.parametrize("name", [item.id for item in all_causes()])
def test_without_files_nothing_is_found_and_what_is_lacking_is_named(name):
    bare = run(
        values=None, weights=(), scores=(), environment={"CUDA available": None, "PyTorch": None}
    )
    nothing = Settings(**{item.name: Fact() for item in fields(Settings)})
    bare = replace(bare, settings=nothing, segments=())
    verdict = cause(name).detect(RunContext(bare))
    assert not isinstance(verdict, Found)
    if isinstance(verdict, Unchecked):
        assert verdict.why
        assert verdict.needs


def test_every_cause_has_its_hit():
    assert {item.id for item in all_causes()} == HITS.keys() | BY_PARITY | NEVER


def test_every_cause_is_complete():
    for item in all_causes():
        assert item.title
        assert item.seen
        assert item.mechanism
        assert item.fix
        assert item.effects
        for effect in item.effects:
            known = effect.low is not None
            assert known == (effect.high is not None)
            assert not known or effect.status != "unmeasured", item.id
            assert effect.source or effect.status == "unmeasured", item.id


def test_the_documentation_lists_every_cause_as_it_is():
    page = (Path(__file__).resolve().parents[2] / "docs" / "causes.md").read_text()
    assert f"<!-- causes -->\n{causes_table()}\n<!-- /causes -->" in page, (
        "run python scripts/make_causes_doc.py"
    )
