import math
from dataclasses import replace

import pytest
import yaml

from parity.errors import InputError
from parity.scores.table import Selection
from parity.zoo.configs import comparable, unlike, with_configs
from parity.zoo.rows import Differs, ScoreRow, dataset_key, find_dataset, may_be, read_all_rows
from tests.scores.sample import SIGNATURE, checkout, config, model, table_of, weights

NAME = "net_r50_4xb4-80k_ade20k-512x512"


def rows_of(tmp_path, *models):
    path = tmp_path / "metafile.yaml"
    path.write_text(yaml.safe_dump({"Models": list(models)}))
    return read_all_rows([path])


class TestMetafiles:
    def test_fields(self, tmp_path):
        [row] = rows_of(tmp_path, model())
        assert row == ScoreRow(
            name=NAME,
            method="Net",
            backbone="R-50",
            crop="512x512",
            schedule="80k",
            batch=16,
            miou=40.0,
            miou_ms=41.5,
            memory_gb=6.1,
            config=f"configs/net/{NAME}.py",
            weights=weights(NAME),
            device="V100",
        )

    def test_several_results_of_one_model_and_other_data_sets(self, tmp_path):
        results = [
            {"Dataset": "ADE20K", "Metrics": {"mIoU": 1.0}},
            {"Dataset": "Cityscapes", "Metrics": {"mIoU": 2.0}},
            {"Dataset": "ADE20K", "Metrics": {"mIoU": 3.0}},
            {"Dataset": "DRIVE", "Metrics": {"mDice": 80.0}},
        ]
        rows = rows_of(tmp_path, model(Results=results))
        assert [row.miou for row in rows] == [1.0, 2.0, 3.0]
        assert rows[0].miou_ms is None
        assert [row.dataset for row in rows] == ["ADE20K", "Cityscapes", "ADE20K"]

    def test_contradictions_are_noted(self, tmp_path):
        late = model(Weights="https://host/net_r50_512x512_160k_ade20k-abc.pth")
        [row] = rows_of(tmp_path, late)
        assert row.notes == ("the weights file says 160k, not 80k",)
        rows = rows_of(tmp_path, model(), model(miou=41.0))
        assert all("this name to 2 results" in row.notes[0] for row in rows)
        heavy = model(Metadata={"Memory (GB)": 3826.0, "Batch Size": 8})
        memory, batch = rows_of(tmp_path, heavy)[0].notes
        assert "reads like MB" in memory
        assert batch == "the name says a batch of 4 x 4, not 8"

    def test_a_speed_is_not_a_device(self, tmp_path):
        [row] = rows_of(tmp_path, model(Metadata={"Training Resources": "8x 42.20 GPUS"}))
        assert row.device == ""
        assert "42.20 is not a device" in row.notes[0]

    def test_a_heading_is_not_a_data_set(self, tmp_path):
        result = {"Dataset": "# HRNet backbone", "Metrics": {"mIoU": 70.0}}
        [row] = rows_of(tmp_path, model("a_4xb2-40k_cityscapes-512x1024", Results=result))
        assert (row.dataset, row.crop, row.schedule) == ("Cityscapes", "512x1024", "40k")
        assert '"# HRNet backbone"' in row.notes[0]

    @pytest.mark.parametrize("text", ["", "{", "Models: 3", "Models: [{}]", "[]", "\x00"])
    def test_not_a_metafile(self, tmp_path, text):
        path = tmp_path / "metafile.yaml"
        path.write_text(text)
        with pytest.raises(InputError, match="metafile"):
            read_all_rows([path])

    @pytest.mark.parametrize("score", [float("nan"), -1, 100.5, "forty"])
    def test_not_a_score(self, tmp_path, score):
        with pytest.raises(InputError, match="metafile"):
            rows_of(tmp_path, model(miou=score))

    def test_yaml_tags_are_not_executed(self, tmp_path):
        path = tmp_path / "metafile.yaml"
        path.write_text("Models: !!python/object/apply:os.system ['touch executed']")
        with pytest.raises(InputError):
            read_all_rows([path])
        assert not (tmp_path / "executed").exists()


class TestDatasets:
    @pytest.mark.parametrize(
        ("one", "two"),
        [
            ("COCO-Stuff 164k", "coco-stuff164k"),
            ("Pascal VOC 2012 + Aug", "voc12aug"),
            ("CHASE_DB1", "chase-db1"),
        ],
    )
    def test_spellings(self, one, two):
        assert dataset_key(one) == dataset_key(two)

    def test_unlike_data_sets_stay_apart(self):
        assert dataset_key("Pascal Context") != dataset_key("Pascal Context 59")
        assert not may_be("Pascal Context", "Pascal Context 59")
        assert may_be("COCO-Stuff", "COCO-Stuff 10k")

    def test_unknown(self):
        assert find_dataset("ade-20k", ["ADE20K", "Cityscapes"]) == "ADE20K"
        with pytest.raises(InputError, match=r"ADE20K \(2\), Cityscapes \(1\)"):
            find_dataset("ade", ["ADE20K", "Cityscapes", "ADE20K"])


