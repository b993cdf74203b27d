import math
from dataclasses import replace

import pytest

from parity.errors import InputError
from parity.runs.facts import Config, Fact, Source
from parity.runs.read import read_run
from parity.runs.record import Evaluation
from parity.scores.runs import Explainer, RunVerdict, run_row, run_rows
from parity.scores.table import Selection
from tests.scores.sample import SIGNATURE, model, run_dir, table_of, zoo_rows

NAME = "net_r50_4xb4-80k_ade20k-512x512"
SWIN_S = "mask2former_swin-s_8xb2-160k_ade20k-512x512"


def row_of(folder, verdict=None, **changes):
    run = read_run(folder)
    if changes:
        run = replace(run, **changes)
    return run_row(str(folder), run, verdict or RunVerdict("unexplained"), dataset="ADE20K")


def line_of(tmp_path, own):
    rows = table_of(zoo_rows(tmp_path / "zoo"), [own]).rows
    return next(line for line in rows if line.run is not None)


def evaluated(run, samples, *, world, batch=1):
    """`run` as if its evaluation had logged so many batches."""
    source = Source("log", 7)
    config = Config({"val_dataloader": {"batch_size": batch}}, "config.py")
    settings = replace(run.settings, world_size=Fact(world))
    evaluation = Evaluation("val", 80000, {"mIoU": 39.5}, source, samples=samples)
    return {"evaluations": (evaluation,), "config": config, "settings": settings}


def rows_of(run, explain):
    return run_rows([("x", run)], dataset="ADE20K", explain=explain)


class TestRow:
    def test_fields(self, tmp_path):
        own = row_of(run_dir(tmp_path))
        row = own.row
        expected = ("Net", "R-50", "512x512", "80k")
        assert (row.method, row.backbone, row.crop, row.schedule) == expected
        assert (row.batch, row.miou, row.signature, row.source) == (2, 39.5, SIGNATURE, "run")
        assert (row.miou_ms, row.notes, own.marks) == (None, (), ())

    def test_best_and_last_are_apart(self, tmp_path):
        own = row_of(run_dir(tmp_path, scores=[(72000, 41.25), (80000, 39.5)]))
        assert own.row.miou == 39.5
        assert (own.best.value, own.best.step, own.last.step) == (41.25, 72000, 80000)

    def test_stopped_early(self, tmp_path):
        own = row_of(run_dir(tmp_path, scores=[(40000, 30.0)]))
        assert own.row.schedule == "40k of 80k"

    def test_without_a_score(self, tmp_path):
        own = row_of(run_dir(tmp_path), evaluations=())
        assert math.isnan(own.row.miou)
        assert own.row.notes == ("no score yet",)
        line = line_of(tmp_path, own)
        assert line.rank is None

    def test_nan_is_last_and_said(self, tmp_path):
        own = row_of(run_dir(tmp_path, scores=[(80000, math.nan)]))
        assert math.isnan(own.row.miou)
        assert "nan" in own.row.notes[0]

    def test_nothing_stated(self, tmp_path):
        keys = "method backbone dataset crop_size max_iters world_size signature"
        own = row_of(run_dir(tmp_path, **dict.fromkeys(keys.split())))
        assert (own.row.method, own.row.batch, own.row.signature) == ("", None, "")
        assert "its data set is not known" in own.row.notes
        assert line_of(tmp_path, own).marks == ("signature not known",)


class TestMarks:
    def test_like_the_zoo(self, tmp_path):
        own = row_of(run_dir(tmp_path), RunVerdict("within noise", (), -0.5, NAME))
        line = line_of(tmp_path, own)
        assert (line.rank, line.marks, line.against_row, line.notes) == (2, (), (), ())

    def test_test_time_augmentation_is_not_ranked(self, tmp_path):
        signature = SIGNATURE.replace("ss", "ms+flip")
        verdict = RunVerdict("within noise", (), 0.1, NAME)
        own = row_of(run_dir(tmp_path, signature=signature), verdict)
        line = line_of(tmp_path, own)
        assert (line.rank, line.marks) == (None, ("ms+flip",))
        assert line.against_row == ("ms+flip",)
        assert line.notes == ("unlike its zoo row: ms+flip",)

    def test_crop_unlike_its_row(self, tmp_path):
        verdict = RunVerdict("explained", ("a",), -9.0, NAME)
        own = row_of(run_dir(tmp_path, crop_size=[64, 64]), verdict)
        assert line_of(tmp_path, own).against_row == ("crop 64x64 for 512x512",)

    def test_slide_for_whole(self, tmp_path):
        slide = SIGNATURE.replace("whole", "slide")
        own = row_of(run_dir(tmp_path, signature=slide), RunVerdict("x", (), 0.0, NAME))
        line = line_of(tmp_path, own)
        assert (line.rank, line.marks, line.against_row) == (2, ("slide",), ("slide",))

    @pytest.mark.parametrize(
        ("samples", "world", "batch", "subset"),
        [
            (100, 1, 1, True),
            (100, 8, 2, True),
            (2000, 1, 1, False),
            (250, 8, 1, False),
            (251, 8, 1, False),
            (None, 1, 1, False),
            (100, None, 1, False),
        ],
    )
    def test_subset(self, tmp_path, samples, world, batch, subset):
        folder = run_dir(tmp_path)
        own = row_of(folder, **evaluated(read_run(folder), samples, world=world, batch=batch))
        assert own.marks == (("subset",) if subset else ())
        if subset:
            assert own.row.notes == (f"scored on at most {samples * world * batch} of 2000 images",)
            assert line_of(tmp_path, own).rank is None


