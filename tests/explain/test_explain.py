"""The answer as a whole: status, order, and what hostile or odd runs do to it."""

import importlib
import json
import math
import os
import pickle
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from parity.causes.catalogue import all_causes, cause
from parity.causes.cause import Cause, Found, RunContext, Unchecked
from parity.causes.examine import SETTING, examine, rank
from parity.cli.explain import exit_code
from parity.cli.explain import explain as command
from parity.errors import InputError, RunFormatError
from parity.explain.explain import explain
from parity.fixtures import fixtures_root
from parity.report.explained import report_of_explanation
from parity.report.explanation import as_document, render_all, render_json
from parity.report.html import render_html
from parity.report.json import read_report
from parity.report.markdown import render_markdown
from parity.report.terminal import render_text
from parity.runs.facts import Source, Unread
from parity.runs.read import read_run
from tests.causes.made import CONFIG, LOG, context, run

RUNS = fixtures_root() / "runs"
HOSTILE = "\x1b[31m</code><script>alert(1)</script>\u202e|`*_\n# forged"


def beside(score, **given):
    """A run whose score is `score`, beside one at 50."""
    return explain(run(scores=((1000, score),), **given), against=run(scores=((1000, 50.0),)))


@pytest.mark.parametrize(
    ("score", "given", "status", "code"),
    [
        (44.0, {"effective_batch": 2}, "explained", 0),
        (44.0, {}, "unexplained", 1),
        (49.8, {}, "within noise", 0),
        (49.8, {"effective_batch": 2}, "within noise", 0),
        (float("nan"), {}, "no gap", 3),
        (56.0, {}, "unexplained", 1),
        (56.0, {"effective_batch": 2}, "explained", 0),  # a twin has no preferred direction
    ],
)
def test_status_and_exit_code(score, given, status, code):
    answer = beside(score, **given)
    assert (answer.status, exit_code(answer)) == (status, code)


def test_every_cause_is_answered_exactly_once():
    answer = beside(44.0, effective_batch=2)
    told = [x.id for part in (answer.findings, answer.ruled_out, answer.unchecked) for x in part]
    told = [name for name in told if not name.startswith(SETTING)]
    assert sorted(told) == sorted(item.id for item in all_causes())


def test_what_broke_most_comes_first_and_parts_come_last():
    broken = {"sync_bn": Source(LOG, 4, "SyncBN reverted")}
    answer = beside(30.0, effective_batch=2, notices=broken, iterations=300)
    ids = [finding.id for finding in answer.findings]
    assert ids[:3] == ["truncated-run", "syncbn-reverted", "effective-batch"]
    assert set(ids[3:]) == {"fewer-epochs", "lr-unscaled"}
    assert rank(answer.findings) == answer.findings


def test_ranges_come_from_the_documented_figures_alone():
    [batch] = [f for f in beside(44.0, effective_batch=2).findings if f.id == "effective-batch"]
    assert batch.effect_range == (37.41 - 15 - 2 * (37.41 - 15), 48.87 - 53.61) or (
        batch.effect_range == pytest.approx((-22.41, -4.74))
    )
    [last] = [f for f in beside(44.0, iterations=1).findings if f.id == "truncated-run"]
    assert last.effect_range is None


def test_top_1_points_are_no_points_of_miou():
    changes = {("val_dataloader", "dataset", "pipeline", 1, "backend"): "pillow"}
    [found] = [f for f in beside(44.0, changes=changes).findings if f.id == "resize-backend"]
    assert found.effect_range is None


def test_an_odd_value_of_a_file_does_not_hide_other_causes_but_a_bug_of_ours_shows():
    def trips(given: RunContext):
        raise RunFormatError("config.py: lr is 'x', not a number")

    def broken(given: RunContext):
        return given.run.config.values["no such key"]

    verdict = examine(Cause("odd", "t", "m", "f", "s", detect=trips), context())
    assert isinstance(verdict, Unchecked)
    assert "unexpected form" in verdict.why
    with pytest.raises(KeyError):
        examine(Cause("odd", "t", "m", "f", "s", detect=broken), context())


ODD = [None, 3, "x", [], [1, "a", None], {}, {"type": 3}, {"type": None}, [[{"type": []}]]]


@pytest.mark.parametrize("odd", [*ODD, math.nan], ids=repr)
def test_odd_values_anywhere_in_a_config_never_raise(odd):
    paths = [(key,) for key in CONFIG]
    paths += [("model", key) for key in CONFIG["model"]]
    paths += [(side, "dataset") for side in ("train_dataloader", "val_dataloader")]
    paths += [(side, "dataset", "pipeline") for side in ("train_dataloader", "val_dataloader")]
    paths += [("optim_wrapper", key) for key in CONFIG["optim_wrapper"]]
    for path in paths:
        for item in all_causes():
            examine(item, context(run(changes={path: odd}, effective_batch=2)))


