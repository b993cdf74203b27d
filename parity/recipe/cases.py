"""What one config is checked on: its pipelines over files, its heads' losses, its schedule."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from numpy.random import RandomState

from parity.check.cases import Case, list_root
from parity.fixtures import inputs_root
from parity.pipeline import Step
from parity.probes import Probe, heads
from parity.probes.catalogue import tail_of_testing, tail_of_training, tail_of_views
from parity.probes.natural import step_of
from parity.probes.optim import GROUPS
from parity.probes.schedule import MOMENTUM, SCHEDULE
from parity.recipe.forms import absent
from parity.recipe.heads import Head
from parity.recipe.recipe import Recipe
from parity.sample import DataInfo
from parity.steps.mask import point_head_inference

# The loss of 150 classes at 512 x 512 takes a second; every so many seeds it is computed.
SEEDS_PER_LOSS = 10
MOST_HEAD_SEEDS = 20
REFINEMENT = ("subdivision_steps", "subdivision_num_points", "scale_factor")


def recipe_cases(recipe: Recipe, infos: Sequence[DataInfo], seeds: range) -> list[Case]:
    """Training once per seed, validation once per input, each head's loss, the schedule."""
    found: list[Case] = []
    for name, one in {"": recipe, **recipe.joined}.items():
        found += [_train(one, infos, seed, name) for seed in seeds] if one.train else []
        found += [_val(one, info, name) for info in infos] if one.val else []
    for head in recipe.heads:
        if head.loss is not None:
            probe = Probe(head.loss, _making(head, head.loss))
            found += [
                Case("loss", head.where, seed, (head.loss,), probe=probe)
                for seed in seeds[:MOST_HEAD_SEEDS]
            ]
    found += [case for seed in seeds[:MOST_HEAD_SEEDS] for case in _refined(recipe, seed)]
    found += _views(recipe)
    return [*filter(_has_a_step, found), *_schedule(recipe), *_groups(recipe)]


def _views(recipe: Recipe) -> Iterator[Case]:
    """On the smallest built-in image: the logits of all views are kept until they are merged."""
    head, testing = recipe.head, _testing(recipe)
    if recipe.views and head is not None and testing is not None:
        infos = list_root(inputs_root())
        smallest = min(infos, key=lambda info: Path(info.img_path).stat().st_size)
        steps = (*recipe.views, tail_of_views(head.channels, testing))
        yield _file_case(recipe, "val", smallest, 0, steps, name="tta")


def _refined(recipe: Recipe, seed: int) -> Iterator[Case]:
    """PointRend's refinement of a prediction in testing."""
    head, given = recipe.head, recipe.terms.item("model", "test_cfg")
    if head is not None and head.kind == "PointHead" and head.channels:
        options = {name: given.get(name).value for name in REFINEMENT}
        options["align_corners"] = head.align_corners
        step = step_of("infer", point_head_inference, options)
        probe = Probe(step, partial(heads.make_coarse, classes=head.channels))
        yield Case("infer", head.where, seed, (step,), probe=probe)


def _making(head: Head, loss: Step) -> Callable[[int], Any]:
    """What makes the input of a head's loss from a seed."""
    name = loss.function.__name__
    if heads.outputs_of(name, classes=1, layers=1, queries=1) is None:
        return partial(make_logits, channels=head.channels)
    return partial(heads.make_outputs, loss=name, classes=head.channels, layers=head.layers)


def _tail(head: Head, loss: Step) -> tuple[Step, ...]:
    """From a batch to the loss of `head`; a network stands between, alike for both sides."""
    numbers = {"classes": head.channels, "layers": head.layers, "queries": head.queries}
    name = loss.function.__name__
    outputs = heads.outputs_of(name, **numbers)
    if outputs is None:
        return tail_of_training(head.channels, loss)
    between = {"network": partial(heads.network, outputs=outputs, true=heads.true_maps_of(name))}
    entry = loss.entry and replace(loss.entry, options={**loss.entry.options, **between})
    return (replace(loss, options={**loss.options, **between}, entry=entry),)


def _has_a_step(case: Case) -> bool:
    return any(step.function is not absent for step in case.steps)


def _train(recipe: Recipe, infos: Sequence[DataInfo], seed: int, name: str) -> Case:
    steps, head = recipe.train, recipe.head
    if head is not None and head.loss is not None and seed % SEEDS_PER_LOSS == 0:
        steps = (*steps, *_tail(head, head.loss))
    info = infos[seed % len(infos)]
    return _file_case(recipe, "train", info, seed, steps, name=name, others=infos)


