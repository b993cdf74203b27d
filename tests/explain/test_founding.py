"""The case that started this project, from its files to its answer."""

import pytest

from parity.explain.explain import explain
from parity.report.explanation import render_all
from parity.runs.read import read_run
from tests.causes.founding import ERROR, KNET, SWIN_S, write_checkpoint, write_console, write_run

pytestmark = pytest.mark.live


@pytest.fixture
def swin(tmp_path):
    run = write_run(tmp_path, SWIN_S, folder="mask2former", score=44.0)
    write_console(run)
    return run


def _gap(answer):
    return answer.row.name, answer.row.miou, round(answer.gap, 1)


def test_log_and_console_name_both_and_say_that_they_are_not_separable(swin):
    answer = explain(read_run(swin))
    assert _gap(answer) == (SWIN_S, 51.24, -7.2)
    assert answer.noise.outside
    assert answer.status == "explained"
    assert answer.verdict == "explained: dead-kernel, effective-batch"
    parts = [(f.id, f.part_of) for f in answer.findings if f.part_of]
    assert {("fewer-epochs", "effective-batch"), ("lr-unscaled", "effective-batch")} == set(parts)
    [said] = answer.inseparable
    assert said.ids == ("dead-kernel", "effective-batch")
    assert said.text.startswith("from the log alone")
    assert said.separable_by.startswith("a checkpoint")
    assert "how many points each costs, it does not show" in said.separable_by
    assert "checkpoint" in answer.next_test
    dead = answer.findings[0]
    assert (dead.evidence[0].file, dead.evidence[0].line) == ("nohup.out", 2)
    assert dead.evidence[0].text == ERROR
    assert dead.effects[0].status == "unmeasured"
    batch = answer.findings[1]
    assert batch.detail.startswith("1 x 2 x 1 (GPUs x samples x accumulation) = 2, not 16")
    passes = next(f for f in answer.findings if f.id == "fewer-epochs")
    assert "15.8 passes over 20210 images instead of 126.7" in passes.detail


def test_the_misread_row_is_listed_as_near(swin):
    near = {row.name: row.miou for row in explain(read_run(swin)).near}
    assert near["mask2former_swin-b-in1k-384x384-pre_8xb2-160k_ade20k-640x640"] == 52.44


def test_the_misread_row_given_by_hand_is_the_wrong_row(swin):
    wrong = "mask2former_swin-b-in1k-384x384-pre_8xb2-160k_ade20k-640x640"
    answer = explain(read_run(swin), against=wrong)
    finding = next(f for f in answer.findings if f.id == "wrong-row")
    assert SWIN_S in finding.detail
    assert "51.24" in finding.detail


def test_the_log_without_console_still_names_the_kernel_as_not_excluded(swin):
    (swin / "nohup.out").unlink()
    answer = explain(read_run(swin))
    assert answer.cause_ids == ("effective-batch",)
    assert answer.status == "not settled"
    assert answer.not_excluded == ("dead-kernel",)
    assert answer.verdict == "not settled: found effective-batch; not excluded dead-kernel"
    assert answer.inseparable[0].ids == ("dead-kernel", "effective-batch")


def test_a_dead_checkpoint_decides_that_the_kernel_was_dead_but_not_what_it_costs(swin):
    write_checkpoint(swin, dead=True)
    (swin / "nohup.out").unlink()
    answer = explain(read_run(swin))
    dead = answer.findings[0]
    assert (dead.id, dead.confidence) == ("dead-kernel", "certain")
    assert "times 0.656" in dead.detail
    assert "predicts 0.656" in dead.detail
    assert "config's schedule" in dead.detail
    assert "3200 logged rates" in dead.detail
    assert "the checkpoint decides that the kernel was dead" in answer.inseparable[0].text
    assert "how many points each costs is in no file" in answer.inseparable[0].text
    assert "only the op fixed" in answer.next_test


def test_a_trained_checkpoint_rules_the_kernel_out(swin):
    write_checkpoint(swin, dead=False)
    (swin / "nohup.out").unlink()
    answer = explain(read_run(swin))
    assert answer.cause_ids == ("effective-batch",)
    [dead] = [item for item in answer.unchecked if item.id == "dead-kernel"]
    assert dead.why.startswith("not dead throughout")
    assert not dead.silent
    assert answer.status == "explained"
    assert answer.inseparable == ()


def test_knet_beside_it_is_within_noise_and_keeps_its_caveats(tmp_path):
    run = write_run(tmp_path, KNET, folder="knet", score=51.9)
    answer = explain(read_run(run))
    assert (answer.row.name, answer.row.miou) == (KNET, 52.05)
    assert answer.status == "within noise"
    assert not answer.noise.outside
    assert answer.noise.runs_needed > 50
    assert "effective-batch" in answer.cause_ids
    assert "dead-kernel" in [item.id for item in answer.ruled_out]
    text = render_all(answer)
    assert "within seed noise" in text
    assert "PoolFormer" in text
