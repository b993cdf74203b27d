"""The right cause first and no false one, for every run that was really made."""

from pathlib import Path

import pytest

from parity.explain.explain import explain
from parity.fixtures import fixtures_root
from parity.report.explained import report_of_explanation
from parity.report.explanation import render_all
from parity.report.write import FORMATS
from parity.runs.read import read_run
from parity.runs.text import ANSI

RUNS = fixtures_root() / "runs"
# Findings that count as causes; "parts" are sides of one of them.
EXPECTED = {
    "healthy": [],
    "healthy-fcn": [],
    "dead-kernel-both": ["dead-kernel"],
    "dead-kernel-checkpoint": ["dead-kernel"],
    "dead-kernel-console": ["dead-kernel"],
    "effective-batch": ["effective-batch"],
    "truncated-run": ["truncated-run"],
    "keys-unmatched-console": ["keys-unmatched"],
    "keys-unmatched-log": ["keys-unmatched"],
    "reduce-zero": ["reduce-zero"],
    "syncbn-reverted": ["syncbn-reverted"],
    "resume": ["resume"],
}
PARTS = {
    "effective-batch": {"fewer-epochs", "lr-unscaled"},
    "truncated-run": {"early-score"},  # 45 iterations, scored at 30
}


def test_every_fixture_is_expected():
    assert {path.name for path in RUNS.iterdir() if path.is_dir()} == set(EXPECTED)


@pytest.fixture(scope="module")
def answers():
    return {name: explain(read_run(RUNS / name)) for name in EXPECTED}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_right_cause_and_no_other(answers, name):
    answer = answers[name]
    assert list(answer.cause_ids) == EXPECTED[name]
    parts = {finding.id for finding in answer.findings if finding.part_of}
    assert parts == PARTS.get(name, set())
    assert all(finding.kind != "marker" for finding in answer.findings)


@pytest.mark.parametrize("name", [name for name, ids in EXPECTED.items() if ids])
def test_the_evidence_exists(answers, name):
    for finding in answers[name].findings:
        assert finding.evidence
        for item in finding.evidence:
            path = RUNS / name / item.file
            assert path.is_file(), item
            if item.line is None:
                assert item.tensor or item.value
                continue
            raw = path.read_bytes().split(b"\n")[item.line - 1]
            line = ANSI.sub(b"", raw).decode()
            assert item.text
            assert item.text in line


def test_the_dead_fingerprint_reports_the_measured_and_the_predicted_factor(answers):
    for name in ("dead-kernel-both", "dead-kernel-checkpoint"):
        [finding] = answers[name].findings
        assert finding.confidence == "certain"
        assert "sampling_offsets.bias is its initial grid times 0.99475" in finding.detail
        assert "predicts 0.99475" in finding.detail
        tensors = {
            Path(e.tensor).suffixes[-2] + Path(e.tensor).suffixes[-1]
            for e in finding.evidence
            if e.tensor
        }
        assert ".value_proj.bias" in tensors
        assert ".sampling_offsets.bias" in tensors


def test_the_healthy_twin_was_not_dead_throughout_by_its_tensors(answers):
    [item] = [item for item in answers["healthy"].unchecked if item.id == "dead-kernel"]
    assert "have left their initial 0" in item.why
    assert not item.silent


def test_console_alone_says_that_the_checkpoint_would_decide(answers):
    answer = answers["dead-kernel-console"]
    assert "checkpoint" in answer.next_test
    assert "whether every launch failed is not known" in answer.findings[0].detail


@pytest.mark.live
def test_no_row_of_the_zoo_is_claimed_for_a_small_model(answers):
    for answer in answers.values():
        assert answer.row is None
        assert answer.gap is None
        assert "no row has" in answer.row_reason


@pytest.mark.live
def test_against_a_row_of_another_model_the_row_is_wrong():
    answer = explain(read_run(RUNS / "healthy"), against="mask2former_r50_8xb2-160k_ade20k-512x512")
    assert (answer.status, answer.gap, answer.noise) == ("not comparable", None, None)
    assert "backbone depth 18 here, 50 there" in answer.reasons[0]
    assert "wrong-row" in [finding.id for finding in answer.findings]
    assert answer.cause_ids == ()


def rendered(answer):
    report = report_of_explanation(answer)
    return [render_all(answer), *(render(report) for _, render in FORMATS.values())]


def test_every_answer_renders(answers):
    for name, answer in answers.items():
        for text in rendered(answer):
            assert name in text.replace("\\", "")
            assert all(finding.id in text.replace("\\", "") for finding in answer.findings)
