import pytest

from parity.errors import InputError
from parity.zoo.merge import merge_readmes
from parity.zoo.places import checkout_zoo
from parity.zoo.readme import number, read_readmes
from parity.zoo.rows import Differs, read_all_rows
from tests.scores.sample import HEADER, checkout, line, model, readme

NAME = "net_r50_4xb4-80k_ade20k-512x512"
OTHER = "net_r101_4xb4-80k_ade20k-512x512"
PLACE = "configs/net/README.md:9"


def tables_of(tmp_path, text, *, models=None):
    zoo = checkout_zoo(checkout(tmp_path, models or [model()], text))
    return zoo, read_readmes(zoo.readmes, root=zoo.root)


def merged(tmp_path, text, *, models=None):
    zoo, tables = tables_of(tmp_path, text, models=models)
    return merge_readmes(read_all_rows(zoo.metafiles), tables)


class TestTables:
    def test_real_layout(self, tmp_path):
        _, tables = tables_of(tmp_path, readme(line()))
        [row] = tables.rows
        assert (tables.tables, tables.skipped) == (1, ())
        assert (row.file, row.line) == ("configs/net/README.md", 9)
        assert row.headings == ("ADE20K", "Results and models", "Net")
        assert row.values | {"weights": ""} == {
            "method": "Net",
            "backbone": "R-50",
            "crop": "512x512",
            "schedule": "80000",
            "memory": "6.1",
            "fps": "21.01",
            "device": "V100",
            "miou": "40.00",
            "miou_ms": "41.50",
            "config": "config",
            "weights": "",
        }
        assert row.links == {"config": f"{NAME}.py", "weights": f"{NAME}_20200615-abc.pth"}

    def test_other_names_and_columns(self, tmp_path):
        header = "| Method | Backbone | pretrain | Batch Size | mIoU\\* | mIoU(%) | Model |"
        _, tables = tables_of(tmp_path, readme("|A|B|1K|8|50|49.5\\*|[m](x/y.pth)|", header=header))
        [row] = tables.rows
        assert row.values["miou"] == "49.5"
        assert row.values["batch"] == "8"
        assert row.links == {"weights": "y.pth"}
        assert row.other == {"pretrain": "1K", "mIoU*": "50"}

    def test_figures_with_marks_and_without(self, tmp_path):
        text = readme(
            line(memory="26.16\\*", fps="-", miou="80.65<sup>\\[1\\]</sup>", miou_ms="\u2014")
        )
        row = tables_of(tmp_path, text)[1].rows[0]
        found = [row.values[name] for name in ("memory", "fps", "miou", "miou_ms")]
        assert found == ["26.16", "", "80.65", ""]

    def test_caption_belongs_to_the_next_table_only(self, tmp_path):
        text = f"{readme(line())}\nAligned:\n\n{HEADER}\n{'|---' * 11}|\n{line()}\n\n# B\n\n"
        text += f"{HEADER}\n{'|---' * 11}|\n{line()}\n"
        assert [row.caption for row in tables_of(tmp_path, text)[1].rows] == ["", "Aligned:", ""]

    def test_tables_in_code_and_comments_are_none(self, tmp_path):
        text = f"```\n{readme(line())}\n```\n\n<!--\n{readme(line())}\n-->\n"
        _, tables = tables_of(tmp_path, text)
        assert (tables.tables, tables.rows) == (0, ())

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("| a | b |\n|---|---|\n| 1 | 2 |\n", "without an mIoU column (a, b)"),
            (readme("| Net | R-50 |"), "a row of 2 cells below 11 columns"),
            (readme(f"{line()} more |"), "a row of 12 cells below 11 columns"),
        ],
    )
    def test_nothing_is_dropped_silently(self, tmp_path, text, reason):
        _, tables = tables_of(tmp_path, text)
        assert tables.rows == ()
        assert [reason in str(item) for item in tables.skipped] == [True]

    def test_a_file_that_cannot_be_read(self, tmp_path):
        zoo = checkout_zoo(checkout(tmp_path / "a", [model()], ""))
        (tmp_path / "secret").write_text(readme(line()))
        readme_path = zoo.readmes[0]
        readme_path.unlink()
        readme_path.symlink_to(tmp_path / "secret")
        tables = read_readmes(zoo.readmes, root=zoo.root)
        assert "leads out of" in str(tables.skipped[0])

    @pytest.mark.parametrize(
        "text", ["4O.1", "1e3", "nan", "-1", "1.2.3", "40.1 (x)", "9" * 400, "²"]
    )
    def test_not_a_number(self, text):
        with pytest.raises(InputError, match="not a number"):
            number(text)


