"""A check of one config: its recipe beside what the config builds."""

from pathlib import Path

from parity.check.cases import list_root
from parity.check.plan import Plan
from parity.check.summary import Unexercised
from parity.environment import environment
from parity.fixtures import inputs_root
from parity.live import reference_header
from parity.recipe.cases import data_set_cases, recipe_cases
from parity.recipe.recipe import Recipe, read
from parity.sample import DataInfo


def recipe_plan(config: str, data: Path | None, seeds: range) -> Plan:
    """The steps of `config` over `data`, else over the built-in inputs, which a note says.

    Raises ReferenceUnavailable without mmsegmentation, InputError and RunFormatError.
    """
    recipe = read(config)
    versions, notes = reference_header()
    infos = list_root(inputs_root()) if data is None else _infos(recipe, data)
    listed = [] if data is None else list(data_set_cases(recipe, data))
    told = f"The steps of {recipe.name}, beside those mmsegmentation builds."
    read_from = [f"{recipe.name} was read from {config}."] if Path(config).exists() else []
    where = [] if data is not None else [_other_data(recipe)]
    return Plan(
        "live",
        [*listed, *recipe_cases(recipe, infos, seeds)],
        {**versions, **environment()},
        (told, *read_from, *where, *notes),
        (seeds.start, seeds.stop),
        unexercised=tuple(Unexercised((one.what,), one.reason) for one in recipe.uncompared),
    )


def _infos(recipe: Recipe, root: Path) -> list[DataInfo]:
    """As the config's own data sets list `root`; where no such pair is, as ADE20K is laid out."""
    there = [one for one in recipe.listings.values() if one.lies_below(root)]
    listed = [info for one in there for info in one.infos(root)]
    return listed if any(map(_is_there, listed)) else list_root(root)


def _is_there(info: DataInfo) -> bool:
    return all(Path(path).is_file() for path in (info.img_path, info.seg_map_path or info.img_path))


def _other_data(recipe: Recipe) -> str:
    root = recipe.terms.get("train_dataloader", "dataset", "data_root")
    there = f"the config's own data, {root}, were not read" if root else "the config names no data"
    return f"On the built-in inputs: {there}; give --data for others."