class TestRuns:
    def test_other_data_sets_are_listed(self, tmp_path):
        run = read_run(run_dir(tmp_path, dataset="Cityscapes"))
        rows, skipped = rows_of(run, lambda run: RunVerdict("never asked"))
        assert rows == []
        assert str(skipped[0]) == "x: a run on Cityscapes, not on ADE20K"

    def test_an_explanation_that_fails_costs_only_itself(self, tmp_path):
        def explain(run):
            raise InputError("no log")

        rows, skipped = rows_of(read_run(run_dir(tmp_path)), explain)
        assert [row.verdict for row in rows] == [RunVerdict("not explained")]
        assert "cannot be explained: no log" in str(skipped[0])

    def test_own_runs_stay_in_every_selection(self, tmp_path):
        own = row_of(run_dir(tmp_path, scores=[(80000, 10.0)]))
        zoo = zoo_rows(tmp_path / "zoo", model("a"), model("b", 39.0))
        for selection in (Selection(top=1), Selection(method="a")):
            shown = table_of(zoo, [own], selection=selection).rows
            assert (shown[0].row.name, shown[-1].run, shown[-1].rank) == ("a", own, 3)


def swin_dir(tmp_path, *scores):
    """A run of the config of the founding case."""
    stated = {"method": "Mask2Former", "backbone": "Swin-S", "max_iters": 160000}
    return run_dir(tmp_path / "runs", SWIN_S, scores, **stated)


class TestVerdict:
    def test_words(self):
        assert str(RunVerdict("within noise")) == "within noise"
        found = RunVerdict("explained", ("dead-kernel", "effective-batch"))
        assert str(found) == "explained: dead-kernel, effective-batch"

    @pytest.mark.live
    def test_the_founding_gap(self, tmp_path):
        folder = swin_dir(tmp_path, (152000, 44.31), (160000, 44.04))
        explain = Explainer(tmp_path / "pages", tmp_path)
        verdict = explain(read_run(folder))
        assert verdict.zoo_row == SWIN_S
        assert round(verdict.gap, 2) == -7.2
        assert verdict.verdict in {"explained", "unexplained"}
        assert verdict.link == f"pages/{folder.name}.html"
        assert "44.04" in (tmp_path / verdict.link).read_text()
        again = explain(read_run(folder))
        assert again.link == f"pages/{folder.name}-2.html"

    @pytest.mark.live
    def test_a_gap_within_noise_names_no_cause(self, tmp_path):
        verdict = Explainer()(read_run(swin_dir(tmp_path, (160000, 51.0))))
        assert (str(verdict), verdict.link) == ("within noise", None)

    @pytest.mark.live
    def test_hostile_names_stay_in_the_folder(self, tmp_path):
        run = replace(read_run(run_dir(tmp_path)), name='../../"><script>\n')
        verdict = Explainer(tmp_path / "pages", tmp_path)(run)
        [page] = (tmp_path / "pages").iterdir()
        assert verdict.link == f"pages/{page.name}"
        assert set(page.name) <= set("_.script-html")


def test_a_run_of_odd_statements_does_not_lose_the_table(tmp_path):
    text = '{"run": {"signature": 5, "crop_size": "x"}, "records": [{"step": 1, "mIoU": 40}]}'
    (tmp_path / "run.json").write_text(text)
    rows, skipped = rows_of(read_run(tmp_path), lambda run: RunVerdict("unexplained"))
    assert (len(rows), skipped, rows[0].row.miou) == (1, [], 40)


def test_a_config_of_odd_types_does_not_lose_the_table(tmp_path):
    run = read_run(run_dir(tmp_path / "run"))
    odd = {"model": {"backbone": 5, "test_cfg": {"mode": {}}}, "test_dataloader": 3}
    run = replace(run, config=Config(odd, "config.py"))
    assert run_row("x", run, RunVerdict("unexplained"), dataset="ADE20K").row.name == run.name
