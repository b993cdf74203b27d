import signal
from dataclasses import replace

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from parity.cli.matrix import matrix
from parity.compare.compare import Verdict
from parity.libraries import NAMES, adapter, models
from parity.libraries.library import Library, LibraryOperation
from parity.libraries.matrix import inputs
from parity.libraries.matrix.markdown import left, render_matrix, size, why
from parity.libraries.matrix.rows import ROWS, cases_of
from parity.libraries.matrix.run import Cell, compare_operation, run_matrix
from parity.libraries.reasons import HUE_IN_FLOAT
from parity.steps import resize as resizes
from parity.steps.flip import flip

_, hue_in_float, _ = HUE_IN_FLOAT
ROW = {row.name: row for row in ROWS}


def operation(row, function, **options):
    return compare_operation("mine", ROW[row], LibraryOperation(row, "mine()", function, **options))


def own_resize(image, size):
    return resizes.resize(image, size=size)


@pytest.mark.live
class TestAgainstLive:
    def test_our_own_operations_are_equal(self):
        for row, function in (
            ("flip", lambda image: flip(image, "horizontal")),
            ("resize, image", own_resize),
            (
                "reduce zero label",
                lambda seg: np.where(seg == 0, 255, seg - (seg < 255)).astype("u1"),
            ),
        ):
            cell = operation(row, function)
            assert (cell.verdict, cell.differences) == (Verdict.EQUAL, ())
            assert cell.cases == len(cases_of(ROW[row]))

    def test_one_level_in_one_pixel_is_seen(self):
        def spotted(image):
            done = flip(image, "horizontal")
            done[3, 4, 1] ^= 1
            return done

        cell = operation("flip", spotted)
        assert cell.verdict is Verdict.DIFFERENT
        [difference] = cell.differences
        assert (difference.largest, difference.note) == (1, "")
        assert 0 < difference.share < 1e-5
        assert why(cell) == "not known"

    def test_reason_is_checked_by_its_model(self):
        right = operation(
            "resize, image",
            lambda image, size: resizes.resize(image, size=size, backend="pillow"),
            reason="antialias",
            model=lambda image, size: models.resize_antialiased(image, size, rounded_between=True),
            model_name="wider filter",
        )
        kinds = {one.kind: one for one in right.differences}
        assert kinds["shrunk"].largest > 20
        assert kinds["enlarged"].largest == 1
        assert right.unexplained.share < 0.01
        assert right.unexplained.largest == 1
        wrong = operation(
            "resize, image",
            lambda image, size: resizes.resize(image, size=size, backend="pillow"),
            reason="it is the weather",
            model=models.resize_align_corners,
            model_name="corners on corners",
        )
        assert wrong.unexplained.share > 0.3

    def test_raising_and_other_shapes_are_differences(self):
        def raising(image):
            raise ValueError("no")

        assert why(operation("flip", raising)) == "raises ValueError: no"
        assert "actual shape" in size(operation("flip", lambda image: image[:, :3].copy()))
        assert "actual float32" in size(operation("flip", lambda image: image.astype("f4")))

    def test_roundings_of_normalisation_are_within(self):
        mean = operation("normalise", models.normalize_in_unit)
        assert mean.verdict is Verdict.WITHIN
        swapped = operation(
            "normalise", lambda image, mean, std: models.normalize_in_unit(image, mean[::-1], std)
        )
        assert swapped.verdict is Verdict.DIFFERENT

    def test_hue_range_is_read_in_whole_units(self):
        def turned(image, limit, count):
            return [hue_in_float(image, shift) for shift in range(-limit, limit + 1)]

        cell = operation("hue range", turned)
        assert size(cell) == "reaches -18 to +18; the reference -18 to +17"
        assert operation("hue range", lambda *given: turned(*given)[:-1]).verdict is Verdict.EQUAL

    @pytest.mark.parametrize("name", ["pillow", "sklearn"])
    def test_library(self, name):
        pytest.importorskip({"pillow": "PIL", "sklearn": "sklearn"}[name])
        [(_, cells)] = run_matrix([name])
        assert {cell.row for cell in cells} == set(ROW)
        for cell in cells:
            assert cell.verdict is not Verdict.DIFFERENT or cell.reason, cell
        found = {cell.row: cell.verdict for cell in cells}
        if name == "pillow":
            assert found["crop"] is Verdict.EQUAL
            assert found["loss"] is Verdict.NOT_COMPARED
        else:
            assert {cell.verdict for cell in cells if cell.row == "mIoU"} == {
                Verdict.EQUAL,
                Verdict.DIFFERENT,
            }

    def test_command(self, tmp_path):
        app = Typer()
        app.command()(matrix)
        out = tmp_path / "matrix.md"
        done = CliRunner().invoke(app, ["sklearn", "--out", str(out)], env={"COLUMNS": "300"})
        assert done.exit_code == 0, done.output
        assert "jaccard_score" in done.output
        assert out.read_text().startswith("# Library matrix\n")


def test_ctrl_c_leaves_the_page_as_it_was(tmp_path, monkeypatch):
    def interrupted(names):
        yield Library("Nothing", "not_there_at_all", "nothing-at-all"), ()
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("parity.cli.matrix.run_matrix", interrupted)
    monkeypatch.setattr("parity.cli.matrix.reference_header", lambda: ({}, ()))
    app, out = Typer(), tmp_path / "matrix.md"
    app.command()(matrix)
    done = CliRunner().invoke(app, ["pillow", "sklearn", "--out", str(out)])
    assert done.exit_code == 130
    assert "interrupted after 1 of 2 libraries" in done.output
    assert not out.exists()


def test_unknown_library():
    app = Typer()
    app.command()(matrix)
    done = CliRunner().invoke(app, ["numpy"])
    assert "no adapter for numpy" in str(done.exception)


def test_library_that_is_not_installed_is_never_blank(monkeypatch):
    absent = Library("Nothing", "not_there_at_all", "nothing-at-all")
    monkeypatch.setattr(adapter("kornia"), "LIBRARY", absent)
    [(library, cells)] = run_matrix(["kornia"])
    assert [cell.row for cell in cells] == [row.name for row in ROWS]
    assert {cell.verdict for cell in cells} == {Verdict.NOT_COMPARED}
    page = render_matrix([(library, cells)], {})
    assert "Not compared (not installed; pip install nothing-at-all): resize, image;" in page


def test_every_operation_belongs_to_a_row():
    for name in NAMES:
        for one in adapter(name).OPERATIONS:
            assert one.row in ROW, one


def test_words():
    library = Library("Nothing", "not_there_at_all", "nothing-at-all")
    equal = Cell("x", "flip", "a|b", Verdict.EQUAL, 3, "levels")
    page = render_matrix([(library, (equal,))], {"mmseg": "1.2.2"}, ["A note."])
    assert "`a\\|b`" in page
    assert "| flip | equal |" in page
    assert "A note." in page
    assert left(equal) == why(equal) == size(equal) == ""
    assert why(replace(equal, verdict=Verdict.WITHIN)) == "float32 roundings"


def test_patches_read_a_shift():
    patches = inputs.hue_patches()
    turned = [hue_in_float(patches, shift) for shift in (-18, 0, 5)]
    np.testing.assert_array_equal(inputs.measure_hue_range(patches, turned), [-18, 5])