class TestMerge:
    def test_agreement_adds_speed(self, tmp_path):
        found = merged(tmp_path, readme(line(miou="40", miou_ms="41.5")))
        [row] = found.rows
        assert (row.fps, row.device, row.differs, row.notes) == (21.01, "V100", (), ())
        assert (found.joined, found.skipped) == (1, ())

    @pytest.mark.parametrize(
        ("changes", "differs"),
        [
            ({"miou": "40.02"}, ("miou", "40.02")),
            ({"miou_ms": "51.5"}, ("miou_ms", "51.5")),
            ({"crop": "640x640"}, ("crop", "640x640")),
            ({"schedule": "160000"}, ("schedule", "160k")),
            ({"memory": "6.2"}, ("memory_gb", "6.2")),
            ({"device": "A100"}, ("device", "A100")),
            ({"file": "other.pth"}, ("weights", "other.pth")),
        ],
    )
    def test_disagreement_keeps_both(self, tmp_path, changes, differs):
        [row] = merged(tmp_path, readme(line(**changes))).rows
        assert row.differs == (Differs(*differs, "README", PLACE),)
        assert (row.miou, row.crop, row.memory_gb) == (40.0, "512x512", 6.1)

    def test_config_of_another_name(self, tmp_path):
        text = readme(line(OTHER, file=f"{NAME}_20200615-abc.pth"))
        [row] = merged(tmp_path, text).rows
        assert [(item.field, item.value) for item in row.differs] == [("config", f"{OTHER}.py")]

    def test_exchanged_cells(self, tmp_path):
        """As in configs/maskformer/README.md of 1.2.2."""
        [row] = merged(tmp_path, readme(line(fps="V100", device="42.20"))).rows
        assert (row.fps, row.device, row.differs) == (42.2, "V100", ())
        assert row.notes == (f"{PLACE}: speed and device stand in each other's column",)

    def test_a_bad_figure_beside_a_numeric_device_is_no_exchange(self, tmp_path):
        [row] = merged(tmp_path, readme(line(memory="x", device="1080"))).rows
        assert (row.fps, row.notes) == (21.01, (f'{PLACE}: memory: "x" is not a number',))

    def test_a_figure_that_is_none_is_noted(self, tmp_path):
        [row] = merged(tmp_path, readme(line(memory="6,1"))).rows
        assert row.notes == (f'{PLACE}: memory: "6,1" is not a number',)

    @pytest.mark.parametrize("miou", ["-", "forty", "140"])
    def test_a_line_without_a_score_is_listed(self, tmp_path, miou):
        found = merged(tmp_path, readme(line(miou=miou)))
        assert [row.notes for row in found.rows] == [("in no table of the READMEs",)]
        assert str(found.skipped[0]).startswith(f"{PLACE}: ")

    def test_a_line_of_no_metafile_is_a_row(self, tmp_path):
        text = readme(line(), line(OTHER, miou="55.00"))
        first, second = merged(tmp_path, text).rows
        assert (first.source, second.source) == ("metafile", "README")
        assert (second.name, second.miou, second.schedule) == (OTHER, 55.0, "80k")
        assert second.config == f"configs/net/{OTHER}.py"
        assert second.notes == ("in no metafile; from configs/net/README.md:10",)

    def test_the_same_result_twice_is_one_row(self, tmp_path):
        [row] = merged(tmp_path, readme(line(), line())).rows
        assert row.notes == ("also in configs/net/README.md:10",)

    def test_another_score_of_the_same_weights_is_another_row(self, tmp_path):
        rows = merged(tmp_path, readme(line(), line(miou="41.00"))).rows
        assert [row.miou for row in rows] == [40.0, 41.0]

    def test_same_weights_on_another_data_set(self, tmp_path):
        header = HEADER.replace("Device", "Test Dataset")
        text = readme(line(device="Dark Zurich", miou="10.91"), header=header)
        first, second = merged(tmp_path, text).rows
        assert (first.dataset, second.dataset) == ("ADE20K", "Dark Zurich")

    def test_data_set_by_the_heading_above(self, tmp_path):
        """As in configs/ocrnet/README.md of 1.2.2."""
        [row] = merged(tmp_path, readme(line(), heading="### ADE20K\n\n#### R-50 backbone")).rows
        assert row.fps == 21.01

    def test_a_split_is_not_a_data_set(self, tmp_path):
        header = HEADER.replace("Device", "Test Dataset")
        text = readme(line(device="ADE20K Validation set"), header=header)
        assert len(merged(tmp_path, text).rows) == 1

    def test_two_results_of_one_name_are_told_apart_by_weights(self, tmp_path):
        models = [model(miou=40.0, Weights="x/a.pth"), model(miou=50.0, Weights="x/b.pth")]
        text = readme(line(miou="50.00", fps="5", file="b.pth"), line(fps="4", file="a.pth"))
        found = merged(tmp_path, text, models=models)
        assert [(row.miou, row.fps) for row in found.rows] == [(40.0, 4.0), (50.0, 5.0)]

    def test_further_scores_are_noted(self, tmp_path):
        """As in configs/poolformer/README.md of 1.2.2."""
        header = HEADER.replace("Device", "mIoU\\*")
        [row] = merged(tmp_path, readme(line(device="41.81"), header=header)).rows
        assert row.notes == (f"{PLACE}: also gives mIoU* 41.81",)


class TestCheckout:
    def test_version_is_read_not_run(self, tmp_path):
        root = checkout(tmp_path, [model()], readme(line()))
        assert checkout_zoo(root).version == "9.9.9"
        (root / "mmseg" / "version.py").write_text("import os\nos.mkdir('x')\n__version__ = f()\n")
        assert checkout_zoo(root).version == "(unknown version)"
        assert not (root / "x").exists()

    @pytest.mark.parametrize("missing", ["metafile.yaml", "README.md"])
    def test_not_a_checkout(self, tmp_path, missing):
        root = checkout(tmp_path, [model()], readme(line()))
        (root / "configs" / "net" / missing).unlink()
        with pytest.raises(InputError, match=missing):
            checkout_zoo(root)