class TestSignature:
    @pytest.mark.parametrize(
        ("changed", "marks", "ranked"),
        [
            (SIGNATURE, (), True),
            (SIGNATURE.replace("ss", "ms+flip"), ("ms+flip",), False),
            (SIGNATURE.replace("whole", "slide 8x8 stride 4x4"), ("slide",), True),
            (SIGNATURE.replace("255", "0"), ("ignore=0",), False),
            (SIGNATURE.replace("=y", "=n"), ("reduce0=n",), False),
            (SIGNATURE.replace("orig-size", "resized"), ("resized",), False),
            (SIGNATURE + "|subset", ("subset",), False),
            (SIGNATURE + "|multiple=32", ("multiple=32",), True),
            (SIGNATURE.replace("whole", "?"), ("mode not known",), False),
            ("mIoU|ss", ("mode not known", "ignored label not known"), False),
            ("mDice" + SIGNATURE[4:], ("mDice",), False),
            ("", ("signature not known",), False),
        ],
    )
    def test_unlike(self, changed, marks, ranked):
        assert unlike(changed, SIGNATURE)[: len(marks)] == marks
        assert bool(unlike(changed, SIGNATURE)) == bool(marks)
        assert comparable(unlike(changed, SIGNATURE)) is ranked

    def test_both_ways(self):
        slide = SIGNATURE.replace("whole", "slide 8x8 stride 4x4")
        assert unlike(SIGNATURE, slide) == ("whole",)
        assert unlike(slide, slide.replace("4x4", "2x2")) == ("window 8x8 stride 4x4",)
        assert unlike(SIGNATURE, f"{SIGNATURE}|multiple=32") == ("not multiple=32",)


class TestConfigs:
    def read(self, tmp_path, content, **changes):
        root = checkout(tmp_path, [model(**changes)], "# Net\n", configs={NAME: content})
        rows = read_all_rows([root / "configs" / "net" / "metafile.yaml"])
        [row] = with_configs(rows, root / "configs")
        return row

    def test_agrees(self, tmp_path):
        row = self.read(tmp_path, config())
        assert (row.signature, row.differs, row.notes) == (SIGNATURE, (), ())

    def test_disagrees(self, tmp_path):
        row = self.read(tmp_path, config(crop=(640, 640), iterations=320000))
        place = f"configs/net/{NAME}.py"
        assert row.differs == (
            Differs("crop", "640x640", "config", place),
            Differs("schedule", "320k", "config", place),
        )
        assert (row.crop, row.schedule) == ("512x512", "80k")

    def test_signature_of_unusual_tests(self, tmp_path):
        window = "dict(mode='slide', crop_size=(512, 512), stride=(341, 341))"
        extra = "dict(type='ResizeToMultiple', size_divisor=16),"
        row = self.read(tmp_path, config(test_cfg=window, extra=extra))
        expected = SIGNATURE.replace("whole", "slide 512x512 stride 341x341") + "|multiple=16"
        assert row.signature == expected

    @pytest.mark.parametrize(
        ("content", "changes", "reason"),
        [
            ("import os; os.getcwd()", {}, "cannot be read"),
            ("(", {}, "cannot be read"),
            (config(), {"Config": "configs/net/gone.py"}, "does not exist"),
            (config(), {"Config": "configs/../../../etc/passwd"}, "leads out"),
        ],
    )
    def test_unreadable_is_noted(self, tmp_path, content, changes, reason):
        row = self.read(tmp_path, content, **changes)
        assert row.signature == ""
        assert reason in row.notes[-1]

    def test_odd_values_cost_the_signature_only(self, tmp_path):
        row = self.read(tmp_path, "val_dataloader = dict(dataset=dict(pipeline=3))")
        assert (row.miou, row.signature) == (40.0, "")


class TestTable:
    def test_sorted_by_score_then_name(self, tmp_path):
        rows = rows_of(tmp_path, model("b", 40), model("a", 40), model("c", 50))
        rows.append(replace(rows[0], name="d", miou=math.nan))
        assert [line.row.name for line in table_of(rows).rows] == ["c", "a", "b", "d"]
        assert [line.rank for line in table_of(rows).rows] == [1, 2, 2, None]

    def test_usual_signature_and_marks(self, tmp_path):
        rows = rows_of(tmp_path, model("a", 1), model("b", 2), model("c", 3), model("d", 4))
        slide = SIGNATURE.replace("whole", "slide 8x8 stride 4x4")
        signatures = (SIGNATURE, SIGNATURE, slide, "")
        signed = [replace(r, signature=s) for r, s in zip(rows, signatures, strict=True)]
        table = table_of(signed)
        assert [(line.signature, line.marks, line.rank) for line in table.rows] == [
            ("?", ("signature not known",), 1),
            ("B", ("slide",), 2),
            ("A", (), 3),
            ("A", (), 4),
        ]
        assert table.signatures == (("A", SIGNATURE, 2), ("B", slide, 1), ("?", "", 1))

    def test_a_score_of_a_readme_alone_has_no_rank_without_a_signature(self, tmp_path):
        [row] = rows_of(tmp_path, model())
        other = replace(row, name="b", miou=90.0, source="README", signature="")
        lines = table_of([replace(row, signature=SIGNATURE), other]).rows
        assert [line.rank for line in lines] == [None, 1]

    def test_selection_keeps_ranks(self, tmp_path):
        rows = rows_of(tmp_path, model("a", 1), model("b", 2), model("x-net", 3))
        shown = table_of(rows, selection=Selection(top=1)).rows
        assert [(line.row.name, line.rank) for line in shown] == [("x-net", 1)]
        shown = table_of(rows, selection=Selection(method="X Net")).rows
        assert [(line.row.name, line.rank) for line in shown] == [("x-net", 1)]
        shown = table_of(rows, selection=Selection(method="r50")).rows
        assert [line.rank for line in shown] == [1, 2, 3]

    def test_selection_of_nothing(self, tmp_path):
        with pytest.raises(InputError, match="the methods are Net"):
            table_of(rows_of(tmp_path, model()), selection=Selection(method="zzz"))

    def test_many_signatures(self, tmp_path):
        [row] = rows_of(tmp_path, model())
        rows = [replace(row, name=str(i), signature=f"{SIGNATURE}|x={i}") for i in range(60)]
        letters = [letter for letter, _, _ in table_of(rows).signatures]
        assert len(set(letters)) == 60
        assert letters[25:28] == ["Z", "AA", "AB"]
