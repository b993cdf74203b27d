"""A parity report beside a run: a step that differs becomes the cause it is known for."""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from parity.causes.catalogue import all_causes, cause
from parity.causes.cause import Found, RuledOut, Unchecked
from parity.causes.examine import examine
from parity.causes.parity_results import ParityResults, StepOutcome
from parity.check.cases import all_steps
from parity.errors import InputError
from parity.report.document import Likeness, Report, StepEntry
from parity.report.json import read_parity, render_json

from .made import context, run, verdict_on


def results(step, verdict="different", diagnosis=""):
    outcome = StepOutcome(step, verdict, "case 3: 12 elements differ", diagnosis)
    return ParityResults("report.json", {step: (outcome,)})


# cause, step, a diagnosis that names it, one that names another mistake
NAMED = [
    ("reduce-zero", "load", "the zero label is reduced twice", "the image is read as RGB"),
    ("label-map-order", "load", "label_map applied before the reduction", "the image is RGB"),
    ("label-interpolated", "resize", "labels are resized bilinearly", "PIL antialiases"),
    ("resize-backend", "resize", "resized by PIL with antialiasing", "labels are bilinear"),
    ("avg-non-ignore", "loss_ce", "averaged over valid pixels: avg_non_ignore", "a class weight"),
    ("align-corners", "logits_resize", "align_corners flipped", "another mode"),
    ("cat-max-ratio", "crop", "cat_max_ratio is 1.0", "crops one pixel short"),
    ("channel-order", "collate", "channels stay BGR", "pads on the left"),
    ("iou-average", "iou", "IoU is averaged per image", "ids are shifted"),
    ("nan-class", "iou", "absent classes count as 0, not NaN", "ids are shifted"),
    ("metric-ignore", "iou", "ignored pixels are counted", "ids are shifted"),
    ("lowres-eval", "load_annotation", "labels at the reduced size", "another decoder"),
]
# Any difference in these steps is the cause.
WHOLE = [
    ("photometric", "photometric"),
    ("grad-clip", "optim_clip"),
    ("paramwise", "optim_groups"),
    ("schedule-end", "schedule"),
    ("accumulation-trap", "optim_accumulate"),
    ("pad-not-removed", "postprocess"),
    ("dead-kernel", "deform_attn"),
]


@pytest.mark.parametrize(("name", "step", "told", "other"), NAMED)
def test_a_named_mistake_is_found_and_another_is_not(name, step, told, other):
    found = verdict_on(name, context(parity=results(step, diagnosis=told)))
    assert found.confidence == "likely"
    assert found.evidence[-1].file == "report.json"
    missed = examine(cause(name), context(parity=results(step, diagnosis=other)))
    assert not isinstance(missed, Found)


@pytest.mark.parametrize(("name", "step", "told", "other"), NAMED)
def test_a_difference_without_diagnosis_is_only_possible(name, step, told, other):
    found = verdict_on(name, context(parity=results(step)))
    assert found.confidence == "possible"


@pytest.mark.parametrize(("name", "step"), WHOLE)
def test_any_difference_in_the_step_is_the_cause(name, step):
    found = verdict_on(name, context(parity=results(step)))
    assert found.confidence == "likely"


def test_equal_steps_rule_out_what_the_files_leave_open():
    odd = run(values={"val_evaluator": {"type": "MyMetric"}})
    verdict_on("nan-class", context(odd), Unchecked)
    verdict = verdict_on("nan-class", context(odd, parity=results("iou", "equal")), RuledOut)
    assert "parity check" in verdict.by


def test_steps_that_were_not_compared_rule_nothing_out():
    odd = run(values={"val_evaluator": {"type": "MyMetric"}})
    given = context(odd, parity=results("iou", "not compared"))
    verdict_on("nan-class", given, Unchecked)


def test_an_equal_op_on_this_machine_says_nothing_about_another():
    asked = {("model", "decode_head", "pixel_decoder"): {"type": "MSDeformAttnPixelDecoder"}}
    given = context(run(changes=asked), parity=results("deform_attn", "equal"))
    verdict_on("dead-kernel", given, Unchecked)


def test_equal_steps_do_not_hide_what_the_config_says():
    given = run(changes={("optim_wrapper", "clip_grad"): {"max_norm": 5.0}})
    verdict_on("grad-clip", context(given, parity=results("optim_clip", "equal")))


def test_every_step_pattern_names_a_real_step():
    names = {step.name for step in all_steps()}
    for item in all_causes():
        if item.step:
            assert any(fnmatchcase(name, item.step) for name in names), item.id


def _entry(step, verdict, diagnosis=""):
    return StepEntry(
        pipeline="train", step=step, cases=3, failed=1, skipped=0, unstable=0, isolated=verdict,
        chained="different", enters=True, max_abs=1.0, max_ulp=1, worst="1", first="case 1",
        why_skipped="", why_unstable="", diagnosis=Likeness(diagnosis),
    )  # fmt: skip


def _report(tmp_path: Path, *entries) -> Path:
    report = Report("different", "", "candidate", "reference", steps=entries)
    path = tmp_path / "report.json"
    path.write_text(render_json(report))
    return path


def test_a_report_is_read_by_its_isolated_verdicts(tmp_path):
    path = _report(tmp_path, _entry("resize", "different", "PIL"), _entry("crop", "equal"))
    read = read_parity(path)
    assert read.of("resize")[0].differs
    assert read.of("resize")[0].diagnosis == "PIL"
    assert not read.of("crop")[0].differs  # it differs only by what came before it


@pytest.mark.parametrize("text", ["", "{}", "[1]", json.dumps({"format": 1}), "\x00"])
def test_a_file_that_is_no_report_is_one_clear_error(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"report\.json"):
        read_parity(path)


def test_a_report_without_steps_is_refused(tmp_path):
    with pytest.raises(InputError, match="compared no step"):
        read_parity(_report(tmp_path))
