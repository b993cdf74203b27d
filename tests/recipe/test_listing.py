"""Which image has which labels: our listing beside the class of each data set of the zoo."""

import pytest

from parity.compare import Verdict
from parity.compare.tree import compare_tree
from parity.errors import InputError
from parity.listing import FIXED, label_map_of, list_data_set, palette_of
from parity.live import reference_module
from parity.recipe.listing import listing_options
from parity.recipe.reader import Reader
from parity.runs.config import installed_configs, read_config
from parity.settings.items import plain
from parity.settings.terms import terms_of

GIVEN = (
    *("data_prefix", "ann_file", "img_suffix", "seg_map_suffix"),
    *("reduce_zero_label", "metainfo"),
)
# With numbers, by which NYU tells rooms.
NAMES = ("b/x1", "a.b/y_02", "a1", "a10", "a2", "study_room_0001")


def base_configs():
    root = installed_configs()
    return [] if root is None else sorted((root / "_base_" / "datasets").glob("*.py"))


def fill(root, options):
    """Images with and without labels, of other suffixes, hidden ones, and a list where asked."""
    folders = options["data_prefix"]
    images = [folders["img_path"], *(folders[key] for key in folders if key == "img_path2")]
    for folder in images:
        for name in (*NAMES, "b/.hidden"):
            place = root / folder / f"{name}{options['img_suffix']}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        (root / folder / "readme.txt").touch()
    if options.get("ann_file"):
        place = root / options["ann_file"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("a1\n b/x1 \n\nno_such\n")


def leaves(path):
    reader = Reader(terms_of(read_config(path, tree=path.parents[2])))
    for split in ("train", "val", "test"):
        yield from reader.datasets(split)


@pytest.mark.live
@pytest.mark.parametrize("path", base_configs(), ids=lambda path: path.stem)
@pytest.mark.parametrize("changes", [{}, {"indices": -2}], ids=["", "indices"])
def test_every_data_set_of_the_zoo(path, changes, tmp_path):
    for item in leaves(path):
        options = {**listing_options(item), "data_root": str(tmp_path), **changes}
        entry = {"type": item.kind, "data_root": str(tmp_path), **changes}
        # An option of the loading stands for the data set's own; REFUGE takes neither.
        keys = [key for key in GIVEN if item.get(key).place and key not in FIXED.get(item.kind, {})]
        given = {key: plain(item.get(key)) for key in keys}
        fill(tmp_path, options)
        mine = list_data_set(**options)
        theirs = reference_module("listing").listing({**entry, **given})
        assert mine.infos
        wrong = [f"{place}: {leaf}" for place, leaf in compare_tree(mine, theirs).items()
                 if leaf.verdict is not Verdict.EQUAL]  # fmt: skip
        assert not wrong, wrong[:3]


@pytest.mark.live
def test_classes_of_one_s_own(tmp_path):
    chosen = ["sky", "wall", "tree"]
    folders = {"img_path": "i", "seg_map_path": "l"}
    for name in ("b.jpg", "a.jpg", "a.png"):
        (tmp_path / "i").mkdir(exist_ok=True)
        (tmp_path / "i" / name).touch()
    entry = {"type": "ADE20KDataset", "data_root": str(tmp_path), "data_prefix": folders}
    given = {**entry, "metainfo": {"classes": chosen}, "indices": [1, 0]}
    item = terms_of(config_of(tmp_path, given)).item("train_dataloader", "dataset")
    mine = list_data_set(**listing_options(item))
    theirs = reference_module("listing").listing(given)
    assert all(leaf.verdict is Verdict.EQUAL for leaf in compare_tree(mine, theirs).values())
    assert mine.infos[0].label_map[2] == 0
    assert mine.classes == tuple(chosen)


def config_of(folder, dataset):
    path = folder / "config.py"
    path.write_text(f"train_dataloader = dict(dataset={dataset!r})\nmodel = dict()")
    return read_config(path)


def test_colours():
    assert palette_of([], "ab", None) == palette_of([], "ab", None)
    assert palette_of([[1], [2], [3]], "b", label_map_of("b", "abc")) == [[2]]
    with pytest.raises(InputError, match="do not fit"):
        palette_of([[1]], "ab", None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "DecathlonDataset"}, "JSON"),
        ({"ann_file": "none.txt"}, "cannot be read"),
        ({"classes": ["dog"], "known_classes": ["cat"]}, "none of the data set's"),
        ({"indices": [7]}, "reach past"),
        ({"kind": "NYUDataset"}, "without a digit"),
    ],
)
def test_bad_data_sets(tmp_path, options, told):
    (tmp_path / "a.jpg").touch()
    given = {"kind": "BaseSegDataset", "data_root": str(tmp_path), "data_prefix": {"img_path": ""}}
    with pytest.raises(InputError, match=told):
        list_data_set(**{**given, **options})