def test_nothing_from_a_file_becomes_markup_or_a_control_character():
    answer = beside(44.0, name=HOSTILE, effective_batch=2)
    answer = replace(answer, unread=(Unread(HOSTILE, HOSTILE, 3),))
    report = report_of_explanation(answer)
    page, markdown = render_html(report), render_markdown(report)
    for text in (page, render_text(answer), render_all(answer), markdown):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\n# forged" not in text
        assert "<script>alert" not in text or text in (render_text(answer), render_all(answer))


def test_the_page_loads_nothing():
    """Addresses of issues are links to click; the policy forbids all that loads by itself."""
    page = render_html(report_of_explanation(beside(44.0, effective_batch=2)))
    assert "default-src &#39;none&#39;" in page
    assert "src=" not in page
    assert "@import" not in page
    assert "https://github.com/microsoft/unilm/issues/443" in page


def test_json_has_a_format_number_and_no_bare_nan():
    answer = beside(float("nan"))
    document = json.loads(render_json(answer), parse_constant=pytest.fail)
    assert document["format"] == 2
    assert document == as_document(answer)
    assert document["last"]["value"] == "nan"
    assert render_json(answer) == render_json(beside(float("nan")))


def test_a_directory_without_a_run_is_refused(tmp_path):
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(InputError, match=str(tmp_path)):
        explain(read_run(tmp_path))


class Payload:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_hostile_directory_is_explained_without_running_anything(tmp_path):
    marker = tmp_path / "ran"
    work = tmp_path / "work"
    start = work / "20240101_000000"
    (start / "vis_data").mkdir(parents=True)
    (start / "vis_data" / "config.py").write_text(f"import os\nx = os.system('touch {marker}')\n")
    (start / "20240101_000000.log").write_text(
        "2024/01/01 00:00:00 - mmengine - INFO - Iter(train) [ 10/100]  lr: 1e-4  loss: 3.0\n"
    )
    (work / "iter_10.pth").write_bytes(pickle.dumps({"state_dict": Payload(f"touch {marker}")}))
    (work / "out").symlink_to("/etc")
    (work / "a\nb.log").write_text("x")
    answer = explain(read_run(work))
    assert not marker.exists()
    read = {item.file for item in answer.unread}
    assert any("config.py" in note for note in answer.notes)
    assert any("iter_10.pth" in file for file in read)
    assert "\n" not in "".join(read)
    render_text(answer), render_html(report_of_explanation(answer))


@pytest.fixture
def cli():
    import typer

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_prints_and_writes(cli, tmp_path):
    files = [tmp_path / name for name in ("a.json", "a.html", "a.md")]
    done = cli(
        RUNS / "reduce-zero", "--against", RUNS / "healthy-fcn", "--out", tmp_path / "out",
        "--json", files[0], "--html", files[1], "--markdown", files[2],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "reduce-zero (certain)" in done.output
    assert json.loads(files[0].read_text())["status"] == "explained"
    assert all(path.stat().st_size > 1000 for path in files)
    report = read_report(tmp_path / "out" / "report.json")
    assert report.label == "explained: reduce-zero"
    assert files[1].read_bytes() == (tmp_path / "out" / "report.html").read_bytes()
    assert files[2].read_bytes() == (tmp_path / "out" / "report.md").read_bytes()


def test_an_answer_in_json_is_no_report(tmp_path):
    (tmp_path / "a.json").write_text(render_json(beside(44.0)))
    with pytest.raises(InputError, match="parity explain --out"):
        read_report(tmp_path / "a.json")


def test_the_command_takes_a_console_from_elsewhere(cli, tmp_path):
    console = tmp_path / "captured.txt"
    console.write_bytes((RUNS / "dead-kernel-console" / "console.out").read_bytes())
    done = cli(RUNS / "healthy", "--console", console)
    assert "dead-kernel (likely)" in done.output
    assert "captured.txt:" in cli(RUNS / "healthy", "--console", console, "--all").output


def test_an_unexplained_gap_is_exit_code_1(cli, monkeypatch):
    # The package binds the name of this module to the command in it.
    module = importlib.import_module("parity.cli.explain")
    monkeypatch.setattr(
        module,
        "read_run",
        lambda path, **_: run(scores=((1000, 50.0 if path.name == "healthy" else 44.0),)),
    )
    done = cli(RUNS / "healthy-fcn", "--against", RUNS / "healthy")
    assert done.exit_code == 1
    assert "unexplained" in done.output


@pytest.mark.parametrize("words", [["nowhere"], [RUNS / "healthy", "--parity", RUNS / "README.md"]])
def test_bad_input_is_an_input_error(cli, words):
    done = cli(*words)
    assert isinstance(done.exception, InputError)


def test_findings_are_evidence_based():
    for item in all_causes():
        verdict = examine(item, context(run(effective_batch=2)))
        if isinstance(verdict, Found):
            assert verdict.evidence
    assert cause("effective-batch").test