def _val(recipe: Recipe, info: DataInfo, name: str) -> Case:
    steps, head, testing = recipe.val, recipe.head, _testing(recipe)
    if head is not None and testing is not None:
        steps = (*steps, *tail_of_testing(head.channels, testing, recipe.metric))
    return _file_case(recipe, "val", info, 0, steps, name=name)


def _testing(recipe: Recipe) -> dict[str, Any] | None:
    """Options of inference with the last decode head, where it is known what it gives."""
    head = recipe.head
    if head is None or not head.channels or recipe.test_cfg is None:
        return None
    return {**recipe.test_cfg, "align_corners": head.align_corners}


def _file_case(
    recipe: Recipe,
    split: str,
    info: DataInfo,
    seed: int,
    steps: tuple[Step, ...],
    *,
    name: str = "",
    others: Sequence[DataInfo] = (),
) -> Case:
    started = _started(recipe, split, info)
    rest = tuple(_started(recipe, split, one) for one in others)
    placed = tuple(_among(step, rest) for step in steps)
    return Case(name or split, Path(info.img_path).name, seed, placed, info=started)


def _started(recipe: Recipe, split: str, info: DataInfo) -> DataInfo:
    reduces = recipe.reduces[split]
    known = recipe.head.channels + reduces if recipe.head is not None else 256
    # The built-in inputs have labels of ADE20K and odd ones; what the config has not is ignored.
    ignored = dict.fromkeys(range(max(known, 2), 255), 255)
    chosen = recipe.listings[split].label_map
    label_map = {**ignored, **(chosen or {})} or None
    # Nor have they depth maps: where a config reads some, the label map is read as one.
    depth = {"depth_map_path": info.seg_map_path, "category_id": info.sample_idx}
    needed = any(step.name == "load_depth" for step in recipe.train)
    more = info.more or (depth if needed else {})
    return replace(info, reduce_zero_label=reduces, label_map=label_map, more=more)


def _among(step: Step, infos: tuple[DataInfo, ...]) -> Step:
    """A step of several images, with `infos` as what it takes the others from."""
    pool = step.options.get("pool")
    if pool is None or step.entry is None:
        return step
    entries = [one.entry.values for one in pool.steps if one.entry is not None]
    others = replace(step.entry, options={"infos": infos, "entries": entries})
    options = {**step.options, "pool": replace(pool, infos=infos)}
    return replace(step, options=options, entry=others)


def make_logits(seed: int, *, channels: int) -> dict[str, torch.Tensor]:
    """Small logits ``(2, C, h, w)`` and labels of another size, a share of them ignored."""
    rng = RandomState(seed)
    height, width = int(rng.randint(2, 9)), int(rng.randint(2, 9))
    label = rng.randint(0, max(channels, 2), (2, 3 * height + 1, 2 * width))
    label[rng.random_sample(label.shape) < heads.SHARES_IGNORED[seed % 4]] = 255
    pred = rng.normal(0, 3, (2, channels, height, width))
    return {"pred": torch.from_numpy(pred).float(), "label": torch.from_numpy(label)}


def _schedule(recipe: Recipe) -> Iterator[Case]:
    found = recipe.schedule
    if found is None:
        return
    tables = [(SCHEDULE, {"base_lrs": [found.base_lr]})]
    tables += [] if found.momentum is None else [(MOMENTUM, {"momenta": [found.momentum]})]
    for step, base in tables:
        probe = Probe(step, partial(_given, value={**base, **found.options}))
        yield Case("schedule", recipe.name, 0, (step,), probe=probe)


def _groups(recipe: Recipe) -> Iterator[Case]:
    if recipe.groups is not None:
        probe = Probe(GROUPS, partial(_given, value=recipe.groups))
        yield Case("optimizer", recipe.name, 0, (GROUPS,), probe=probe)


def data_set_cases(recipe: Recipe, root: Path) -> Iterator[Case]:
    """What the data sets of `recipe` list below `root`, where their folders lie there."""
    joined = {name: next(iter(one.listings.values())) for name, one in recipe.joined.items()}
    for split, found in {**recipe.listings, **joined}.items():
        if found.lies_below(root):
            probe = Probe(found.step, partial(_root, root=str(root)))
            yield Case("data set", split, 0, (found.step,), probe=probe)


def _root(seed: int, *, root: str) -> str:
    return root


def _given(seed: int, *, value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(value)
